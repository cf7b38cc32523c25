//! Cursors of which it can't be told what comes after them.

use rowcast::demo::cluster::Stop;

use super::*;
use crate::changelog::retention::{outlive, rotate, skip_one};
use crate::changelog::{restarts, truth};
use crate::support;

#[tokio::test]
async fn of_another_epoch_or_timeline() {
    let site = Site::start().await;
    let cursor = site.now().await;
    let of = |epoch, timeline| Cursor { era: Era { epoch, timeline }, ..cursor.clone() };
    let Era { epoch, timeline } = site.era;
    assert_eq!(site.refusal(&of(epoch + 1, timeline)).await, ResetReason::CursorExpired);
    assert_eq!(site.refusal(&of(epoch, timeline + 1)).await, ResetReason::Failover);
    assert_eq!(site.ids_after(&of(epoch, timeline)).await, [] as [i64; 0]);
}

#[tokio::test]
async fn of_another_server() {
    let site = Site::start().await;
    let cursor = site.now().await;
    site.run("update rowcast.meta set server = '1/' || server").await;
    assert_eq!(site.refusal(&cursor).await, ResetReason::Failover);
}

#[tokio::test]
async fn from_before_changes_passed_unlogged() {
    let mut site = Site::start().await;
    let cursor = site.now().await;
    site.end_daemon().await;
    assert_eq!(site.ids_after(&cursor).await, [] as [i64; 0]);
    skip_one(&site.client, 1).await;
    assert_eq!(site.refusal(&cursor).await, ResetReason::CursorExpired);
    site.run("commit").await;
    site.begin_daemon().await;
    assert_eq!(site.refusal(&cursor).await, ResetReason::CursorExpired);
    assert_eq!(site.ids_after(&site.now().await).await, [] as [i64; 0]);
}

#[tokio::test]
async fn from_another_life_of_the_server() {
    let site = Site::start().await;
    let cursor = site.now().await;
    let life: i64 = site.client.query_one("select id from rowcast.life", &[]).await.unwrap().get(0);
    let in_life = |life| Cursor { life: Some(life), ..cursor.clone() };
    assert_eq!(site.refusal(&in_life(life + 1)).await, ResetReason::Failover);
    assert_eq!(site.ids_after(&in_life(life)).await, [] as [i64; 0]);
}

#[tokio::test]
async fn from_beyond_the_present() {
    let site = Site::start().await;
    let cursor = site.now().await;
    let next = cursor.snapshot.xmax() + 1000;
    let ahead: rowcast::cursor::Snapshot = format!("{next}:{next}:").parse().unwrap();
    let beyond = Cursor { snapshot: ahead.clone(), ..cursor.clone() };
    assert_eq!(site.refusal(&beyond).await, ResetReason::Failover);
    let part = Some(Part { snapshot: ahead, last: 0 });
    assert_eq!(site.refusal(&Cursor { part, ..cursor }).await, ResetReason::Failover);
}

#[tokio::test]
async fn from_before_the_log() {
    let site = Site::start().await;
    let early = site.now().await;
    for id in 0..3 {
        site.run(&format!("insert into a values ({id}, 0)")).await;
        outlive(&site.client).await;
        rotate(&site.client).await;
    }
    let late = site.now().await;
    site.run("insert into a values (3, 0)").await;
    assert_eq!(site.refusal(&early).await, ResetReason::CursorExpired);
    assert_eq!(site.ids_after(&late).await, [3]);
}

