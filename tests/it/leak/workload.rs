//! Writers at random: rows move, keys change and are swapped, and some of it is rolled back.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio_postgres::Client;

use super::table::{GROWN, Table, grown, value};
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

fn statement(rng: &mut StdRng, table: &Table) -> String {
    let name = &table.name;
    let others = table.others();
    let id = rng.random_range(1..=12);
    let mut set = |names: &[&str]| {
        let parts = names.iter().map(|name| {
            let column = table.column(name).unwrap();
            format!("{name} = {}", value(rng, column))
        });
        parts.collect::<Vec<_>>().join(", ")
    };
    let by: Vec<&str> = ["customer", "org", "owner", "flag"]
        .into_iter()
        .filter(|name| others.contains(name))
        .collect();
    let any = set(&[others.choose(&mut rand_of(id)).unwrap()]);
    let moved = if by.is_empty() { any.clone() } else { set(&by) };
    let hidden = if table.policy.hide.is_empty() { any.clone() } else { set(&table.policy.hide) };
    let all = set(&others);
    let other_id = rng.random_range(1..=12);
    let one = others.choose(rng).unwrap();
    match rng.random_range(0..100) {
        0..28 => insert(rng, table),
        28..40 => format!("update {name} set {any} where id = {id}"),
        40..50 => format!("update {name} set {moved} where id = {id}"),
        50..55 => format!("update {name} set {moved} where id between {id} and {other_id}"),
        55..60 => format!("update {name} set {all} where id = {id}"),
        60..66 => format!("update {name} set {hidden} where id = {id}"),
        66..70 => format!("update {name} set {one} = {one} where id = {id}"),
        70..76 => format!("update {name} set id = {other_id} where id = {id}"),
        76..80 => format!("update {name} set id = {other_id}, {moved} where id = {id}"),
        80..84 => swap(name, id, other_id),
        84..87 => {
            format!("{0} {id}; {0} {id}", format_args!("update {name} set {moved} where id ="))
        }
        87..95 => format!("delete from {name} where id = {id}"),
        95..97 if table.grows => format!("update {name} set {GROWN} = {} where id = {id}", grown()),
        97 => format!("delete from {name}"),
        95..97 => format!("delete from {name} where id = {other_id}"),
        98 => format!("truncate {name}"),
        _ => format!("update {name} set {any}"),
    }
}

/// A choice that doesn't need the writer's own source.
fn rand_of(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn insert(rng: &mut StdRng, table: &Table) -> String {
    let names: Vec<_> = table.columns.iter().map(|column| column.0).collect();
    let mut rows = Vec::new();
    for _ in 0..rng.random_range(1..=3) {
        let values: Vec<_> = table.columns.iter().map(|&column| value(rng, column)).collect();
        rows.push(format!("({})", values.join(", ")));
    }
    format!("insert into {} ({}) values {}", table.name, names.join(", "), rows.join(", "))
}

/// Both rows have the other's key after it: at once where the key may be checked later.
fn swap(name: &str, one: u64, other: u64) -> String {
    format!(
        "update {name} set id = -id where id = {one}; update {name} set id = {one} where id = {other}; \
         update {name} set id = {other} where id = -{one}"
    )
}
