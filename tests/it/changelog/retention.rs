//! The log is bounded by age and by size, and "what can't be read any more is said".

use rowcast::changelog::{Reading, ResetReason, Settings};
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::feed::{self, Feed};
use super::workload::Workload;
use super::{setup, truth};
use crate::support;

const MIB: u64 = 1 << 20;

pub async fn rotate(client: &Client) {
    support::eventually("a rotation", async || {
        client
            .query_one("select rowcast.rotate()", &[])
            .await
            .unwrap()
            .get::<_, bool>(0)
            .then_some(())
    })
    .await;
}

/// Waits until every transaction that runs now has ended.
pub async fn outlive(client: &Client) {
    let query = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
    let next: i64 = client.query_one(query, &[]).await.unwrap().get(0);
    let query = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1";
    support::eventually("the others to end", async || {
        client.query_one(query, &[&next]).await.unwrap().get::<_, bool>(0).then_some(())
    })
    .await;
}

async fn log_size(client: &Client) -> u64 {
    let size: i64 = client.query_one("select rowcast.log_size()", &[]).await.unwrap().get(0);
    size.try_into().unwrap()
}

async fn skipped(client: &Client) -> i64 {
    let query = "select coalesce(pg_sequence_last_value('rowcast.skipped'), 0)";
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// Makes the writers find the capture stopped, as long as no daemon's pulse beats.
const STOP: &str = "select setval('rowcast.capture_until', 1), setval('rowcast.held_until', 0);";

/// In a transaction that stays open, a change that isn't logged.
pub async fn skip_one(client: &Client, id: i64) {
    let before = skipped(client).await;
    support::eventually("a skipped change", async || {
        let change = format!("{STOP} begin; insert into a values ({id}, 0)");
        client.batch_execute(&change).await.unwrap();
        if skipped(client).await > before {
            return Some(());
        }
        client.batch_execute("rollback").await.unwrap();
        None
    })
    .await;
}

async fn begin_anew(feed: &Feed, resets: &[ResetReason]) {
    feed.until("a reset", |seen| seen.resets == resets).await;
    feed.until("a new beginning", |seen| seen.cursor.is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_under_load_loses_nothing() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    let work = Workload::start(&url, 4);
    for _ in 0..6 {
        let before = feed.look(|seen| seen.changes().count());
        feed.until("changes", |seen| seen.changes().count() > before + 30).await;
        outlive(&client).await;
        truth::finish(&feed, &client).await;
        rotate(&client).await;
    }
    work.stop().await;
    let truncations = client.query_one("select truncations from rowcast.meta", &[]).await.unwrap();
    assert!(truncations.get::<_, i64>(0) >= 3);
    truth::check(&feed, &client).await;
}

/// A reader that stays where it is until it's let go on.
async fn stuck(url: &str) -> mpsc::Receiver<Reading> {
    let (out, mut readings) = mpsc::channel(1);
    feed::run(url, Settings::default(), out);
    while !matches!(readings.recv().await, Some(Reading::Commit(_))) {}
    readings
}

/// What comes next, but for what is committed without changes.
async fn next(readings: &mut mpsc::Receiver<Reading>) -> Reading {
    loop {
        match readings.recv().await.unwrap() {
            Reading::Commit(_) | Reading::Lost => {}
            reading => return reading,
        }
    }
}

#[tokio::test]
async fn a_reader_that_was_away_for_too_long_is_reset() {
    let (url, client) = setup::watched().await;
    let mut readings = stuck(&url).await;
    // What it is about to hand on doesn't count: it stays where that ends.
    for id in 0..6 {
        client.execute("insert into a values ($1, 0)", &[&i64::from(id)]).await.unwrap();
        rotate(&client).await;
    }
    let reading = loop {
        match next(&mut readings).await {
            Reading::Changes(_) => {}
            reading => break reading,
        }
    };
    assert!(matches!(reading, Reading::Reset(ResetReason::CursorExpired)), "{reading:?}");
    assert!(matches!(readings.recv().await, Some(Reading::Commit(_))));
    client.execute("insert into a values (99, 0)", &[]).await.unwrap();
    let Reading::Changes(changes) = next(&mut readings).await else { panic!() };
    assert!(changes[0].new.as_ref().unwrap().json.starts_with("{\"id\":99,"), "{changes:?}");
}

#[tokio::test]
async fn a_reader_that_has_read_all_that_was_emptied_goes_on() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    for _ in 0..5 {
        truth::finish(&feed, &client).await;
        rotate(&client).await;
    }
    truth::check(&feed, &client).await;
}

#[tokio::test]
async fn what_a_running_transaction_wrote_is_not_emptied() {
    let (url, client) = setup::watched().await;
    let long = support::connect(&url).await;
    let feed = Feed::start(&url, Settings::default()).await;
    long.batch_execute(
        "begin; insert into a values (1, 0); insert into ledger (changes) values (1)",
    )
    .await
    .unwrap();
    rotate(&client).await;
    rotate(&client).await;
    let third = "select rowcast.rotate()";
    assert!(!client.query_one(third, &[]).await.unwrap().get::<_, bool>(0));
    long.batch_execute("commit").await.unwrap();
    feed.until("the change", |seen| seen.has_inserted(1)).await;
    truth::check(&feed, &client).await;
}

#[tokio::test]
async fn changes_that_pass_unlogged_reset_readers_and_begin_an_epoch() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    let epoch = feed.look(|seen| seen.cursor.as_ref().unwrap().era.epoch);
    skip_one(&client, 1).await;
    client.batch_execute("commit").await.unwrap();
    begin_anew(&feed, &[ResetReason::CursorExpired]).await;
    truth::finish(&feed, &client).await;
    assert!(!feed.look(|seen| seen.has_inserted(1)));
    assert_ne!(feed.look(|seen| seen.cursor.as_ref().unwrap().era.epoch), epoch);
}

