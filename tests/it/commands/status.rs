//! `status`.

use serde_json::Value;

use super::{LISTED, Shop, config};
use crate::support::eventually;
use crate::support::program::Ended;

#[tokio::test]
async fn without_an_installation_the_remedy_is_named() {
    let shop = Shop::open().await;
    let Ended { code, stdout, stderr } = shop.place.run(&["status"]).await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("not in the database: run `rowcast install`"), "{stderr}");
    let json = shop.place.run(&["status", "--json"]).await;
    assert_eq!((json.code, json.stdout.as_str()), (Some(1), "{\"installed\":false}\n"));
}

#[tokio::test]
async fn what_is_watched_is_shown() {
    let shop = Shop::open().await;
    shop.place.configure(&config(
        &shop.url,
        &format!("[log]\nretention = '2h'\nmax_size = '64MiB'\n{LISTED}"),
    ));
    shop.place.run(&["install"]).await.well();
    let text = shop.place.run(&["status"]).await.well();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("no changes in it"), "{text}");
    assert_eq!(lines[1], "capture  on");
    assert!(lines[2].contains("none has given a sign of life"), "{text}");
    assert!(lines[3].starts_with("writers  "), "{text}");
    assert_eq!(lines[4], "tables   3 captured");
    assert_eq!(lines[6].trim(), "\"We're \"\"odd\"\"\"  key Größe €");
    assert_eq!(lines[7].trim(), "events           no key");
    assert_eq!(lines.len(), 8, "{text}");
}

#[tokio::test]
async fn a_running_daemon_its_lag_and_the_log_are_shown() {
    let shop = Shop::open().await;
    shop.place.configure(&config(
        &shop.url,
        &format!("[log]\nretention = '2h'\nmax_size = '64MiB'\n{LISTED}"),
    ));
    let mut daemon = shop.place.start(&["serve"]);
    daemon.address().await;
    shop.sql("begin; insert into orders values (1)").await;
    let other = crate::support::connect(&shop.url).await;
    other.batch_execute("insert into orders values (2)").await.unwrap();
    let alive = async || {
        let json = shop.place.run(&["status", "--json"]).await.well();
        let status: Value = serde_json::from_str(&json).unwrap();
        let seen = status["daemon_alive"] == true && status["readers"][0]["lag_ms"].is_u64();
        seen.then_some(status)
    };
    let status = eventually("the daemon shows", alive).await;
    assert_eq!(status["log"]["retention_ms"], 7_200_000, "{status}");
    assert_eq!(status["log"]["max_bytes"], 64 << 20, "{status}");
    assert!(status["log"]["oldest"].is_string(), "{status}");
    assert_eq!(status["capturing"], true);
    assert_eq!(status["readers"].as_array().unwrap().len(), 1, "{status}");
    assert!(status["writers"]["count"].as_u64().unwrap() >= 1, "{status}");
    assert!(status["writers"]["oldest_secs"].is_number(), "{status}");
    assert_eq!(status["tables"][0]["name"], "orders");
    assert_eq!(status["warnings"], Value::Array(Vec::new()), "{status}");
    let text = shop.place.run(&["status"]).await.well();
    assert!(text.contains("of at most 64 MiB; the oldest change is "), "{text}");
    assert!(text.contains("kept for 2h"), "{text}");
    shop.sql("rollback").await;
}

#[tokio::test]
async fn what_is_amiss_is_warned_about() {
    let shop = Shop::open().await;
    shop.place.run(&["install"]).await.well();
    let notes = "[[table]]\nname = 'notes'\nrows = 'true'\nkey = []\n";
    let kept = LISTED.replace("name = \"events\"", "name = \"other\"");
    shop.place.configure(&config(&shop.url, &format!("{kept}{notes}")));
    shop.sql(&format!("alter table orders disable trigger {}", shop.row_trigger().await)).await;
    let text = shop.place.run(&["status"]).await.well();
    for expected in [
        "warning: `notes` is listed, but not captured: run `rowcast install`\n",
        "warning: `other` is listed, but not captured: run `rowcast install`\n",
        "warning: `events` is captured, but not listed: `rowcast install` lets it go\n",
        "warning: `orders`, or a partition or child of it, lacks a trigger",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert_eq!(text.matches("warning").count(), 4, "{text}");
}

#[tokio::test]
async fn a_partition_that_came_later_and_a_dropped_table_are_noticed() {
    let shop = Shop::open().await;
    shop.place.run(&["install"]).await.well();
    shop.sql("create table events_2 partition of events for values in (2); drop table orders")
        .await;
    let text = shop.place.run(&["status"]).await.well();
    assert!(text.contains("warning: `events`, or a partition or child of it, lacks"), "{text}");
    assert!(text.contains("warning: a captured table was dropped"), "{text}");
    assert!(text.contains("(dropped)"), "{text}");
    shop.place
        .configure(&config(&shop.url, "[[table]]\nname = 'events'\nrows = 'true'\nkey = []\n"));
    shop.place.run(&["install"]).await.well();
    let text = shop.place.run(&["status"]).await.well();
    assert!(!text.contains("warning"), "{text}");
    assert!(text.contains("tables   1 captured"), "{text}");
}
