//! Who gets in, and what is refused.

use rowcast::identity::Authority;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::fixture::{Server, get, in_time, settings};

const STREAM: (&str, &str) = ("accept", "text/event-stream");

#[tokio::test]
async fn tables_list_what_may_be_seen() {
    let server = Server::start().await;
    let (status, listing, _) = get(&server, "/v1/tables", &[]).await;
    let orders = json!({"name": "orders", "schema": "public", "key": ["id"], "columns":
        [{"name": "id", "type": "bigint"}, {"name": "status", "type": "text"}]});
    assert_eq!(status, 200);
    let listed = listing["tables"].as_array().unwrap();
    let names: Vec<_> = listed.iter().map(|table| table["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["app.notes", "logs", "mine", "orders"]);
    assert_eq!(listed[3], orders);
}

#[tokio::test]
async fn bad_requests_name_what_is_wrong() {
    let server = Server::start().await;
    let changes = "/v1/tables/orders/changes";
    for (path, accept, status, code, named) in [
        (format!("{changes}?where=nope"), true, 400, "invalid_filter", ""),
        (format!("{changes}?params=[1]"), true, 400, "invalid_request", "\"params\""),
        (format!("{changes}?cursor=x"), true, 400, "invalid_cursor", "\"cursor\""),
        (format!("{changes}?cursor=x"), false, 400, "invalid_cursor", "\"cursor\""),
        (format!("{changes}?snapshot=yes"), true, 400, "invalid_request", "\"snapshot\""),
        (format!("{changes}?snapshot=true"), false, 400, "invalid_request", "\"snapshot\""),
        (format!("{changes}?coalesce=5"), false, 400, "invalid_request", "\"coalesce\""),
        (format!("{changes}?coalesce=60001"), true, 400, "invalid_request", "\"coalesce\""),
        (format!("{changes}?wait=5"), true, 400, "invalid_request", "\"wait\""),
        (format!("{changes}?wait=61"), false, 400, "invalid_request", "\"wait\""),
        (format!("{changes}?limit=5"), true, 400, "invalid_request", "\"limit\""),
        (format!("{changes}?order=id"), false, 400, "invalid_request", "\"order\""),
        (format!("{changes}?wher=true"), true, 400, "invalid_request", "\"wher\""),
        (format!("{changes}?old=yes"), true, 400, "invalid_request", "\"old\""),
        (format!("{changes}?old=true&old=false"), true, 400, "invalid_request", "\"old\""),
        (format!("{changes}?columns=id,nope"), true, 400, "unknown_column", "\"nope\""),
        (format!("{changes}?columns=secret"), true, 400, "unknown_column", "\"secret\""),
        ("/v1/tables/nope/changes".to_owned(), true, 404, "unknown_table", "\"nope\""),
        ("/v1/tables/%2e%2e%2f/changes".to_owned(), true, 404, "unknown_table", "\"../\""),
        ("/v1/tables/%ff/changes".to_owned(), true, 400, "invalid_request", "UTF-8"),
        ("/v1/tables/orders/rows".to_owned(), false, 503, "unavailable", "just now"),
        ("/v1/ws".to_owned(), false, 400, "invalid_request", "WebSocket"),
        ("/v1/nope".to_owned(), false, 404, "not_found", "nothing here"),
        ("/nope".to_owned(), false, 404, "not_found", "nothing here"),
    ] {
        let headers: &[_] = if accept { &[STREAM] } else { &[] };
        let (answered, problem, response) = get(&server, &path, headers).await;
        assert_eq!((answered, problem["code"].as_str()), (status, Some(code)), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(named), "{path}: {problem}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
    }
}

#[tokio::test]
async fn wrong_methods_are_told_so() {
    let server = Server::start().await;
    for path in ["/v1/tables", "/healthz", "/", "/v1/ws"] {
        let sent = reqwest::Client::new().post(server.url(path)).send().await.unwrap();
        assert_eq!(sent.status(), 405, "{path}");
        assert_eq!(sent.headers()["content-type"], "application/problem+json", "{path}");
    }
    let head = reqwest::Client::new().head(server.url("/v1/tables")).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn a_credential_that_cannot_be_checked_is_refused() {
    let server = Server::start().await;
    for (path, headers) in [
        ("/v1/tables", &[("authorization", "Bearer x")][..]),
        ("/v1/tables?access_token=x", &[]),
        ("/v1/tables/orders/changes?access_token=x", &[STREAM]),
        ("/v1/ws?access_token=x", &[]),
    ] {
        let (status, problem, _) = get(&server, path, headers).await;
        assert_eq!((status, problem["code"].as_str()), (401, Some("unauthenticated")), "{path}");
    }
    let mut client = server.websocket().await;
    client.send(&json!({"op": "auth", "token": "x"})).await;
    assert_eq!(client.next().await["code"], "unauthenticated");
    assert_eq!(client.close_code().await, 4401);
}

#[tokio::test]
async fn nobody_gets_in_where_anonymous_is_not_allowed() {
    let mut strict = settings();
    strict.authority = Authority::anonymous_only(false);
    let server = Server::start_with(strict).await;
    for path in ["/v1/tables", "/v1/tables/orders/changes", "/v1/ws?access_token=x"] {
        assert_eq!(get(&server, path, &[STREAM]).await.0, 401, "{path}");
    }
    assert_eq!(get(&server, "/healthz", &[]).await.0, 200);
}

#[tokio::test]
async fn origins_must_be_own_or_listed() {
    let server = Server::start().await;
    let own = format!("http://{}", server.address);
    for (origin, status) in [
        (own.as_str(), 200),
        ("https://shop.example", 200),
        ("https://shop.example.evil.com", 403),
        ("http://shop.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        let (answered, problem, response) = get(&server, "/v1/tables", &[("origin", origin)]).await;
        assert_eq!(answered, status, "{origin}: {problem}");
        let allowed = response.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some(), origin == "https://shop.example", "{origin}");
    }
    let evil =
        [("origin", "https://evil.com"), ("upgrade", "websocket"), ("connection", "upgrade")];
    assert_eq!(get(&server, "/v1/ws", &evil).await.0, 403);
    let preflight = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, server.url("/v1/tables"))
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let answer = preflight.send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert!(
        answer.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("Authorization")
    );
}

#[tokio::test]
async fn messages_that_ask_for_something_wrong_end_nothing_else() {
    let server = Server::start().await;
    let mut client = server.websocket().await;
    client.subscribe("taken", "orders").await;
    for (message, code, named) in [
        (json!({"op": "subscribe", "id": "a", "table": "nope"}), "unknown_table", "nope"),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "columns": ["secret"]}),
            "unknown_column",
            "secret",
        ),
        (json!({"op": "subscribe", "id": "taken", "table": "orders"}), "invalid_request", "\"id\""),
        (json!({"op": "subscribe", "id": "", "table": "orders"}), "invalid_request", "\"id\""),
        (json!({"op": "subscribe", "id": 1, "table": "orders"}), "invalid_request", "\"id\""),
        (
            json!({"op": "subscribe", "id": "x".repeat(300), "table": "orders"}),
            "invalid_request",
            "\"id\"",
        ),
        (json!({"op": "subscribe", "id": "a"}), "invalid_request", "\"table\""),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "snapshot": 1}),
            "invalid_request",
            "\"snapshot\"",
        ),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "cursor": "x"}),
            "invalid_cursor",
            "\"cursor\"",
        ),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "where": "nope"}),
            "invalid_filter",
            "",
        ),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "params": [1]}),
            "invalid_request",
            "\"params\"",
        ),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "coalesce": 60_001}),
            "invalid_request",
            "\"coalesce\"",
        ),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "wher": 9}),
            "invalid_request",
            "\"wher\"",
        ),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "old": "yes"}),
            "invalid_request",
            "\"old\"",
        ),
        (
            json!({"op": "subscribe", "id": "a", "table": "orders", "columns": "id"}),
            "invalid_request",
            "\"columns\"",
        ),
        (json!({"op": "unsubscribe", "id": "nope"}), "invalid_request", "\"id\""),
        (json!({"op": "ping", "nonce": 5}), "invalid_request", "\"nonce\""),
    ] {
        client.send(&message).await;
        let error = client.next().await;
        assert_eq!(
            (error["op"].as_str(), error["code"].as_str()),
            (Some("error"), Some(code)),
            "{message}"
        );
        assert!(error["detail"].as_str().unwrap().contains(named), "{message}: {error}");
        let short = message["id"].as_str().is_some_and(|id| id.len() < 256);
        assert_eq!(error.get("id"), message.get("id").filter(|_| short), "{message}");
    }
    let defaults = json!({"op": "subscribe", "id": "b", "table": "orders", "where": null, "params": [],
        "columns": null, "snapshot": false, "cursor": null, "coalesce": 0, "old": false});
    client.send(&defaults).await;
    assert_eq!(client.next().await["op"], "subscribed");
}

