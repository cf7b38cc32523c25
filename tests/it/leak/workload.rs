//! Writers at random: rows move, keys change and are swapped, and some of it is rolled back.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio_postgres::Client;

use crate::random::{Table, statement};
use crate::support;

const WRITERS: u64 = 4;

/// Runs writers at the same time, until so many transactions have begun and ended.
pub async fn run(url: &str, tables: &Arc<Vec<Table>>, seed: u64, transactions: u64) {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let client = support::connect(url).await;
        let tables = Arc::clone(tables);
        let mut rng = StdRng::seed_from_u64(seed ^ (writer + 1));
        writers.spawn(async move {
            let settings = "set lock_timeout = '300ms'; set deadlock_timeout = '50ms'";
            client.batch_execute(settings).await.unwrap();
            let zone = ["UTC", "Asia/Kolkata"].choose(&mut rng).unwrap();
            client.batch_execute(&format!("set TimeZone = '{zone}'")).await.unwrap();
            for _ in 0..transactions / WRITERS {
                transaction(&client, &mut rng, &tables).await;
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
}

/// One transaction. A statement that fails, by a key that is taken or a lock that isn't had, ends it.
async fn transaction(client: &Client, rng: &mut StdRng, tables: &[Table]) {
    client.batch_execute("begin").await.unwrap();
    if rng.random_bool(0.2) {
        let origin = format!("set local rowcast.origin = 'writer \"{}\"'", rng.random_range(0..9));
        client.batch_execute(&origin).await.unwrap();
    }
    for _ in 0..rng.random_range(1..=5) {
        let table = tables.choose(rng).unwrap();
        let in_doubt = rng.random_bool(0.15);
        let mut sql = statement(rng, table);
        if in_doubt {
            sql = format!("savepoint s; {sql}");
        }
        if client.batch_execute(&sql).await.is_err() {
            client.batch_execute("rollback").await.unwrap();
            return;
        }
        if in_doubt {
            let end = ["rollback to s", "release s"].choose(rng).unwrap();
            client.batch_execute(end).await.unwrap();
        }
        if rng.random_bool(0.1) {
            let millis = rng.random_range(1..10);
            let pause = format!("select pg_sleep(0.00{millis})");
            client.batch_execute(&pause).await.unwrap();
        }
    }
    let end = if rng.random_bool(0.88) { "commit" } else { "rollback" };
    if client.batch_execute(end).await.is_err() {
        client.batch_execute("rollback").await.unwrap();
    }
}