#[tokio::test]
async fn nothing_is_truncated_between_the_check_and_the_read() {
    let site = Site::start().await;
    let cursor = site.now().await;
    site.run("insert into a values (1, 0)").await;
    let other = support::connect(&site.url).await;
    // The check looks there.
    other
        .batch_execute("begin; lock table rowcast.truncated in access exclusive mode")
        .await
        .unwrap();
    let (replays, from) = (site.replays.clone(), cursor.clone());
    let replay = tokio::spawn(async move { take(replays.after(&from).await.unwrap()).await.0 });
    support::eventually("the check", async || {
        let query = "select from pg_stat_activity where wait_event_type = 'Lock'
                      and application_name = 'rowcast replay' and datname = current_database()";
        (site.client.query(query, &[]).await.unwrap().len() == 1).then_some(())
    })
    .await;
    for _ in 0..3 {
        let rotated = other.query_one("select rowcast.rotate()", &[]).await.unwrap();
        assert!(!rotated.get::<_, bool>(0));
    }
    other.batch_execute("commit").await.unwrap();
    assert_eq!(replay.await.unwrap().len(), 1);
    for _ in 0..3 {
        rotate(&site.client).await;
    }
    assert_eq!(site.refusal(&cursor).await, ResetReason::CursorExpired);
}

#[tokio::test]
async fn a_crash_expires_what_was_not_on_disk_then() {
    let (_cluster, url, client) = restarts::start(&[]).await;
    let mut site = Site::at(url.clone(), client).await;
    restarts::settle(&site.feed, &site.client).await;
    let sure = site.feed.look(|seen| seen.cursor.clone().unwrap());
    let sure = Cursor { life: None, ..sure };
    site.run("set synchronous_commit = on; insert into a values (1, 0)").await;
    site.run("set synchronous_commit = off").await;
    let wal_writer = restarts::WalWriter::stop(&site.client).await;
    site.run("insert into a values (2, 0)").await;
    site.feed.until("the change", |seen| seen.has_inserted(2)).await;
    let unsure = site.feed.look(|seen| seen.cursor.clone().unwrap());
    let (_, end) = site.after(&sure).await;
    assert!(unsure.life.is_some() && end.life == unsure.life);
    site.client = wal_writer.crash(site.client, &url).await;
    assert_eq!(site.refusal(&unsure).await, ResetReason::Failover);
    assert_eq!(site.refusal(&end).await, ResetReason::Failover);
    site.feed
        .until("a new beginning", |seen| {
            seen.cursor.as_ref().is_some_and(|cursor| cursor.life != unsure.life)
        })
        .await;
    site.run("insert into a values (3, 0)").await;
    assert_eq!(site.ids_after(&sure).await, [1, 3], "the crash took the second");
}

#[tokio::test]
async fn a_cursor_of_what_is_on_disk_outlives_a_crash() {
    let (cluster, url, client) = restarts::start(&[]).await;
    let mut site = Site::at(url.clone(), client).await;
    site.run("insert into a values (1, 0)").await;
    let is_durable = |cursor: &Cursor| cursor.life.is_none();
    site.feed
        .until("a cursor of what is on disk", |seen| {
            seen.has_inserted(1) && seen.cursor.as_ref().is_some_and(is_durable)
        })
        .await;
    let cursor = site.feed.look(|seen| seen.cursor.clone().unwrap());
    site.run("set synchronous_commit = on; insert into a values (2, 0)").await;
    let _cluster = restarts::restart(cluster, Stop::Immediate).await;
    site.client = support::connect(&url).await;
    site.run("insert into a values (3, 0)").await;
    truth::finish(&site.feed, &site.client).await;
    let mut ids = site.ids_after(&cursor).await;
    ids.retain(|id| (2..100).contains(id));
    assert_eq!(ids, [2, 3]);
}

#[tokio::test]
async fn without_a_daemon_after_a_crash_an_unsure_cursor_is_refused() {
    let (cluster, url, client) = restarts::start(&[]).await;
    let mut site = Site::at(url, client).await;
    let cursor = site.now().await;
    let life: i64 = site.client.query_one("select id from rowcast.life", &[]).await.unwrap().get(0);
    site.end_daemon().await;
    let _cluster = restarts::restart(cluster, Stop::Kill).await;
    let unsure = Cursor { life: Some(life), ..cursor };
    assert_eq!(site.refusal(&unsure).await, ResetReason::Failover);
}
