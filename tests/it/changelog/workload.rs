//! Writers that do all that may disturb a reader: interleaved transactions, savepoints, rollbacks, deadlocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio_postgres::{Client, Error, NoTls};

use super::setup::TABLES;

/// Few rows, so that writers meet.
const ROWS: i64 = 25;

/// Writers at work. `stop` lets them finish their transactions.
pub struct Workload {
    stop: Arc<AtomicBool>,
    writers: JoinSet<u64>,
}

impl Workload {
    pub fn start(url: &str, writers: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for seed in 0..writers {
            tasks.spawn(writer(url.to_owned(), seed, stop.clone()));
        }
        Self { stop, writers: tasks }
    }

    /// How many transactions were committed, as far as the writers know.
    pub async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.writers.join_all().await.into_iter().sum()
    }
}

/// Goes on over the loss of its connection.
async fn writer(url: String, seed: u64, stop: Arc<AtomicBool>) -> u64 {
    let mut random = StdRng::seed_from_u64(seed);
    let mut committed = 0;
    while !stop.load(Ordering::Relaxed) {
        let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        tokio::spawn(connection);
        while !stop.load(Ordering::Relaxed) && !client.is_closed() {
            match transaction(&client, &mut random).await {
                Ok(true) => committed += 1,
                Ok(false) => {}
                Err(_) => drop(client.batch_execute("rollback").await),
            }
        }
    }
    committed
}

/// Says whether it committed.
async fn transaction(client: &Client, random: &mut StdRng) -> Result<bool, Error> {
    client.batch_execute("begin").await?;
    let mut changes = 0;
    for _ in 0..random.random_range(1..6) {
        match random.random_range(0..5) {
            0 => changes += within_savepoint(client, random).await?,
            _ => changes += change(client, random).await?,
        }
        if random.random_bool(0.1) {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
        }
    }
    if random.random_bool(0.15) {
        client.batch_execute("rollback").await?;
        return Ok(false);
    }
    client.batch_execute(&format!("insert into ledger (changes) values ({changes})")).await?;
    client.batch_execute("commit").await?;
    Ok(true)
}

async fn within_savepoint(client: &Client, random: &mut StdRng) -> Result<u64, Error> {
    client.batch_execute("savepoint s").await?;
    let changes = change(client, random).await? + change(client, random).await?;
    if random.random_bool(0.5) {
        client.batch_execute("rollback to savepoint s").await?;
        return Ok(0);
    }
    client.batch_execute("release savepoint s").await?;
    Ok(changes)
}

/// How many rows it changed.
async fn change(client: &Client, random: &mut StdRng) -> Result<u64, Error> {
    let (table, id) = (TABLES[random.random_range(0..3)], random.random_range(0..ROWS));
    let statement = match random.random_range(0..6) {
        0 => format!("delete from {table} where id = {id}"),
        1..3 => format!("insert into {table} (id, v) values ({id}, 0) on conflict do nothing"),
        3 => format!("update {table} set v = v + 1 where id between {id} and {id} + 2"),
        _ => format!("update {table} set v = v + 1 where id = {id}"),
    };
    client.execute(&statement, &[]).await
}
