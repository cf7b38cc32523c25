//! Nobody sees more than PostgreSQL says that they may, and nobody less: tables, policies, identities, filters and
//! writers at random, and everything that every client receives.
//!
//! `ROWCAST_LEAK_SECS` makes it longer; `ROWCAST_LEAK_SEED` repeats the round that had this seed.

mod audit;
mod clients;
mod compare;
mod frames;
mod judge;
mod model;
mod round;
mod workload;

use std::time::{Duration, Instant};

use round::{Counts, Round};

const SECS: u64 = 20;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_what_postgresql_says_and_nothing_else() {
    let secs = from_environment("ROWCAST_LEAK_SECS").unwrap_or(SECS);
    let seed =
        from_environment("ROWCAST_LEAK_SEED").unwrap_or_else(|| rand::random::<u32>().into());
    println!("the first round's seed is {seed}");
    let end = Instant::now() + Duration::from_secs(secs);
    let mut counts = Counts::default();
    for seed in seed.. {
        Round::new(seed).run(&mut counts).await;
        if Instant::now() >= end {
            break;
        }
    }
    println!("{counts:?}");
    assert!(counts.events > 0 && counts.refused > 0, "{counts:?}");
}
