//! Rows that don't look like their table, before anybody has noticed that it was altered.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::fixture::{
    COLUMNS, Reader, WAYS, Way, alter, change, order, served_with, settings, settled, start,
    start_with,
};
use crate::delivery::fixture::{Server, in_time};

/// As if `status` and `secret` had changed their names.
fn swapped(id: i64) -> String {
    let order = order(id, 7, "open", 1);
    order.replace("status", "…").replace("secret", "status").replace('…', "secret")
}

/// Who watches the catalog has looked, and waits for the next doubt.
async fn nothing_was_found(server: &Server) {
    let next = timeout(Duration::ZERO, server.renewal.doubted()).await;
    assert!(next.is_err(), "nothing else is doubted");
}

#[tokio::test]
async fn a_row_that_does_not_look_like_its_table_is_held_back_until_somebody_has_looked() {
    for way in WAYS {
        let mut server = start().await;
        let mut reader = Reader::open(way, &server, &json!({"customer": 7}), json!({})).await;
        for row in [swapped(2), order(3, 7, "open", 1).replace("status", "state")] {
            let changes = [
                change(&mut server, None, Some(&order(1, 7, "open", 1))),
                change(&mut server, None, Some(&row)),
                change(&mut server, None, Some(&order(4, 7, "open", 1))),
            ];
            server.batch(changes.into()).await;
            let created = json!(["created", {"id": 1, "customer": 7, "status": "open"}]);
            assert_eq!(reader.batch().await, [created], "{way:?}");
            in_time("somebody is asked to look", server.renewal.doubted()).await;
            alter(&server, &COLUMNS);
            assert_eq!(reader.batch().await, [json!({"reset": "table_changed"})], "{way:?}");
        }
        let change = change(&mut server, None, Some(&order(5, 7, "open", 1)));
        server.batch(vec![change]).await;
        assert_eq!(reader.batch().await.len(), 1, "the feed goes on");
    }
}

#[tokio::test]
async fn what_was_altered_is_found_by_its_rows() {
    let mut server = start().await;
    let mut reader =
        Reader::open(Way::WebSocket, &server, &json!({"customer": 7}), json!({})).await;
    let renamed = |id| order(id, 7, "open", 1).replace("status", "state");
    let first = change(&mut server, None, Some(&renamed(1)));
    server.batch(vec![first]).await;
    in_time("somebody is asked to look", server.renewal.doubted()).await;
    let mut columns = COLUMNS;
    columns[2].1 = "state";
    alter(&server, &columns);
    settled(&server).await;
    let change = change(&mut server, None, Some(&renamed(2)));
    server.batch(vec![change]).await;
    let expected = [
        json!({"reset": "table_changed"}),
        json!({"subscribed": ["id", "customer", "state"]}),
        json!(["created", {"id": 2, "customer": 7, "state": "open"}]),
    ];
    assert_eq!(reader.batch().await, expected);
}

#[tokio::test]
async fn a_partition_s_order_of_columns_is_believed_after_two_looks() {
    let mut server = start().await;
    let mut reader =
        Reader::open(Way::WebSocket, &server, &json!({"customer": 7}), json!({})).await;
    let row =
        |id: i64| format!(r#"{{"secret":"s","status":"open","id":{id},"margin":1,"customer":7}}"#);
    for id in 0..2 {
        let change = change(&mut server, None, Some(&row(id)));
        server.batch(vec![change]).await;
        in_time("somebody is asked to look", server.renewal.doubted()).await;
        nothing_was_found(&server).await;
        assert_eq!(reader.batch().await, [json!({"reset": "table_changed"})]);
    }
    let change = change(&mut server, None, Some(&row(2)));
    server.batch(vec![change]).await;
    let created = json!(["created", {"id": 2, "customer": 7, "status": "open"}]);
    assert_eq!(reader.batch().await, [created]);
}

#[tokio::test]
async fn an_order_of_before_an_alteration_is_never_believed() {
    let mut columns = COLUMNS.to_vec();
    columns.push((6, "note", "text"));
    let mut server = start_with(settings(), served_with(&columns)).await;
    let mut reader =
        Reader::open(Way::WebSocket, &server, &json!({"customer": 7}), json!({})).await;
    (columns[2].1, columns[5].1) = ("note", "status");
    alter(&server, &columns);
    settled(&server).await;
    let before = |id| order(id, 7, "open", 1).replace('}', r#","note":"x"}"#);
    let after = r#"{"id":9,"customer":7,"note":"x","margin":1,"secret":"2","status":"open"}"#;
    for id in 0..3 {
        let late = change(&mut server, None, Some(&before(id)));
        server.batch(vec![late]).await;
        in_time("somebody is asked to look", server.renewal.doubted()).await;
        nothing_was_found(&server).await;
        assert_eq!(reader.batch().await.last(), Some(&json!({"reset": "table_changed"})));
    }
    let fits = change(&mut server, None, Some(after));
    server.batch(vec![fits]).await;
    let created = json!({"id": 9, "customer": 7, "note": "x", "status": "open"});
    assert_eq!(reader.batch().await, [json!(["created", created])]);
}
