//! `ALTER TABLE` under open subscriptions.

use rowcast::changelog::Reading;
use serde_json::json;

use super::fixture::{COLUMNS, Reader, WAYS, Way, alter, change, order, settled, start, token};
use crate::delivery::fixture::{Client, get};

#[tokio::test]
async fn a_renamed_column_resets_those_who_see_it() {
    for way in WAYS {
        let mut server = start().await;
        let customer = json!({"customer": 7});
        let mut reader = Reader::open(way, &server, &customer, json!({})).await;
        let mut narrow =
            Reader::open(way, &server, &customer, json!({"columns": ["customer"]})).await;
        let mut columns = COLUMNS;
        columns[2].1 = "state";
        alter(&server, &columns);
        settled(&server).await;
        let new = order(1, 7, "open", 1).replace("status", "state");
        let change = change(&mut server, None, Some(&new));
        server.batch(vec![change]).await;
        let mut expected = vec![json!({"reset": "table_changed"})];
        if way == Way::WebSocket {
            expected.push(json!({"subscribed": ["id", "customer", "state"]}));
        } else {
            assert_eq!(reader.batch().await, expected);
            expected.clear();
        }
        expected.push(json!(["created", {"id": 1, "customer": 7, "state": "open"}]));
        assert_eq!(reader.batch().await, expected, "{way:?}");
        assert_eq!(narrow.batch().await, [json!(["created", {"id": 1, "customer": 7}])], "{way:?}");
    }
}

#[tokio::test]
async fn a_dropped_column_that_nobody_sees_is_not_noticed() {
    for way in WAYS {
        let mut server = start().await;
        let customer = json!({"customer": 7});
        let asked = json!({"columns": ["customer"], "old": true});
        let mut reader = Reader::open(way, &server, &customer, asked).await;
        let mut columns = COLUMNS.to_vec();
        columns.remove(2);
        columns.push((6, "added", "text"));
        alter(&server, &columns);
        settled(&server).await;
        let new = r#"{"id":1,"customer":7,"margin":1,"secret":"2","added":"x"}"#;
        let change = change(&mut server, None, Some(new));
        server.batch(vec![change]).await;
        assert_eq!(reader.batch().await, [json!(["created", {"id": 1, "customer": 7}])], "{way:?}");
    }
}

#[tokio::test]
async fn a_column_that_came_later_is_never_shown() {
    for way in WAYS {
        let mut server = start().await;
        let admin = Reader::open(way, &server, &json!({"role": "admin"}), json!({})).await;
        let mut columns = COLUMNS.to_vec();
        columns.push((6, "added", "text"));
        alter(&server, &columns);
        let late = settled(&server).await;
        let new = order(1, 7, "open", 1).replace('}', r#","added":"x"}"#);
        let change = change(&mut server, None, Some(&new));
        server.batch(vec![change]).await;
        let expected =
            [json!(["created", {"id": 1, "customer": 7, "status": "open", "margin": 1}])];
        for mut reader in [admin, late] {
            assert_eq!(reader.batch().await, expected, "{way:?}");
        }
    }
}

#[tokio::test]
async fn a_table_that_no_longer_fits_its_policy_ends_and_comes_back() {
    for way in WAYS {
        let mut server = start().await;
        let customer = json!({"customer": 7});
        let mut reader = Reader::open(way, &server, &customer, json!({})).await;
        let mut columns = COLUMNS;
        columns[1].1 = "client";
        alter(&server, &columns);
        assert_eq!(reader.batch().await, [json!({"error": "unavailable"})], "{way:?}");
        let bearer = format!("Bearer {}", token(&customer));
        let headers = [("authorization", bearer.as_str()), ("accept", "text/event-stream")];
        let path = "/v1/tables/orders/changes";
        assert_eq!(get(&server, path, &headers).await.0, 503);
        assert_eq!(get(&server, "/v1/tables", &headers).await.1, json!({"tables": []}));
        alter(&server, &COLUMNS);
        let mut again = Reader::open(way, &server, &customer, json!({})).await;
        let change = change(&mut server, None, Some(&order(1, 7, "open", 1)));
        server.batch(vec![change]).await;
        assert_eq!(again.batch().await.len(), 1);
    }
}

#[tokio::test]
async fn one_ended_subscription_leaves_the_others_of_its_connection() {
    let mut server = start().await;
    let query = format!("/v1/ws?access_token={}", token(&json!({"customer": 7})));
    let mut client = Client::connect_to(server.address, &query).await;
    client.next().await;
    client.subscribe("whole", "orders").await;
    let filtered =
        json!({"op": "subscribe", "id": "open", "table": "orders", "where": "status = 'open'"});
    client.send(&filtered).await;
    assert_eq!(client.next().await["op"], "subscribed");
    let mut columns = COLUMNS;
    columns[2].1 = "state";
    alter(&server, &columns);
    let mut told = vec![client.next().await, client.next().await, client.next().await];
    told.sort_by_key(|message| message["op"].to_string());
    assert_eq!((&told[0]["op"], &told[0]["id"]), (&json!("error"), &json!("open")), "{told:?}");
    assert_eq!(told[0]["code"], "invalid_filter");
    assert_eq!(told[1]["op"], "reset");
    assert_eq!((&told[2]["op"], &told[2]["id"]), (&json!("subscribed"), &json!("whole")));
    assert_ne!(told[1]["feed"], told[2]["feed"]);
    let change =
        change(&mut server, None, Some(&order(1, 7, "open", 1).replace("status", "state")));
    server.batch(vec![change]).await;
    assert_eq!(client.batch().await.0.len(), 1);
}

#[tokio::test]
async fn what_is_altered_within_a_batch_is_noticed_at_its_end() {
    let mut server = start().await;
    let query = format!("/v1/ws?access_token={}", token(&json!({"customer": 7})));
    let mut client = Client::connect_to(server.address, &query).await;
    client.next().await;
    client.subscribe("a", "orders").await;
    let many = |server: &mut _, ids: std::ops::Range<i64>| -> Vec<_> {
        ids.map(|id| change(server, None, Some(&order(id, 7, "open", 1)))).collect()
    };
    let changes = many(&mut server, 0..3_000);
    server.feed(Reading::Changes(changes)).await;
    assert_eq!(client.next().await["op"], "events", "the batch goes out already");
    let mut columns = COLUMNS;
    columns[2].1 = "state";
    alter(&server, &columns);
    let changes = many(&mut server, 3_000..3_010);
    server.batch(changes).await;
    let (events, _) = client.batch().await;
    assert!(events.iter().all(|(_, event)| event["data"]["status"] == "open"));
    assert_eq!(events.last().unwrap().1["key"]["id"], 3_009);
    assert_eq!(client.next().await["reason"], "table_changed");
    let subscribed = client.next().await;
    assert_eq!((&subscribed["op"], &subscribed["id"]), (&json!("subscribed"), &json!("a")));
    assert_eq!(subscribed["cursor"], server.cursor());
}
