//! Cursors: going on after one, on every transport and every daemon, and those with which that is impossible.

use rowcast::cursor::{Cursor, Era};
use serde_json::json;

use super::super::fixture::Stream;
use super::{CHANGES, Site, blocks, id_of, ids_of, news, poll, socket, stream, subscribe, text_of};
use crate::support::daemon::Daemon;

#[tokio::test]
async fn a_cursor_goes_on_anywhere() {
    let site = Site::open(0).await;
    let other = site.another_daemon();
    let mut socket_here = site.socket().await;
    let begun = subscribe(&mut socket_here, "a", &json!({})).await;
    assert_eq!(begun["op"], "subscribed", "{begun}");
    site.insert(1).await;
    let (events, mut cursor) = news(&mut socket_here).await;
    assert_eq!(events.iter().map(id_of).collect::<Vec<_>>(), [1]);
    let mut next = 2;
    for address in [site.daemon.address, other.address, site.daemon.address] {
        site.insert(next).await;
        let mut stream = stream(address, &format!("cursor={cursor}")).await;
        let (events, after) = blocks(&mut stream).await;
        assert_eq!(events.iter().map(id_of).collect::<Vec<_>>(), [next as i64]);
        site.insert(next + 1).await;
        let (status, answer) = poll(address, &format!("cursor={after}&wait=20")).await;
        assert_eq!((status, ids_of(&answer["events"])), (200, vec![i64::from(next + 1)]));
        site.insert(next + 2).await;
        let mut client = socket(address).await;
        let more = json!({"cursor": answer["cursor"], "old": next == 2});
        assert_eq!(subscribe(&mut client, "a", &more).await["op"], "subscribed");
        let (events, after) = news(&mut client).await;
        assert_eq!(events.iter().map(id_of).collect::<Vec<_>>(), [i64::from(next + 2)]);
        (next, cursor) = (next + 3, after);
    }
}

#[tokio::test]
async fn a_browser_goes_on_after_the_last_event_that_it_has_had() {
    let site = Site::open(0).await;
    let mut before = site.stream("").await;
    site.insert(1).await;
    let (_, last) = blocks(&mut before).await;
    drop(before);
    site.insert(2).await;
    site.insert(3).await;
    let url = format!("http://{}{CHANGES}?cursor=damaged", site.daemon.address);
    let again = reqwest::Client::new().get(url).header("last-event-id", &last);
    let mut again = Stream::open(again).await;
    site.insert(4).await;
    let mut ids = Vec::new();
    while ids.last() != Some(&4) {
        let block = again.next().await.unwrap();
        ids.extend(block.data.get("key").map(|_| id_of(&block.data)));
    }
    assert_eq!(ids, [2, 3, 4]);
}

