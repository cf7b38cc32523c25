//! Every mirror equals the table: schemas, policies, identities, filters and writers at random, mirrors on every
//! transport, and whatever can happen to servers, daemons and connections.
//!
//! `ROWCAST_MIRRORS_SECS` makes it longer; `ROWCAST_MIRRORS_SEED` repeats the round that had this seed;
//! `ROWCAST_MIRRORS_CHAOS` says what may happen: `all`, `none`, `kill,cut`, `-restart,-crash`;
//! `ROWCAST_MIRRORS_WAYS` by which ways: `socket,stream,poll,rows,script`.

mod chaos;
mod compare;
mod copy;
mod counts;
mod draw;
mod judge;
mod mirror;
mod options;
mod poll;
mod proxy;
mod round;
mod rules;
mod script;
mod socket;
mod stage;
mod stream;
mod tables;
mod writers;

use std::sync::Arc;
use std::time::Instant;

use counts::Counts;
use options::Options;
use round::Round;
use stage::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mirror_equals_what_postgresql_shows() {
    let options = Options::from_environment();
    println!("the first round's seed is {}", options.seed);
    let server = Server::start().await;
    let counts = Arc::new(Counts::default());
    let end = Instant::now() + options.time;
    for seed in options.seed.. {
        Round::new(seed, &server, &options, &counts).await.run().await;
        println!("seed {seed} done, {} comparisons so far", counts.comparisons.get());
        if Instant::now() >= end {
            break;
        }
    }
    println!("{counts:?}");
    assert!(counts.comparisons.get() > 0, "{counts:?}");
}