#[tokio::test]
async fn an_epoch_begins_after_every_transaction_that_skipped_has_ended() {
    let (url, client) = setup::watched().await;
    let silent = support::connect(&url).await;
    skip_one(&silent, 1).await;
    let feed = Feed::start_early(&url, Settings::default());
    let asks = "select query_start::text from pg_stat_activity
                 where datname = current_database() and application_name = 'rowcast reader'
                   and query like '%renew_epoch%'";
    let mut asked = std::collections::HashSet::new();
    support::eventually("the reader to ask again and again", async || {
        for row in client.query(asks, &[]).await.unwrap() {
            asked.insert(row.get::<_, String>(0));
        }
        (asked.len() > 10).then_some(())
    })
    .await;
    assert!(feed.look(|seen| seen.cursor.is_none()), "it began although a transaction skips");
    silent.batch_execute("commit").await.unwrap();
    feed.until("the beginning", |seen| seen.cursor.is_some()).await;
    assert_eq!(feed.look(|seen| seen.changes().count()), 0);
    truth::finish(&feed, &client).await;
    assert_eq!(feed.look(|seen| seen.resets.clone()), []);
}

/// As much as is logged as 2 MiB or so.
const MUCH: &str = "insert into b select g, 0, repeat('x', 1000)
    from (select coalesce(max(id), 0) from b) as m (last), generate_series(last + 1, last + 2000) as g";

#[tokio::test]
async fn without_a_daemon_the_capture_stops_when_the_log_is_full() {
    let (_, client) = setup::watched().await;
    let small = i64::try_from(2 * MIB).unwrap();
    client.execute("select rowcast.configure(86400000, $1)", &[&small]).await.unwrap();
    for _ in 0..6 {
        client.batch_execute(MUCH).await.unwrap();
    }
    assert!(skipped(&client).await > 0);
    // A writer looks once in 4096 rows.
    assert!(log_size(&client).await < 9 * MIB, "{}", log_size(&client).await);
    let full = log_size(&client).await;
    client.batch_execute(MUCH).await.unwrap();
    assert_eq!(log_size(&client).await, full);
    let settings = Settings { max_size_bytes: 2 * MIB, ..Settings::default() };
    let feed = Feed::start(&support_url(&client).await, settings).await;
    assert!(log_size(&client).await <= 2 * MIB);
    truth::finish(&feed, &client).await;
}

async fn support_url(client: &Client) -> String {
    let query = "select current_setting('unix_socket_directories'), current_setting('port'), current_database()::text";
    let row = client.query_one(query, &[]).await.unwrap();
    let (host, port, name): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
    format!("host={host} port={port} dbname={name} user=postgres")
}

#[tokio::test]
async fn with_a_daemon_the_log_comes_back_within_its_size() {
    let (url, client) = setup::watched().await;
    let settings = Settings { max_size_bytes: 3 * MIB, ..Settings::default() };
    let feed = Feed::start(&url, settings).await;
    for _ in 0..4 {
        client.batch_execute(MUCH).await.unwrap();
    }
    support::eventually("the log to shrink", async || {
        let captures = "select pg_sequence_last_value('rowcast.capture_until') > 1";
        let captures: bool = client.query_one(captures, &[]).await.unwrap().get(0);
        (captures && log_size(&client).await <= 3 * MIB).then_some(())
    })
    .await;
    feed.until("a place", |seen| seen.cursor.is_some()).await;
    truth::finish(&feed, &client).await;
}

#[tokio::test]
async fn a_long_transaction_may_fill_the_log_and_its_end_lets_the_reader_begin_anew() {
    let (url, client) = setup::watched().await;
    let long = support::connect(&url).await;
    let settings = Settings { max_size_bytes: 3 * MIB, ..Settings::default() };
    let feed = Feed::start(&url, settings).await;
    long.batch_execute("begin; insert into a values (1, 0)").await.unwrap();
    for _ in 0..3 {
        client.batch_execute(MUCH).await.unwrap();
    }
    support::eventually("the capture to stop", async || {
        client.batch_execute("update b set v = v + 1 where id = 1").await.unwrap();
        (skipped(&client).await > 0).then_some(())
    })
    .await;
    feed.until("a reset", |seen| seen.resets == [ResetReason::CursorExpired]).await;
    let full = log_size(&client).await;
    client.batch_execute(MUCH).await.unwrap();
    assert_eq!(log_size(&client).await, full, "the log grows although it is full");
    assert!(feed.look(|seen| seen.cursor.is_none()));
    long.batch_execute("commit").await.unwrap();
    begin_anew(&feed, &[ResetReason::CursorExpired]).await;
    truth::finish(&feed, &client).await;
}

#[tokio::test]
async fn two_daemons_that_find_rotation_due_rotate_once() {
    let (_, client) = setup::watched().await;
    client.batch_execute("select rowcast.configure(3600000, 1 << 30); update rowcast.meta set rotated_at = now() - interval '1 h'").await.unwrap();
    let url = support_url(&client).await;
    let other = support::connect(&url).await;
    client.batch_execute("begin; select rowcast.rotate_if_due()").await.unwrap();
    let query = "select rowcast.rotate_if_due()";
    assert!(!other.query_one(query, &[]).await.unwrap().get::<_, bool>(0));
    client.batch_execute("commit").await.unwrap();
    assert!(!other.query_one(query, &[]).await.unwrap().get::<_, bool>(0));
}