#[tokio::test]
async fn what_is_not_the_protocol_closes_the_connection() {
    let server = Server::start().await;
    for (message, code) in [
        (Message::text("not json"), 1008),
        (Message::text("[]"), 1008),
        (Message::text(r#"{"op":5}"#), 1008),
        (Message::text(r#"{"op":"dance"}"#), 1008),
        (Message::text("[".repeat(60_000)), 1008),
        (Message::binary(vec![1, 2, 3]), 1008),
        (Message::text("x".repeat(65 << 10)), 1009),
    ] {
        let mut client = server.websocket().await;
        futures_util::SinkExt::send(&mut client.0, message.clone()).await.unwrap();
        assert_eq!(client.close_code().await, code, "{:.60}", message.to_string());
    }
}

#[tokio::test]
async fn frames_that_break_the_rules_of_websocket_close_the_connection() {
    let server = Server::start().await;
    for (bytes, code) in [
        (&b"\x81\x02hi"[..], 1002),                                  // not masked
        (b"\x83\x80\0\0\0\0", 1002),                                 // a reserved opcode
        (b"\x81\x82\0\0\0\0\xff\xff", 1007),                         // not UTF-8
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009), // as long as can be
    ] {
        let mut client = server.websocket().await;
        client.0.get_mut().write_all(bytes).await.unwrap();
        assert_eq!(client.close_code().await, code, "{bytes:?}");
    }
}

#[tokio::test]
async fn the_handshake_is_checked() {
    let server = Server::start().await;
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let (upgrade, connection) = (("upgrade", "websocket"), ("connection", "Upgrade"));
    for headers in [
        &[key, upgrade, connection][..],
        &[key, upgrade, connection, ("sec-websocket-version", "8")],
        &[upgrade, connection, ("sec-websocket-version", "13")],
        &[upgrade, connection, ("sec-websocket-version", "13"), ("sec-websocket-key", "short")],
    ] {
        assert_eq!(get(&server, "/v1/ws", headers).await.0, 400, "{headers:?}");
    }
    for (offered, chosen) in [
        ("", None),
        ("rowcast.v1", Some("rowcast.v1")),
        ("x, rowcast.v1", Some("rowcast.v1")),
        ("x", None),
    ] {
        let mut headers = vec![key, upgrade, connection, ("sec-websocket-version", "13")];
        headers.extend((!offered.is_empty()).then_some(("sec-websocket-protocol", offered)));
        let mut request = format!("GET /v1/ws HTTP/1.1\r\nhost: {}\r\n", server.address);
        headers.iter().for_each(|(name, value)| request += &format!("{name}: {value}\r\n"));
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all((request + "\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            assert_ne!(in_time("the answer", socket.read_buf(&mut answer)).await.unwrap(), 0);
        }
        let answer = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(answer.starts_with("http/1.1 101"), "{answer}");
        assert!(answer.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
        let named = answer.lines().find_map(|line| line.strip_prefix("sec-websocket-protocol: "));
        assert_eq!(named, chosen);
    }
}

#[tokio::test]
async fn messages_behind_the_handshake_in_one_packet_are_heard() {
    let server = Server::start().await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let mut bytes = format!(
        "GET /v1/ws HTTP/1.1\r\nhost: {}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address
    )
    .into_bytes();
    let ping = br#"{"op":"ping","nonce":"early"}"#;
    bytes.extend([0x81, 0x80 | ping.len() as u8, 0, 0, 0, 0]);
    bytes.extend(ping);
    socket.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(r#"{"op":"pong","nonce":"early"}"#) {
        assert_ne!(in_time("the pong", socket.read_buf(&mut answer)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_close_frame_is_answered() {
    let server = Server::start().await;
    let mut client = server.websocket().await;
    client.0.close(None).await.unwrap();
    assert!(client.closed().await.is_none());
}

#[tokio::test]
async fn the_page_is_served_with_its_guards() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let page = client.get(server.url("/")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(
        page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'")
    );
    let etag = page.headers()["etag"].clone();
    let again = client.get(server.url("/")).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), 304);
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let server = Server::start().await;
    let (status, _, _) = get(&server, "/v1/tables", &[("x-padding", &"y".repeat(100 << 10))]).await;
    assert_eq!(status, 431);
}
