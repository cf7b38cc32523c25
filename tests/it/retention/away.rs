//! Without a daemon: the capture stops, by age or by size, and nothing of it is felt; when one comes back it begins anew.

use super::writers::Writers;
use super::*;

/// Looks for writers that wait for something of rowcast's. What inserts into one table wait for is its file's end.
const WAITING: &str = "select count(*) from pg_locks
    where not granted and locktype <> 'extend'
      and pid in (select pid from pg_stat_activity where datname = current_database())";

/// The capture is stopped, under load: nothing is logged, every change is counted, nobody waits.
async fn stays_stopped(site: &Site) {
    let (logged, bytes) = (site.logged().await, site.log_bytes().await);
    let (rows, skipped) = (site.rows().await, site.skipped().await);
    let long = support::connect(&site.url).await;
    // Nobody waits for it either.
    long.batch_execute("begin; insert into rows default values").await.unwrap();
    eventually("more rows", async || {
        assert_eq!(site.number(WAITING).await, 0);
        (site.rows().await > rows + 1000).then_some(())
    })
    .await;
    long.batch_execute("commit").await.unwrap();
    assert_eq!((site.logged().await, site.log_bytes().await), (logged, bytes));
    assert!(site.skipped().await >= skipped + 900);
    let status = site.status().await;
    assert_eq!((&status["capturing"], &status["daemon_alive"]), (&false.into(), &false.into()));
}

async fn stops_and_begins_anew(log: &str) {
    let mut site = Site::start(log).await;
    let follower = site.follow().await;
    let writers = Writers::start(&site.url, 3);
    follower.until("rows", |got| got.ids.len() > 100).await;
    let old = follower.cursor();
    site.kill_daemon().await;
    eventually("the capture to stop", async || {
        let before = site.logged().await;
        site.until_rows(site.rows().await + 100).await;
        (site.skipped().await > 0 && site.logged().await == before).then_some(())
    })
    .await;
    let most = site.log_bytes().await;
    assert!(most < 24 << 20, "{most}");
    stays_stopped(&site).await;

    site.begin_daemon().await;
    let follower = site.follow().await;
    let first = site.rows().await;
    site.until_rows(first + 200).await;
    writers.stop().await;
    let last = site.rows().await;
    follower.until("the last row", |got| got.ids.contains(&last)).await;
    let mut new = follower.look(|got| got.ids.clone());
    new.retain(|&id| id > first);
    new.sort_unstable();
    assert!(new.into_iter().eq(first + 1..=last));
    let epoch = |cursor: &str| cursor.parse::<Cursor>().unwrap().era.epoch;
    assert_ne!(epoch(&follower.cursor()), epoch(&old));
    site.refuses_as_expired(&old).await;
    let status = site.status().await;
    assert_eq!((&status["capturing"], &status["daemon_alive"]), (&true.into(), &true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn for_longer_than_the_log_is_kept() {
    stops_and_begins_anew("retention = '1s'\nmax_size = '1GiB'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_log_is_full() {
    stops_and_begins_anew("retention = '1h'\nmax_size = '6MiB'").await;
}
