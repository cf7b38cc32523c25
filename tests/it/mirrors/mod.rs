//! Every mirror equals the table: schemas, policies, identities, filters and writers at random, mirrors on every
//! transport, and whatever can happen to servers, daemons and connections.
//!
//! `ROWCAST_MIRRORS_SECS` makes it longer; `ROWCAST_MIRRORS_SEED` repeats the round that had this seed;
//! `ROWCAST_MIRRORS_CHAOS` says what may happen: `all`, `none`, `kill,cut`, `-restart,-crash`;
//! `ROWCAST_MIRRORS_FAILURES` how many rounds may fail before it stops;
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

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;

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
    let mut failed = Vec::new();
    for seed in options.seed.. {
        let round = Round::new(seed, &server, &options, &counts).await;
        match AssertUnwindSafe(round.run()).catch_unwind().await {
            Ok(()) => println!("seed {seed} done, {} comparisons so far", counts.comparisons.get()),
            Err(_) => failed.push(seed),
        }
        if Instant::now() >= end || failed.len() >= options.failures {
            break;
        }
    }
    println!("{counts:?}");
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
    assert!(counts.comparisons.get() > 0, "{counts:?}");
}
