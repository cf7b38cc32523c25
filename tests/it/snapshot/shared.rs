//! Who asks for the same shares a read, and how old it may be.

use futures_util::future::join_all;
use rowcast::snapshot::Settings;
use rowcast::spool::Limits;
use serde_json::json;

use super::fixture::{Own, Shop, all, ids, rows_path};
use crate::support::{connect, eventually};

const SQL: &str = "
    create table orders (id int primary key, note text);
    insert into orders select n, 'note ' || n from generate_series(1, 20) as n;
    create table locked (id int primary key)";

const TABLES: &str =
    "[[table]]\nname = 'orders'\nrows = 'true'\n[[table]]\nname = 'locked'\nrows = 'true'\n";

async fn shop() -> Shop {
    Shop::open(SQL, TABLES).await
}

#[tokio::test]
async fn subscriptions_at_once_are_read_once() {
    let shop = shop().await;
    let own = Own::of(&shop, &["orders"], Settings::default(), Limits::default()).await;
    let shared = join_all((0..2_000).map(|_| own.snapshots.share(own.view("orders"), None))).await;
    let mut cursors = Vec::new();
    for rows in shared {
        let rows = rows.unwrap();
        cursors.push(rows.cursor().clone());
        assert_eq!(all(rows).await.unwrap().lines().count(), 20);
    }
    cursors.dedup();
    assert_eq!((own.reads(), cursors.len()), (1, 1));
}

#[tokio::test]
async fn a_read_that_is_too_old_is_not_shared() {
    let shop = shop().await;
    let own = Own::of(&shop, &["orders"], Settings::default(), Limits::default()).await;
    let first = own.snapshots.share(own.view("orders"), None).await.unwrap();
    let again = own.snapshots.share(own.view("orders"), Some(first.cursor())).await.unwrap();
    assert_eq!((own.reads(), again.cursor()), (1, first.cursor()));
    shop.client.batch_execute("insert into orders values (0)").await.unwrap();
    let newer = own.snapshots.fresh(own.view("orders"), Vec::new(), Some(1)).await.unwrap();
    let after = own.snapshots.share(own.view("orders"), Some(newer.cursor())).await.unwrap();
    assert_eq!(own.reads(), 3);
    assert!(after.cursor().snapshot.includes(&newer.cursor().snapshot));
    assert_eq!(all(after).await.unwrap().lines().count(), 21);
    assert_eq!(all(again).await.unwrap().lines().count(), 20);
    drop(first);
}

/// Four reads wait for a lock; whoever asks meanwhile waits for a turn.
#[tokio::test]
async fn equal_requests_that_wait_are_read_once() {
    let shop = shop().await;
    let mut other = connect(&shop.database).await;
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("lock table locked in access exclusive mode").await.unwrap();
    let limits: Vec<String> = (1..=4).map(|limit| limit.to_string()).collect();
    let path = |limit: &String| rows_path("locked", &[("limit", limit.as_str())]);
    let busy = join_all(limits.iter().map(async |limit| shop.get(&path(limit)).await));
    let counted = async |metric: &str, count| {
        let counts = async || (shop.metric(metric).await == count).then_some(());
        eventually(metric, counts).await;
    };
    let equal = async {
        counted("rowcast_snapshot_reads_total", 4).await;
        join_all((0..30).map(async |_| shop.rows("orders", &[]).await)).await
    };
    let release = async {
        counted("rowcast_snapshot_reads_shared_total", 29).await;
        assert_eq!(shop.metric("rowcast_snapshot_reads_total").await, 4);
        lock.rollback().await.unwrap();
    };
    let (busy, equal, ()) = tokio::join!(busy, equal, release);
    assert!(busy.iter().all(|answer| answer.rows().is_empty()));
    assert!(equal.iter().all(|answer| answer.rows().len() == 20 && answer.text == equal[0].text));
    assert_eq!(shop.metric("rowcast_snapshot_reads_total").await, 5);
}

#[tokio::test]
async fn who_has_written_sees_it_whoever_else_reads() {
    let shop = shop().await;
    let others = async {
        loop {
            join_all((0..6).map(async |_| shop.rows("locked", &[]).await)).await;
        }
    };
    let writer = async {
        for id in 1..=40 {
            shop.client.batch_execute(&format!("insert into locked values ({id})")).await.unwrap();
            let seen = shop.rows("locked", &[]).await;
            let mut seen = seen.column("id");
            seen.sort_by_key(serde_json::Value::as_i64);
            assert_eq!(seen, ids(1..=id));
        }
    };
    tokio::select! {
        () = writer => {}
        () = others => {}
    }
}

/// As many as there are turns, again and again: whoever leaves gives up the turn.
#[tokio::test]
async fn a_read_that_nobody_waits_for_is_given_up() {
    let shop = shop().await;
    let mut other = connect(&shop.database).await;
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("lock table locked in access exclusive mode").await.unwrap();
    let waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    for limit in 1..=8 {
        let path = rows_path("locked", &[("limit", limit.to_string().as_str())]);
        let asked = tokio::spawn(shop.http.get(shop.url(&path)).send());
        let waits =
            async || (shop.client.query(waiting, &[]).await.unwrap().len() == 1).then_some(());
        eventually("it waits for the lock", waits).await;
        asked.abort();
        let gone = async || shop.client.query(waiting, &[]).await.unwrap().is_empty().then_some(());
        eventually("it doesn't any more", gone).await;
    }
    // None has waited until PostgreSQL gave it up.
    assert_eq!(shop.metric("rowcast_snapshot_reads_failed_total").await, 0);
    lock.rollback().await.unwrap();
    assert_eq!(shop.rows("locked", &[]).await.json()["rows"], json!([]));
}
