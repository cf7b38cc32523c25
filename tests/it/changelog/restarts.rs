//! The server may stop and crash: nothing is lost, or it is said that something is.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rowcast::changelog::{ResetReason, Settings};
use rowcast::demo::cluster::{Cluster, Stop};
use tokio_postgres::{Client, NoTls};

use super::feed::{Feed, Seen};
use super::workload::Workload;
use super::{setup, truth};
use crate::support;

pub async fn restart(mut cluster: Cluster, how: Stop) -> Cluster {
    tokio::task::spawn_blocking(move || {
        cluster.restart(how).unwrap();
        cluster
    })
    .await
    .unwrap()
}

pub async fn start(settings: &'static [(&'static str, &'static str)]) -> (Cluster, String, Client) {
    let cluster = tokio::task::spawn_blocking(|| support::private_cluster(settings));
    let cluster = cluster.await.unwrap();
    let url = cluster.url("postgres");
    let client = setup::watch(&url).await;
    (cluster, url, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_and_crashes_under_load_lose_nothing_that_was_committed() {
    let (mut cluster, url, client) =
        start(&[("synchronous_commit", "on"), ("deadlock_timeout", "10ms")]).await;
    drop(client);
    let feed = Feed::start(&url, Settings::default()).await;
    let work = Workload::start(&url, 4);
    for how in [Stop::Fast, Stop::Immediate, Stop::Kill] {
        let before = feed.look(|seen| seen.changes().count());
        feed.until("changes", |seen| seen.changes().count() > before + 100).await;
        cluster = restart(cluster, how).await;
    }
    let before = feed.look(|seen| seen.changes().count());
    feed.until("changes", |seen| seen.changes().count() > before + 100).await;
    work.stop().await;
    truth::check(&feed, &support::connect(&url).await).await;
}

/// The process that writes what nobody waits for to the disk, stopped: a crash loses it, and its end is one.
pub struct WalWriter(Pid);

impl WalWriter {
    pub async fn stop(client: &Client) -> Self {
        let query = "select pid from pg_stat_activity where backend_type = 'walwriter'";
        let pid: i32 = client.query_one(query, &[]).await.unwrap().get(0);
        kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
        Self(Pid::from_raw(pid))
    }

    /// The server ends every process, and recovers.
    pub async fn crash(self, client: Client, url: &str) -> Client {
        kill(self.0, Signal::SIGKILL).unwrap();
        support::eventually("the crash", async || client.is_closed().then_some(())).await;
        support::eventually("the recovery", async || {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.ok()?;
            tokio::spawn(connection);
            Some(client)
        })
        .await
    }
}

/// Has the reader know of a place that is on disk.
pub async fn settle(feed: &Feed, client: &Client) {
    for id in -3..0_i64 {
        let sure = format!("set synchronous_commit = on; insert into c values ({id}, 0)");
        client.batch_execute(&sure).await.unwrap();
        feed.until("the change", |seen| seen.has_inserted(id)).await;
    }
    client.batch_execute("set synchronous_commit = off").await.unwrap();
}

#[tokio::test]
async fn a_crash_that_takes_back_what_was_handed_on_resets() {
    let (_cluster, url, client) = start(&[]).await;
    let feed = Feed::start(&url, Settings::default()).await;
    settle(&feed, &client).await;
    let wal_writer = WalWriter::stop(&client).await;
    client.batch_execute("insert into a values (1, 0)").await.unwrap();
    feed.until("the change", |seen| seen.has_inserted(1)).await;
    let client = wal_writer.crash(client, &url).await;
    let kept = client.query("select from a where id = 1", &[]).await.unwrap().len();
    assert_eq!(kept, 0, "the server should have lost it, or this shows nothing");
    feed.until("the reset", |seen| !seen.resets.is_empty()).await;
    assert_eq!(feed.look(|seen| seen.resets.clone()), [ResetReason::Failover]);
    feed.until("a new beginning", |seen| seen.cursor.is_some()).await;
    truth::finish(&feed, &client).await;
}

#[tokio::test]
async fn a_transaction_with_an_id_that_a_crash_freed_is_not_taken_for_seen() {
    let (_cluster, url, client) = start(&[]).await;
    let feed = Feed::start(&url, Settings::default()).await;
    settle(&feed, &client).await;
    let wal_writer = WalWriter::stop(&client).await;
    // Ids that end without a trace on disk; the reader's snapshots see them as ended.
    for _ in 0..50 {
        client.batch_execute("begin; select pg_current_xact_id(); rollback").await.unwrap();
    }
    let next = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
    let before: i64 = client.query_one(next, &[]).await.unwrap().get(0);
    client.batch_execute("notify rowcast").await.unwrap();
    let has_seen =
        |seen: &Seen| seen.cursor.as_ref().unwrap().snapshot.xmax() >= before.unsigned_abs();
    feed.until("a read", has_seen).await;
    let client = wal_writer.crash(client, &url).await;
    client.batch_execute("insert into a values (1, 0)").await.unwrap();
    let query = "select xmin::text::bigint from a where id = 1";
    let again: i64 = client.query_one(query, &[]).await.unwrap().get(0);
    assert!(again < before, "the server should have used an id again, or this shows nothing");
    feed.until("the change", |seen| seen.has_inserted(1)).await;
    assert_eq!(feed.look(|seen| seen.resets.clone()), []);
}

#[tokio::test]
async fn a_reader_outlives_a_server_that_is_away() {
    let (mut cluster, url, _) = start(&[]).await;
    let feed = Feed::start(&url, Settings::default()).await;
    cluster.stop(Stop::Fast).unwrap();
    feed.until("attempts", |seen| seen.losses > 2).await;
    let start_again = move || cluster.start_again().map(|()| cluster);
    let _cluster = tokio::task::spawn_blocking(start_again).await.unwrap().unwrap();
    truth::check(&feed, &support::connect(&url).await).await;
}
