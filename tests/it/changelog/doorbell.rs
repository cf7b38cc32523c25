//! "Every row is looked for in time": no writer stays silent to a reader that sleeps.

use std::time::Duration;

use rowcast::changelog::Settings;
use rowcast::database::{Database, Session};
use tokio_postgres::Client;

use super::feed::Feed;
use super::{setup, truth};
use crate::support;

/// When the reader last asked, in milliseconds. `nth` of those that are connected.
async fn asked_at(client: &Client) -> i64 {
    let query = "select coalesce(max((extract(epoch from query_start) * 1000)::bigint), 0) from pg_stat_activity
                  where datname = current_database() and application_name = 'rowcast reader'";
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// Waits until the reader sleeps: for half a second it hasn't asked, and no writer rang.
async fn asleep(client: &Client) {
    support::eventually("the reader to sleep", async || {
        let before = asked_at(client).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        (asked_at(client).await == before).then_some(())
    })
    .await;
}

/// Waits until the reader has asked so many times. One that sleeps asks once a second, which would take longer than the deadline.
async fn keeps_asking(client: &Client, times: usize) {
    assert!(Duration::from_secs(1) * times.try_into().unwrap() > support::DEADLINE);
    let (mut last, mut asked) = (asked_at(client).await, 0);
    support::eventually("the reader to keep asking", async || {
        let now = asked_at(client).await;
        asked += usize::from(now != last);
        last = now;
        (asked >= times).then_some(())
    })
    .await;
}

/// Somebody else who hears the bell.
struct Ear(Session);

impl Ear {
    async fn open(url: &str) -> Self {
        let database = Database::resolve(Some(url), &|_| None).unwrap();
        let session = database.connect("ear").await.unwrap();
        session.client.batch_execute("listen rowcast").await.unwrap();
        Self(session)
    }

    /// Whether the bell has rung since this was last asked.
    async fn has_heard(&mut self) -> bool {
        // Notifications that were sent before come before the answer.
        self.0.client.batch_execute("select 1").await.unwrap();
        tokio::time::timeout(Duration::ZERO, self.0.bell.rung()).await.is_ok()
    }
}

async fn hold(client: &Client, ms: i32) {
    client.execute("select rowcast.hold($1)", &[&ms]).await.unwrap();
}

/// Ends every hold, as the one who holds would.
async fn release(client: &Client) {
    client.execute("select rowcast.release(9e15::bigint)", &[]).await.unwrap();
}

#[tokio::test]
async fn a_sleeping_reader_is_woken_by_the_bell() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    // The slow timer alone would take a second for each.
    let changes = support::DEADLINE.as_secs() as i64 + 10;
    tokio::time::timeout(support::DEADLINE, async {
        for id in 0..changes {
            client.execute("insert into a values ($1, 0)", &[&id]).await.unwrap();
            feed.until("the change", |seen| seen.has_inserted(id)).await;
        }
    })
    .await
    .unwrap();
    asleep(&client).await;
}

#[tokio::test]
async fn a_writer_that_saw_the_hold_and_commits_after_it_is_waited_for() {
    let (url, client) = setup::watched().await;
    let writer = support::connect(&url).await;
    let feed = Feed::start(&url, Settings::default()).await;
    asleep(&client).await;
    hold(&client, 60_000).await;
    writer.batch_execute("begin; insert into a values (1, 0)").await.unwrap();
    release(&client).await;
    let mut ear = Ear::open(&url).await;
    keeps_asking(&client, 40).await;
    writer.batch_execute("insert into ledger (changes) values (1); commit").await.unwrap();
    feed.until("the silent change", |seen| seen.has_inserted(1)).await;
    assert!(!ear.has_heard().await, "the writer rang");
    asleep(&client).await;
    truth::check(&feed, &client).await;
}

#[tokio::test]
async fn a_hold_that_nobody_told_of_is_seen_although_it_is_over() {
    let (url, client) = setup::watched().await;
    let writer = support::connect(&url).await;
    let feed = Feed::start(&url, Settings::default()).await;
    asleep(&client).await;
    // A hold that begins and ends between two looks, and whose bell is lost: setval() is at once, the bell is rolled back.
    writer.batch_execute("begin; select rowcast.hold(60000)").await.unwrap();
    let silent = support::connect(&url).await;
    silent.batch_execute("begin; insert into a values (1, 0)").await.unwrap();
    release(&client).await;
    writer.batch_execute("rollback").await.unwrap();
    keeps_asking(&client, 40).await;
    silent.batch_execute("insert into ledger (changes) values (1); commit").await.unwrap();
    feed.until("the silent change", |seen| seen.has_inserted(1)).await;
    truth::check(&feed, &client).await;
}

#[tokio::test]
async fn writers_are_silent_while_a_reader_holds_and_ring_while_it_sleeps() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    asleep(&client).await;
    let mut ear = Ear::open(&url).await;
    hold(&client, 60_000).await;
    assert!(ear.has_heard().await, "whoever takes the hold wakes the others");
    for id in 0..50_i64 {
        client.execute("insert into a values ($1, 0)", &[&id]).await.unwrap();
    }
    feed.until("the changes", |seen| seen.changes().count() == 50).await;
    assert!(!ear.has_heard().await, "a writer rang although a reader holds");
    release(&client).await;
    client.execute("insert into a values (50, 0)", &[]).await.unwrap();
    assert!(ear.has_heard().await, "the writer didn't ring");
    feed.until("the change", |seen| seen.has_inserted(50)).await;
}

#[tokio::test]
async fn a_reader_that_reads_often_holds_and_lets_go_when_idle() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    let held = "select pg_sequence_last_value('rowcast.held_until') > extract(epoch from clock_timestamp()) * 1000";
    let mut id = 0_i64;
    support::eventually("a hold", async || {
        for _ in 0..50 {
            client.execute("insert into a values ($1, 0)", &[&id]).await.unwrap();
            id += 1;
        }
        client.query_one(held, &[]).await.unwrap().get::<_, bool>(0).then_some(())
    })
    .await;
    asleep(&client).await;
    assert!(!client.query_one(held, &[]).await.unwrap().get::<_, bool>(0));
    assert_eq!(feed.look(|seen| seen.changes().count()), usize::try_from(id).unwrap());
}

#[tokio::test]
async fn without_a_daemon_nobody_rings() {
    let (url, client) = setup::watched().await;
    let mut ear = Ear::open(&url).await;
    client.batch_execute("insert into a values (1, 0)").await.unwrap();
    assert!(!ear.has_heard().await);
}
