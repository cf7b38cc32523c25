//! A failover to a standby, with the reader following: its commits may be lost, so readers start anew.

use std::path::Path;
use std::process::Command;

use rowcast::changelog::{ResetReason, Settings};
use rowcast::demo::cluster::{Cluster, Stop};

use super::feed::Feed;
use super::{setup, truth};
use crate::support;

/// A server and its standby, which was made by copying the stopped server's files.
fn primary_and_standby() -> (Cluster, Cluster) {
    let mut primary = setup::quick_cluster();
    let mut standby = setup::quick_cluster();
    primary.stop(Stop::Fast).unwrap();
    standby.stop(Stop::Fast).unwrap();
    let directory = |cluster: &Cluster| cluster.directory().to_owned();
    copy(&directory(&primary).join("data"), &directory(&standby).join("data"));
    primary.start_again().unwrap();
    let (from, to) = (directory(&primary), directory(&standby));
    standby.set("unix_socket_directories", &to.to_string_lossy()).unwrap();
    let upstream = format!("host={} port=5432 user=postgres", from.display());
    standby.set("primary_conninfo", &upstream).unwrap();
    standby.write_file("data/standby.signal", "").unwrap();
    standby.start_again().unwrap();
    (primary, standby)
}

fn copy(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap();
    let done = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(done.success());
}

fn both(primary: &Cluster, standby: &Cluster, attributes: &str) -> String {
    let (first, second) = (primary.directory().display(), standby.directory().display());
    format!("host={first},{second} port=5432,5432 user=postgres dbname=postgres {attributes}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_resets_and_a_standby_is_refused() {
    let pair = tokio::task::spawn_blocking(primary_and_standby).await.unwrap();
    let (mut primary, standby) = pair;
    let client = setup::watch(&primary.url("postgres")).await;
    let url = both(&primary, &standby, "target_session_attrs=read-write");
    let feed = Feed::start(&url, Settings::default()).await;
    truth::finish(&feed, &client).await;

    let replica = support::connect(&standby.url("postgres")).await;
    let refused = Feed::start_early(&standby.url("postgres"), Settings::default());
    refused.until("attempts", |seen| seen.losses > 1).await;
    assert_eq!(refused.look(|seen| seen.commits), 0);
    let copied = "select count(*) > 0 from a";
    let is_there = "select to_regclass('a') is not null";
    support::eventually("the standby to follow", async || {
        let there = replica.query_one(is_there, &[]).await.unwrap().get::<_, bool>(0);
        (there && replica.query_one(copied, &[]).await.unwrap().get(0)).then_some(())
    })
    .await;

    tokio::task::spawn_blocking(move || primary.stop(Stop::Kill).unwrap()).await.unwrap();
    replica.execute("select pg_promote()", &[]).await.unwrap();
    feed.until("the reset", |seen| seen.resets == [ResetReason::Failover]).await;
    feed.until("a new beginning", |seen| seen.cursor.is_some()).await;
    truth::finish(&feed, &replica).await;
    // Who waited at the standby is served once it is the primary.
    refused.until("a place", |seen| seen.cursor.is_some()).await;
}
