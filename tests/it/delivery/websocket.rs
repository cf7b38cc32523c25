//! Feeds over WebSocket.

use rowcast::changelog::{Reading, ResetReason};
use rowcast::event::Op;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::fixture::{LOGS, NOTES, ORDERS, Server, settings};

#[tokio::test]
async fn a_change_comes_as_an_event_and_its_batch_ends_with_a_commit() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    let subscribed = client.subscribe("a", "orders").await;
    assert_eq!(subscribed["key"], json!(["id"]));
    let columns = json!([{"name": "id", "type": "bigint"}, {"name": "status", "type": "text"}]);
    assert_eq!(subscribed["columns"], columns);
    assert_eq!(subscribed["cursor"], server.cursor());
    let change = server.change(
        ORDERS,
        Op::Update,
        Some(r#"{"id":42,"status":"open","secret":"x"}"#),
        Some(r#"{"id":42,"status":"paid","secret":"y"}"#),
    );
    server.batch(vec![change]).await;
    let (events, cursor) = client.batch().await;
    let expected = json!({
        "event": "patched", "table": "orders", "key": {"id": 42},
        "data": {"id": 42, "status": "paid"}, "changed": ["status"],
        "seq": 1, "tx": "748213", "at": "2026-11-20T08:44:00.123456Z",
    });
    assert_eq!(events, [(subscribed["feed"].as_u64().unwrap(), expected)]);
    assert_eq!(cursor, server.cursor());
}

#[tokio::test]
async fn feeds_of_one_connection_share_a_commit() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    let orders = client.subscribe("a", "orders").await["feed"].as_u64().unwrap();
    let logs = client.subscribe("b", "logs").await["feed"].as_u64().unwrap();
    let first = server.insert(1);
    let line = server.change(LOGS, Op::Insert, None, Some(r#"{"line":"x"}"#));
    let changes = vec![first, line, server.insert(2)];
    server.batch(changes).await;
    let (events, _) = client.batch().await;
    let mut seen: Vec<_> = events.iter().map(|(feed, event)| (*feed, &event["seq"])).collect();
    seen.sort_by_key(|(feed, _)| *feed);
    assert_eq!(seen, [(orders, &json!(1)), (orders, &json!(3)), (logs, &json!(2))]);
}

#[tokio::test]
async fn equal_subscriptions_of_connections_share_a_feed_and_others_do_not() {
    let mut server = Server::start().await;
    let (mut one, mut other) = (server.websocket().await, server.websocket().await);
    let feed = one.subscribe("a", "orders").await["feed"].clone();
    assert_eq!(other.subscribe("z", "orders").await["feed"], feed);
    let again = one.subscribe("again", "orders").await["feed"].clone();
    assert_ne!(again, feed, "on one connection they may begin at different places");
    assert_eq!(other.subscribe("again", "orders").await["feed"], again);
    one.send(&json!({"op": "subscribe", "id": "old", "table": "orders", "old": true})).await;
    assert_ne!(one.next().await["feed"], feed);
    let change = server.insert(1);
    server.batch(vec![change]).await;
    assert_eq!(one.batch().await.0.len(), 3, "once for each feed");
    assert_eq!(other.batch().await.0.len(), 2);
}

#[tokio::test]
async fn what_is_hidden_appears_nowhere() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    client.send(&json!({"op": "subscribe", "id": "a", "table": "orders", "old": true})).await;
    assert!(!client.next().await.to_string().contains("secret"));
    let row = |status, secret| format!(r#"{{"id":1,"status":"{status}","secret":"{secret}"}}"#);
    let (a, b, c) = (row("open", "secret1"), row("open", "secret2"), row("paid", "secret3"));
    let changes = vec![
        server.change(ORDERS, Op::Insert, None, Some(&a)),
        server.change(ORDERS, Op::Update, Some(&a), Some(&b)),
        server.change(ORDERS, Op::Update, Some(&b), Some(&c)),
        server.change(ORDERS, Op::Delete, Some(&c), None),
    ];
    server.batch(changes).await;
    let (events, _) = client.batch().await;
    let seqs: Vec<_> = events.iter().map(|(_, event)| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [1, 3, 4], "the second change is invisible");
    assert!(events.iter().all(|(_, event)| !event.to_string().contains("secret")));
}

#[tokio::test]
async fn a_batch_without_visible_news_brings_nothing() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "logs").await;
    for id in 0..3 {
        let change = server.insert(id);
        server.batch(vec![change]).await;
    }
    client.send(&json!({"op": "ping", "nonce": "n"})).await;
    assert_eq!(client.next().await, json!({"op": "pong", "nonce": "n"}));
    let line = server.change(LOGS, Op::Truncate, None, None);
    server.batch(vec![line]).await;
    let (events, cursor) = client.batch().await;
    assert_eq!((&events[0].1["event"], &events[0].1["key"]), (&json!("truncated"), &json!(null)));
    assert_eq!(cursor, server.cursor());
}

