//! What was committed, against what was handed on.

use std::collections::{HashMap, HashSet};

use rowcast::event::Change;
use tokio_postgres::Client;

use super::feed::Feed;
use super::setup::TABLES;

/// Commits a last change, waits until it has come, and checks everything that the ledger knows of.
pub async fn check(feed: &Feed, client: &Client) {
    finish(feed, client).await;
    let committed = ledger(client).await;
    feed.look(|seen| {
        assert_eq!(seen.resets, []);
        each_change_once(&seen.batches);
        transactions_are_whole(&seen.batches, &committed);
        rows_are_in_order(&seen.batches);
    });
    mirror_equals_tables(feed, client).await;
}

/// Commits a last change and waits until it has come: everything that was committed before has come then.
pub async fn finish(feed: &Feed, client: &Client) {
    let query = "with t as (insert into a (id, v) select coalesce(max(id), 0) + 1000000, 0 from a returning id), \
                 l as (insert into ledger (changes) values (1)) select id from t";
    let last: i64 = client.query_one(query, &[]).await.unwrap().get(0);
    feed.until("the last change", |seen| seen.has_inserted(last)).await;
}

/// How many changes each committed transaction made.
async fn ledger(client: &Client) -> HashMap<u64, i64> {
    let rows = client.query("select txid::text, changes from ledger", &[]).await.unwrap();
    rows.iter()
        .map(|row| (row.get::<_, &str>(0).parse().unwrap(), row.get(1)))
        .filter(|(_, changes)| *changes > 0)
        .collect()
}

fn each_change_once(batches: &[Vec<Change>]) {
    let mut seen = HashSet::new();
    for change in batches.iter().flatten() {
        assert!(seen.insert(change.seq), "came twice: {change:?}");
    }
}

/// Every committed one came, with all its changes, in one batch; no other one did.
fn transactions_are_whole(batches: &[Vec<Change>], committed: &HashMap<u64, i64>) {
    let mut came: HashMap<u64, i64> = HashMap::new();
    for batch in batches {
        let mut within: HashMap<u64, i64> = HashMap::new();
        for change in batch {
            *within.entry(change.txid).or_default() += 1;
        }
        for (txid, changes) in within {
            assert_eq!(came.insert(txid, changes), None, "{txid} came in two batches");
        }
    }
    for (txid, changes) in committed {
        assert_eq!(came.get(txid), Some(changes), "of transaction {txid}");
    }
    assert_eq!(came.len(), committed.len(), "a transaction came that wasn't committed");
}

/// The row before a change is what the change before made of it.
fn rows_are_in_order(batches: &[Vec<Change>]) {
    let mut rows: HashMap<(i32, i64), &str> = HashMap::new();
    for change in batches.iter().flatten() {
        let (old, new) = (text(&change.old), text(&change.new));
        let key = (change.table.0, id(old.or(new).unwrap()));
        assert_eq!(rows.remove(&key), old, "the row before {change:?}");
        if let Some(new) = new {
            rows.insert(key, new);
        }
    }
}

async fn mirror_equals_tables(feed: &Feed, client: &Client) {
    let mut stored = Vec::new();
    for table in TABLES {
        let query = format!("select row_to_json(t)::text from {table} as t");
        let rows = client.query(&query, &[]).await.unwrap();
        stored.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    let mut mirror: HashMap<(i32, i64), String> = HashMap::new();
    feed.look(|seen| {
        for change in seen.changes() {
            let (old, new) = (text(&change.old), text(&change.new));
            let key = (change.table.0, id(old.or(new).unwrap()));
            match new {
                Some(new) => drop(mirror.insert(key, new.into())),
                None => drop(mirror.remove(&key)),
            }
        }
    });
    let mut mirrored: Vec<String> = mirror.into_values().collect();
    stored.sort();
    mirrored.sort();
    assert_eq!(mirrored, stored);
}

fn text(row: &Option<rowcast::event::RowText>) -> Option<&str> {
    row.as_ref().map(|row| row.json.as_str())
}

fn id(row: &str) -> i64 {
    let (id, _) = row.strip_prefix("{\"id\":").unwrap().split_once(',').unwrap();
    id.parse().unwrap()
}
