//! With a daemon: the log is emptied by age and by size, and those who follow it miss nothing.

use super::writers::Writers;
use super::*;

/// The most that the log took until `enough`.
async fn largest_until(site: &Site, what: &str, mut enough: impl AsyncFnMut() -> bool) -> i64 {
    let mut largest = 0;
    eventually(what, async || {
        largest = largest.max(site.log_bytes().await);
        enough().await.then_some(())
    })
    .await;
    largest
}

async fn truncations(site: &Site) -> i64 {
    site.number("select truncations from rowcast.meta").await
}

/// When the first change was made.
async fn first_change(site: &Site) -> String {
    eventually("a change", async || Some(site.status().await["log"]["oldest"].as_str()?.to_owned()))
        .await
}

async fn rotates_under_load(log: &str, bound: i64) {
    let mut site = Site::start(log).await;
    let follower = site.follow().await;
    let early = follower.cursor();
    assert_eq!(site.refusal(&early).await, None);
    let writers = Writers::start(&site.url, 3);
    let begun = first_change(&site).await;
    let four = async || truncations(&site).await >= 4;
    let largest = largest_until(&site, "four truncations", four).await;
    let status = site.status().await;
    writers.stop().await;
    let written = site.logged().await * 1000;
    assert!(largest < bound, "{largest}");
    assert!(written > largest, "{written} {largest}: the bound must have mattered");
    let shown = status["log"]["bytes"].as_i64().unwrap();
    assert!((1..bound).contains(&shown), "{status}");
    assert!(status["log"]["oldest"].as_str().unwrap() > begun.as_str(), "{status}");
    assert_eq!(status["capturing"], true, "{status}");
    follower.has_all(site.rows().await).await;
    assert_eq!(site.skipped().await, 0);
    // A daemon remembers more than the log has.
    site.kill_daemon().await;
    site.begin_daemon().await;
    site.refuses_as_expired(&early).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_age() {
    rotates_under_load("retention = '2s'\nmax_size = '1GiB'", 8 << 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_size() {
    rotates_under_load("retention = '1h'\nmax_size = '8MiB'", 10 << 20).await;
}
