//! Filters and columns, over both transports; and that they are never more than that.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rowcast::event::Op;
use serde_json::{Value, json};

use super::fixture::{NOTES, Server, Stream, get};

const STREAM: (&str, &str) = ("accept", "text/event-stream");

/// `/v1/tables/{table}/changes` with these parameters.
fn path(table: &str, parameters: &[(&str, &str)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> =
        parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("/v1/tables/{}/changes?{}", encoded(table), pairs.join("&"))
}

#[tokio::test]
async fn rows_come_into_a_filter_and_leave_it() {
    let mut server = Server::start().await;
    let (filter, params) = ("status = $1 and id > $2", r#"["open",5]"#);
    let mut client = server.websocket().await;
    let subscribe = json!({"op": "subscribe", "id": "a", "table": "orders", "where": filter,
        "params": ["open", 5]});
    client.send(&subscribe).await;
    assert_eq!(client.next().await["op"], "subscribed");
    let path = path("orders", &[("where", filter), ("params", params)]);
    let mut stream = Stream::open(reqwest::Client::new().get(server.url(&path))).await;
    stream.next().await.unwrap();
    let row = |status: &str| format!(r#"{{"id":7,"status":"{status}","secret":"s"}}"#);
    for (old, new, event, cause) in [
        (row("new"), row("open"), "created", "enter"),
        (row("open"), row("paid"), "removed", "leave"),
    ] {
        let outside = server.insert(1);
        let change = server.change(super::fixture::ORDERS, Op::Update, Some(&old), Some(&new));
        server.batch(vec![outside, change]).await;
        let (events, _) = client.batch().await;
        assert_eq!(events.len(), 1);
        let seen = &events[0].1;
        assert_eq!((&seen["event"], &seen["cause"]), (&json!(event), &json!(cause)));
        assert_eq!(&stream.next().await.unwrap().data, seen);
    }
}

#[tokio::test]
async fn bad_filters_are_refused_with_their_position() {
    let server = Server::start().await;
    let mut client = server.websocket().await;
    for (filter, params, code, position) in [
        ("status = ", json!([]), "invalid_filter", true),
        ("true and nope = 1", json!([]), "invalid_filter", true),
        ("id = 1 and secret = 's'", json!([]), "invalid_filter", true),
        ("id = $1", json!([]), "invalid_filter", true),
        ("id = 1 or pg_sleep(10) is null", json!([]), "invalid_filter", true),
        ("id in (select id from orders)", json!([]), "invalid_filter", true),
        (&"(".repeat(10_000), json!([]), "invalid_filter", true),
        (&vec!["id = 1"; 4_000].join(" or "), json!([]), "invalid_request", false),
        ("", json!([]), "invalid_filter", true),
    ] {
        let subscribe = json!({"op": "subscribe", "id": "a", "table": "orders", "where": filter,
            "params": params});
        client.send(&subscribe).await;
        let error = client.next().await;
        let shown: String = filter.chars().take(60).collect();
        assert_eq!((&error["op"], &error["id"]), (&json!("error"), &json!("a")), "{shown}");
        if filter.len() < 20_000 {
            assert_eq!(error["code"], code, "{shown}: {error}");
            assert_eq!(error["position"].is_u64(), position, "{shown}: {error}");
            let path = path("orders", &[("where", filter), ("params", &params.to_string())]);
            let (status, problem, _) = get(&server, &path, &[STREAM]).await;
            if status != 431 && status != 414 {
                assert_eq!(status, 400, "{shown}");
                assert_eq!(problem["code"], error["code"], "{shown}");
                assert_eq!(problem["position"], error["position"], "{shown}");
                assert_eq!(problem["detail"], error["detail"], "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_hidden_column_in_a_filter_looks_like_one_that_does_not_exist() {
    let server = Server::start().await;
    let answer = async |name: &str| {
        let path = path("orders", &[("where", &format!("{name} = 'x'"))]);
        get(&server, &path, &[STREAM]).await.1.to_string().replace(name, "?")
    };
    assert_eq!(answer("secret").await, answer("absent").await);
}

#[tokio::test]
async fn parameters_without_a_filter_and_anything_twice_are_refused() {
    let server = Server::start().await;
    let mut client = server.websocket().await;
    let begin = r#"{"op":"subscribe","id":"a","table":"orders""#;
    for (query, fields, named) in [
        ("params=[1]", r#","params":[1]}"#, "params"),
        ("where=true&where=false", r#","where":"true","where":"false"}"#, "where"),
        ("where=true&params=5", r#","where":"true","params":5}"#, "params"),
        ("where=true&params=[", r#","where":"true","params":{}}"#, "params"),
        ("columns=id&columns=status", r#","columns":["id"],"columns":[]}"#, "columns"),
        ("old=true&old=true", r#","old":true,"old":true}"#, "old"),
    ] {
        let path = format!("/v1/tables/orders/changes?{query}");
        let (status, problem, _) = get(&server, &path, &[STREAM]).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")), "{query}");
        client.send_text(&format!("{begin}{fields}")).await;
        let error = client.next().await;
        assert_eq!(error["code"], "invalid_request", "{fields}");
        for answer in [problem, error] {
            assert!(answer["detail"].as_str().unwrap().contains(named), "{query}: {answer}");
        }
    }
}

#[tokio::test]
async fn columns_narrow_what_comes_and_may_be_quoted() {
    let mut server = Server::start().await;
    let path = path("app.notes", &[("columns", r#""odd ""näme""",k"#)]);
    let mut stream = Stream::open(reqwest::Client::new().get(server.url(&path))).await;
    stream.next().await.unwrap();
    let row = r#"{"k":"a","odd \"näme\"":1}"#;
    let change = server.change(NOTES, Op::Insert, None, Some(row));
    server.batch(vec![change]).await;
    assert_eq!(stream.next().await.unwrap().data["data"], json!({"k": "a", "odd \"näme\"": 1}));
}

/// No daemon's SQL takes part here, so what is tried would show in what comes: it is a value, or refused.
#[tokio::test]
async fn sql_in_filters_parameters_columns_and_names_is_only_text() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    let attempts = [
        "x' or '1'='1",
        "'; drop table orders; --",
        "1); delete from rowcast.log; --",
        "\" or true --",
        "\\'; select pg_sleep(10); --",
        "orders\"; drop table orders; --",
        "a\u{0}b",
        "$1 or true",
        "/* */ or true",
    ];
    for attempt in attempts {
        let refused = async |parameters: &[(&str, &str)], table: &str| {
            let (status, problem, _) = get(&server, &path(table, parameters), &[STREAM]).await;
            assert!(matches!(status, 400 | 404), "{attempt}: {status} {problem}");
        };
        refused(&[("where", attempt)], "orders").await;
        refused(&[("columns", attempt)], "orders").await;
        refused(&[], attempt).await;
        for (field, value) in
            [("where", json!(attempt)), ("columns", json!([attempt])), ("table", json!(attempt))]
        {
            let mut subscribe = json!({"op": "subscribe", "id": "a", "table": "orders"});
            subscribe[field] = value;
            client.send(&subscribe).await;
            let error = client.next().await;
            assert_eq!(error["op"], "error", "{field} {attempt}: {error}");
        }
        if attempt.contains('\0') {
            continue;
        }
        let subscribe = json!({"op": "subscribe", "id": attempt, "table": "orders",
            "where": "status = $1", "params": [attempt]});
        client.send(&subscribe).await;
        assert_eq!(client.next().await["op"], "subscribed", "{attempt}");
    }
    let open = server.insert(1);
    let row = format!(r#"{{"id":2,"status":{},"secret":"s"}}"#, json!(attempts[0]));
    let named_so = server.change(super::fixture::ORDERS, Op::Insert, None, Some(&row));
    server.batch(vec![open, named_so]).await;
    let (events, _) = client.batch().await;
    let ids: Vec<&Value> = events.iter().map(|(_, event)| &event["data"]["id"]).collect();
    assert_eq!(ids, [&json!(2)], "each filter matches its own text and nothing else");
}
