//! Rows, then what happened since, then what happens: each once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::fixture::{Client, Stream};
use super::{Site, id_of, news, subscribe, text_of};

/// A copy of `items`, where each change adds one to `n`.
#[derive(Default)]
struct Copy(BTreeMap<i64, i64>);

impl Copy {
    fn fill(&mut self, rows: &Value) {
        for row in rows.as_array().unwrap() {
            let before = self.0.insert(row["id"].as_i64().unwrap(), row["n"].as_i64().unwrap());
            assert_eq!(before, None, "{row} came twice");
        }
    }

    fn apply(&mut self, event: &Value) {
        let (id, n) = (id_of(event), event["data"]["n"].as_i64().unwrap());
        match event["event"].as_str().unwrap() {
            "created" => assert_eq!(self.0.insert(id, n), None, "{event}"),
            "patched" => assert_eq!(self.0.insert(id, n), Some(n - 1), "{event}"),
            "removed" => assert!(self.0.remove(&id).is_some(), "{event}"),
            other => panic!("{other}"),
        }
    }
}

/// What `items` has, at last.
async fn table(site: &Site) -> BTreeMap<i64, i64> {
    let rows = site.admin.query("select id, n from items", &[]).await.unwrap();
    rows.iter().map(|row| (row.get::<_, i32>(0).into(), row.get::<_, i32>(1).into())).collect()
}

/// Changes rows at random until it is told to stop; the row 0 is the last that it makes.
async fn writer(database: String, mut stop: tokio::sync::oneshot::Receiver<()>) {
    let client = crate::support::connect(&database).await;
    let sql = "update items set n = n + 1 where id in
                 (select (random() * 20000)::int from generate_series(1, 20));
               insert into items select coalesce(max(id), 0) + 1, 0 from items;
               delete from items where id = (select (random() * 20000)::int + 1)";
    while stop.try_recv().is_err() {
        client.batch_execute(sql).await.unwrap();
    }
    client.batch_execute("insert into items values (0, 0)").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_during_a_snapshot_comes_once_over_a_websocket() {
    let site = Site::open(20_000).await;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let writing = tokio::spawn(writer(site.database.clone(), stopped));
    let mut client = site.socket().await;
    let begun = subscribe(&mut client, "a", &json!({"snapshot": true})).await;
    assert_eq!(begun["op"], "subscribed", "{begun}");
    let (mut copy, mut synced, mut stop) = (Copy::default(), false, Some(stop));
    while !copy.0.contains_key(&0) {
        let message = client.next().await;
        match message["op"].as_str().unwrap() {
            "rows" if !synced => copy.fill(&message["rows"]),
            "synced" => {
                assert_eq!(message["feed"], begun["feed"]);
                synced = true;
                let _ = stop.take().expect("it is synced once").send(());
            }
            "events" if synced => message["events"].as_array().unwrap().iter().for_each(|event| {
                copy.apply(event);
            }),
            "commit" => {}
            other => panic!("{other}: {message}"),
        }
    }
    writing.await.unwrap();
    assert!(synced);
    assert_eq!(copy.0, table(&site).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_during_a_snapshot_comes_once_over_an_event_stream() {
    let site = Site::open(20_000).await;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let writing = tokio::spawn(writer(site.database.clone(), stopped));
    let mut stream: Stream = site.stream("snapshot=true").await;
    let (mut copy, mut stop) = (Copy::default(), Some(stop));
    while !copy.0.contains_key(&0) {
        let block = stream.next().await.unwrap();
        match block.event.as_str() {
            "snapshot" if stop.is_some() => {
                assert_eq!(block.id, None);
                copy.fill(&block.data["rows"]);
            }
            "synced" => {
                assert_eq!(block.data["key"], json!(["id"]));
                assert_eq!(block.id, Some(text_of(&block.data["cursor"])));
                let _ = stop.take().expect("it is synced once").send(());
            }
            "cursor" => {}
            _ => copy.apply(&block.data),
        }
    }
    writing.await.unwrap();
    assert_eq!(copy.0, table(&site).await);
}

#[tokio::test]
async fn an_empty_table_is_synced_too() {
    let site = Site::open(0).await;
    let mut stream = site.stream("snapshot=true").await;
    let mut block = stream.next().await.unwrap();
    if block.event == "snapshot" {
        assert_eq!(block.data, json!({"rows": []}));
        block = stream.next().await.unwrap();
    }
    assert_eq!(block.event, "synced");
}

#[tokio::test]
async fn a_snapshot_is_filtered_and_narrowed_as_its_events_are() {
    let site = Site::open(10).await;
    let mut client = site.socket().await;
    let more = json!({"snapshot": true, "where": "id > $1", "params": [8], "columns": ["n"]});
    let begun = subscribe(&mut client, "a", &more).await;
    let rows = client.next().await;
    let expected = json!([{"id": 9, "n": 0}, {"id": 10, "n": 0}]);
    assert_eq!((&rows["op"], &rows["feed"]), (&json!("rows"), &begun["feed"]));
    assert_eq!(rows["rows"], expected);
}

/// The next messages that aren't commits, by their `op` and the feed.
async fn next_of(client: &mut Client) -> Value {
    loop {
        let message = client.next().await;
        if message["op"] != "commit" {
            return message;
        }
    }
}

#[tokio::test]
async fn subscriptions_of_one_connection_begin_where_each_was_asked_to() {
    let site = Site::open(1).await;
    let mut client = site.socket().await;
    let live = subscribe(&mut client, "live", &json!({})).await;
    let early = text_of(&live["cursor"]);
    site.insert(10).await;
    site.insert(11).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.extend(news(&mut client).await.0.iter().map(id_of));
    }
    assert_eq!(seen, [10, 11]);
    let resumed = subscribe(&mut client, "resumed", &json!({"cursor": early})).await;
    assert_ne!(resumed["feed"], live["feed"]);
    let (events, commit) = client.batch().await;
    let feed = resumed["feed"].as_u64().unwrap();
    let expected: Vec<(u64, i64)> = vec![(feed, 10), (feed, 11)];
    let of: Vec<(u64, i64)> = events.iter().map(|(feed, event)| (*feed, id_of(event))).collect();
    assert_eq!(of, expected, "and the other feed gets nothing twice");
    assert!(commit.parse::<rowcast::cursor::Cursor>().is_ok());
    let rows = subscribe(&mut client, "rows", &json!({"snapshot": true})).await;
    let listed = next_of(&mut client).await;
    assert_eq!((&listed["op"], &listed["feed"]), (&json!("rows"), &rows["feed"]));
    assert_eq!(listed["rows"].as_array().unwrap().len(), 3);
    assert_eq!(next_of(&mut client).await["op"], "synced");
    site.insert(12).await;
    let mut of = Vec::new();
    while of.len() < 3 {
        of.extend(client.batch().await.0.iter().map(|(feed, event)| (*feed, id_of(event))));
    }
    of.sort_unstable();
    let mut expected: Vec<(u64, i64)> =
        [&live, &resumed, &rows].map(|begun| (begun["feed"].as_u64().unwrap(), 12)).to_vec();
    expected.sort_unstable();
    assert_eq!(of, expected, "one transaction, one batch");
}