/// A cursor of this database that is no good, and the reason that is given for it.
fn impossible(cursor: &str) -> [(String, &'static str); 3] {
    let known: Cursor = cursor.parse().unwrap();
    let Era { epoch, timeline } = known.era;
    let of = |era| Cursor { era, ..known.clone() }.to_string();
    [
        (of(Era { epoch: epoch ^ 1, timeline }), "cursor_expired"),
        (of(Era { epoch, timeline: timeline + 1 }), "failover"),
        (known.told(known.sight.unwrap() ^ 1).to_string(), "table_changed"),
    ]
}

#[tokio::test]
async fn what_cannot_be_gone_on_from_is_reset_and_goes_on_from_now() {
    let site = Site::open(2).await;
    for (at, (cursor, reason)) in (10..).zip(impossible(&site.cursor().await)) {
        let (status, problem) = site.poll(&format!("cursor={cursor}")).await;
        assert_eq!((status, &problem["code"]), (410, &json!("cursor_expired")), "{problem}");
        let mut stream = site.stream(&format!("cursor={cursor}")).await;
        let (reset, now) = (stream.next().await.unwrap(), stream.next().await.unwrap());
        assert_eq!((reset.event.as_str(), reset.id), ("reset", None));
        assert_eq!(reset.data, json!({"reason": reason}));
        assert_eq!((now.event.as_str(), now.id.is_some()), ("cursor", true));
        let mut client = site.socket().await;
        let begun = subscribe(&mut client, "a", &json!({"cursor": cursor})).await;
        assert_eq!(begun["op"], "subscribed", "{begun}");
        let reset = json!({"op": "reset", "feed": begun["feed"], "reason": reason});
        assert_eq!(client.next().await, reset);
        site.insert(at).await;
        assert_eq!(news(&mut client).await.0.iter().map(id_of).collect::<Vec<_>>(), [at as i64]);
        assert_eq!(blocks(&mut stream).await.0.iter().map(id_of).collect::<Vec<_>>(), [at as i64]);
    }
}

#[tokio::test]
async fn what_cannot_be_gone_on_from_begins_with_the_rows_if_they_are_asked_for() {
    let site = Site::open(2).await;
    for (cursor, _) in impossible(&site.cursor().await) {
        let mut stream = site.stream(&format!("cursor={cursor}&snapshot=true")).await;
        let mut told = Vec::new();
        let synced = loop {
            let block = stream.next().await.unwrap();
            told.push(block.event.clone());
            if block.event == "synced" {
                break block;
            }
            let rows = block.data["rows"].as_array().map_or(0, Vec::len);
            assert_eq!(rows, if block.event == "snapshot" { 2 } else { 0 });
        };
        assert!(told.ends_with(&["snapshot".to_owned(), "synced".to_owned()]), "{told:?}");
        assert_eq!(Some(text_of(&synced.data["cursor"])), synced.id);
        let mut client = site.socket().await;
        let more = json!({"cursor": cursor, "snapshot": true});
        assert_eq!(subscribe(&mut client, "a", &more).await["op"], "subscribed");
        let mut told = Vec::new();
        while told.last() != Some(&"synced".to_owned()) {
            told.push(text_of(&client.next().await["op"]));
        }
        assert!(told.contains(&"rows".to_owned()), "{told:?}");
    }
}

#[tokio::test]
async fn where_something_else_is_served_nobody_goes_on_with_what_they_had() {
    let site = Site::open(2).await;
    let (_, commit) = {
        let mut client = site.socket().await;
        subscribe(&mut client, "a", &json!({})).await;
        site.insert(10).await;
        news(&mut client).await
    };
    let narrower = super::LISTED.replacen("'true'", "'n = 0'", 1);
    let other = Daemon::start(&site.database, &narrower);
    for cursor in [site.cursor().await, commit] {
        let query = format!("cursor={cursor}");
        assert_eq!(site.poll(&query).await.0, 200);
        let (status, problem) = poll(other.address, &query).await;
        assert_eq!((status, &problem["code"]), (410, &json!("cursor_expired")), "{problem}");
        let reset = stream(other.address, &query).await.next().await.unwrap();
        assert_eq!(reset.data, json!({"reason": "table_changed"}));
    }
}

#[tokio::test]
async fn a_good_cursor_needs_no_rows() {
    let site = Site::open(3).await;
    let cursor = site.cursor().await;
    site.insert(10).await;
    let mut client = site.socket().await;
    let more = json!({"cursor": cursor, "snapshot": true});
    assert_eq!(subscribe(&mut client, "a", &more).await["op"], "subscribed");
    assert_eq!(news(&mut client).await.0.iter().map(id_of).collect::<Vec<_>>(), [10]);
    let mut stream = site.stream(&format!("cursor={cursor}&snapshot=true")).await;
    assert_eq!(blocks(&mut stream).await.0.iter().map(id_of).collect::<Vec<_>>(), [10]);
}

#[tokio::test]
async fn a_damaged_cursor_is_told_from_an_old_one() {
    let site = Site::open(0).await;
    let mut damaged = site.cursor().await.into_bytes();
    damaged[5] = if damaged[5] == b'A' { b'B' } else { b'A' };
    let damaged = String::from_utf8(damaged).unwrap();
    let (status, problem) = site.poll(&format!("cursor={damaged}")).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_cursor")));
    let url = format!("http://{}{CHANGES}", site.daemon.address);
    let stream = reqwest::Client::new().get(url).header("accept", "text/event-stream");
    let response = stream.header("last-event-id", &damaged).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let mut client = site.socket().await;
    let error = subscribe(&mut client, "a", &json!({"cursor": damaged})).await;
    assert_eq!((&error["op"], &error["code"]), (&json!("error"), &json!("invalid_cursor")));
    let begun = subscribe(&mut client, "a", &json!({})).await;
    assert_eq!(begun["op"], "subscribed", "the connection goes on: {begun}");
}