fn names(columns: &Value) -> Vec<&str> {
    columns.as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn columns_narrow_what_is_seen_but_never_the_key() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    let message = json!({"op": "subscribe", "id": "a", "table": "orders", "columns": ["status"]});
    client.send(&message).await;
    assert_eq!(names(&client.next().await["columns"]), ["id", "status"]);
    client.send(&json!({"op": "subscribe", "id": "b", "table": "orders", "columns": []})).await;
    assert_eq!(names(&client.next().await["columns"]), ["id"]);
    let change = server.insert(5);
    server.batch(vec![change]).await;
    let (events, _) = client.batch().await;
    let mut data: Vec<_> = events.iter().map(|(_, event)| event["data"].to_string()).collect();
    data.sort();
    assert_eq!(data, [r#"{"id":5,"status":"open"}"#, r#"{"id":5}"#]);
}

#[tokio::test]
async fn an_ended_subscription_gets_nothing_more() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    let feed = client.subscribe("a", "orders").await["feed"].clone();
    client.subscribe("b", "logs").await;
    client.send(&json!({"op": "unsubscribe", "id": "a"})).await;
    let answer = client.next().await;
    assert_eq!(answer, json!({"op": "unsubscribed", "id": "a", "feed": feed}));
    let line = server.change(LOGS, Op::Insert, None, Some(r#"{"line":"x"}"#));
    let changes = vec![server.insert(1), line];
    server.batch(changes).await;
    assert_eq!(client.batch().await.0.len(), 1);
    client.send(&json!({"op": "unsubscribe", "id": "a"})).await;
    let answer = client.next().await;
    assert_eq!((&answer["code"], &answer["id"]), (&json!("invalid_request"), &json!("a")));
}

#[tokio::test]
async fn subscriptions_wait_for_the_end_of_a_batch() {
    let mut server = Server::start_with(settings()).await;
    let mut client = server.websocket().await;
    client.send(&json!({"op": "subscribe", "id": "a", "table": "orders"})).await;
    client.send(&json!({"op": "ping", "nonce": "1"})).await;
    assert_eq!(client.next().await["op"], "pong", "not subscribed before there is a cursor");
    let change = server.insert(1);
    server.batch(vec![change]).await;
    let subscribed = client.next().await;
    assert_eq!(subscribed["cursor"], server.cursor(), "{subscribed}");
    let change = server.insert(2);
    server.batch(vec![change]).await;
    let (events, _) = client.batch().await;
    assert_eq!(events.len(), 1, "what came before the cursor is not sent");
    assert_eq!(events[0].1["key"], json!({"id": 2}));
}

#[tokio::test]
async fn whoever_comes_within_a_batch_gets_nothing_of_it() {
    let mut server = Server::start().await;
    let mut early = server.websocket().await;
    early.subscribe("a", "orders").await;
    let changes = (0..10_000).map(|id| server.insert(id)).collect();
    server.feed(Reading::Changes(changes)).await;
    assert_eq!(early.next().await["op"], "events", "the batch has begun to go out");
    let mut late = server.websocket().await;
    late.send(&json!({"op": "subscribe", "id": "a", "table": "orders"})).await;
    late.send(&json!({"op": "ping", "nonce": "1"})).await;
    assert_eq!(late.next().await["op"], "pong");
    let change = server.insert(10_000);
    server.batch(vec![change]).await;
    assert_eq!(late.next().await["cursor"], server.cursor());
    let change = server.insert(10_001);
    server.batch(vec![change]).await;
    assert_eq!(late.batch().await.0.len(), 1);
}

#[tokio::test]
async fn a_batch_that_broke_off_goes_on_in_one_piece() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "orders").await;
    let changes: Vec<_> = (0..10).map(|id| server.insert(id)).collect();
    server.feed(Reading::Changes(changes[..4].to_vec())).await;
    server.feed(Reading::Lost).await;
    server.feed(Reading::Changes(changes[4..7].to_vec())).await;
    server.feed(Reading::Lost).await;
    server.batch(changes[7..].to_vec()).await;
    let (events, _) = client.batch().await;
    let ids: Vec<_> =
        events.iter().map(|(_, event)| event["key"]["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reset_voids_the_batch_and_tells_every_feed() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    let feed = client.subscribe("a", "orders").await["feed"].clone();
    let change = server.insert(1);
    server.feed(Reading::Changes(vec![change])).await;
    server.feed(Reading::Reset(ResetReason::CursorExpired)).await;
    server.commit().await;
    let expected = json!({"op": "reset", "feed": feed, "reason": "cursor_expired"});
    assert_eq!(client.next().await, expected);
    assert_eq!(client.next().await, json!({"op": "commit", "cursor": server.cursor()}));
    let change = server.insert(2);
    server.batch(vec![change]).await;
    assert_eq!(client.batch().await.0.len(), 1, "the feed goes on");
}

#[tokio::test]
async fn a_reset_of_one_table_leaves_the_others_alone() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    let orders = client.subscribe("a", "orders").await["feed"].clone();
    client.subscribe("b", "logs").await;
    let reset = server.change(ORDERS, Op::Reset, None, None);
    let line = server.change(LOGS, Op::Insert, None, Some(r#"{"line":"x"}"#));
    let changes = vec![server.insert(1), line, reset, server.insert(2)];
    server.batch(changes).await;
    let mut told = vec![client.next().await, client.next().await, client.next().await];
    told.sort_by_key(|message| message["op"].to_string() + &message["feed"].to_string());
    assert_eq!(told[2], json!({"op": "reset", "feed": orders, "reason": "table_changed"}));
    let seqs = |at: usize| told[at]["events"].as_array().unwrap().len();
    assert_eq!((seqs(0), seqs(1)), (1, 1), "{told:?}");
    assert_eq!(client.next().await["op"], "commit");
}

#[tokio::test]
async fn odd_names_and_raw_json_pass_unharmed() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "app.notes").await;
    let row = "{\"k\":\"a\",\"odd \\\"näme\\\"\":{\"x\":1,\n \"x\":12345678901234567890.10}}";
    let changes = vec![
        server.change(NOTES, Op::Insert, None, Some(row)),
        server.change(NOTES, Op::Update, Some(row), Some(&row.replace(".10", ".1"))),
    ];
    server.batch(changes).await;
    let Message::Text(text) = client.next_message().await else { panic!("not text") };
    assert!(text.contains(row), "{text}");
    assert!(text.contains(r#""event":"updated","table":"app.notes""#), "{text}");
    assert!(text.contains(r#""changed":["odd \"näme\""]"#), "{text}");
}
