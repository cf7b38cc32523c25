//! How much one client may have of everything.

use std::time::Duration;

use futures_util::SinkExt as _;
use rowcast::identity::Authority;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::fixture::{Client, Server, Stream, get, guarded, in_time, settings, token};

const STREAM: (&str, &str) = ("accept", "text/event-stream");

#[tokio::test]
async fn an_identity_has_so_many_connections_and_no_more() {
    let mut small = guarded(true);
    small.transport.max_connections_per_identity = 2;
    let mut server = Server::start_with(small).await;
    server.commit().await;
    let ann = token(&json!({"sub": "ann"}));
    let path = format!("/v1/ws?access_token={ann}");
    let mut first = Client::connect_to(server.address, &path).await;
    first.next().await;
    let feed = reqwest::Client::new().get(server.url("/v1/tables/orders/changes"));
    let _second = Stream::open(feed.bearer_auth(&ann)).await;
    let bearer = format!("Bearer {ann}");
    let (status, problem, answer) =
        get(&server, "/v1/tables/orders/changes", &[STREAM, ("authorization", &bearer)]).await;
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_requests")));
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(get(&server, &path, &[]).await.0, 429);
    let anonymous = server.websocket().await;
    let mut turns_out_to_be_ann = server.websocket().await;
    turns_out_to_be_ann.send(&json!({"op": "auth", "token": ann})).await;
    assert_eq!(turns_out_to_be_ann.next().await["code"], "too_many_requests");
    assert_eq!(turns_out_to_be_ann.close_code().await, 4409);
    drop((first, anonymous));
    let freed = async {
        while get(&server, "/v1/tables/orders/changes", &[STREAM, ("authorization", &bearer)])
            .await
            .0
            == 429
        {}
    };
    in_time("a place", freed).await;
}

#[tokio::test]
async fn those_who_wait_to_be_known_are_counted_by_their_address() {
    let mut small = settings();
    small.authority = Authority::anonymous_only(false);
    small.transport.max_connections_per_identity = 1;
    let server = Server::start_with(small).await;
    let _waiting = Client::connect(server.address).await;
    assert_eq!(get(&server, "/v1/ws", &[]).await.0, 429);
}

#[tokio::test]
async fn an_identity_has_so_many_subscriptions_over_all_its_connections() {
    let mut small = settings();
    small.transport.max_subscriptions_per_identity = 2;
    small.shape.keepalive = Duration::from_millis(150);
    let mut server = Server::start_with(small).await;
    server.commit().await;
    let (mut one, mut other) = (server.websocket().await, server.websocket().await);
    one.subscribe("a", "orders").await;
    other.subscribe("a", "orders").await;
    let more = json!({"op": "subscribe", "id": "more", "table": "orders"});
    let answer_to = async |client: &mut Client| loop {
        let answer = client.next().await;
        if answer["op"] != "commit" {
            return answer;
        }
    };
    one.send(&more).await;
    let refused = answer_to(&mut one).await;
    assert_eq!((&refused["code"], &refused["id"]), (&json!("too_many_requests"), &json!("more")));
    assert_eq!(get(&server, "/v1/tables/orders/changes", &[STREAM]).await.0, 429);
    drop(other);
    let freed = async {
        loop {
            one.send(&more).await;
            if answer_to(&mut one).await["op"] == "subscribed" {
                return;
            }
        }
    };
    in_time("a place", freed).await;
}

#[tokio::test]
async fn a_connection_has_as_many_subscriptions_as_configured() {
    let transport = rowcast::transport::Settings {
        max_subscriptions: 1,
        ..rowcast::transport::Settings::default()
    };
    let small = rowcast::server::Settings::new(transport, Authority::anonymous_only(true));
    let mut server = Server::start_with(small).await;
    server.commit().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "orders").await;
    client.send(&json!({"op": "subscribe", "id": "b", "table": "orders"})).await;
    assert_eq!(client.next().await["code"], "too_many_requests");
}

#[tokio::test]
async fn too_many_messages_are_refused_and_a_flood_ends_the_connection() {
    let mut small = settings();
    small.transport.max_messages_per_second = 2;
    let server = Server::start_with(small).await;
    let mut client = server.websocket().await;
    for _ in 0..40 {
        client.0.feed(Message::text(r#"{"op":"ping"}"#)).await.unwrap();
    }
    client.0.flush().await.unwrap();
    let mut answered = Vec::new();
    let close = loop {
        match client.next_message().await {
            Message::Text(text) => answered.push(text.contains("too_many_requests")),
            Message::Close(frame) => break frame.unwrap(),
            _ => {}
        }
    };
    assert_eq!(u16::from(close.code), 4409);
    let refused = answered.iter().filter(|refused| **refused).count();
    assert!(answered.len() - refused >= 20, "ten seconds' worth passes: {answered:?}");
    assert!((1..=5).contains(&refused), "two seconds' worth is told: {answered:?}");
}

#[tokio::test]
async fn pings_are_messages_too() {
    let mut small = settings();
    small.transport.max_messages_per_second = 1;
    let server = Server::start_with(small).await;
    let mut client = server.websocket().await;
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    client.0.get_mut().write_all(&ping.repeat(40)).await.unwrap();
    assert_eq!(client.close_code().await, 4409);
}

#[tokio::test]
async fn messages_may_be_as_large_as_configured() {
    let mut small = settings();
    small.transport.max_message_bytes = 2_000;
    let server = Server::start_with(small).await;
    let mut client = server.websocket().await;
    let message = |bytes: usize| format!(r#"{{"op":"ping"{}}}"#, " ".repeat(bytes - 13));
    client.send_text(&message(2_000)).await;
    assert_eq!(client.next().await["op"], "pong");
    client.send_text(&message(2_001)).await;
    assert_eq!(client.close_code().await, 1009);
}

/// Sends `request` a few bytes at a time, for ever; returns what came when the peer had enough.
async fn dripped(server: &Server, request: &str) -> String {
    let socket = TcpStream::connect(server.address).await.unwrap();
    let (mut reading, mut writing) = socket.into_split();
    let request = request.as_bytes().to_vec();
    let drip = tokio::spawn(async move {
        let filler = std::iter::repeat_n(&b'x', 1 << 20);
        for byte in request.iter().chain(filler) {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut heard = Vec::new();
    let _ = in_time("the end", reading.read_to_end(&mut heard)).await;
    drip.abort();
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test]
async fn a_request_that_drips_in_is_cut_off() {
    let mut quick = settings();
    quick.timing.header = Duration::from_millis(200);
    let server = Server::start_with(quick).await;
    for begun in [
        "GET /",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-padding: ",
        "GET /v1/ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nx-more: ",
    ] {
        let heard = dripped(&server, begun).await;
        assert!(!heard.contains("200 OK") && !heard.contains("101 "), "{begun}: {heard}");
    }
    assert_eq!(get(&server, "/healthz", &[]).await.0, 200);
}

#[tokio::test]
async fn requests_have_no_bodies() {
    let server = Server::start().await;
    for path in ["/v1/tables", "/v1/tables/orders/changes", "/v1/ws", "/healthz", "/metrics"] {
        let request = reqwest::Client::new().get(server.url(path)).body("{}");
        let answer = in_time("the answer", request.send()).await.unwrap();
        assert_eq!(answer.status(), 413, "{path}");
    }
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head = "GET /v1/tables HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    in_time("the end", socket.read_to_end(&mut heard)).await.unwrap();
    assert!(heard.starts_with(b"HTTP/1.1 413 "), "nothing of the body is waited for");
}
