//! How long connections last: limits, signs of life, and the server's end.

use std::time::Duration;

use rowcast::changelog::Reading;
use rowcast::server::{Drained, Error};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fixture::{Client, Server, Stream, get, in_time, settings};

#[tokio::test]
async fn readiness_follows_the_reader() {
    let mut server = Server::start_with(settings()).await;
    let ready = async |server: &Server| get(server, "/readyz", &[]).await.0;
    assert_eq!((get(&server, "/healthz", &[]).await.0, ready(&server).await), (200, 503));
    server.commit().await;
    in_time("ready", async { while ready(&server).await != 200 {} }).await;
    server.feed(Reading::Lost).await;
    in_time("lost", async { while ready(&server).await != 503 {} }).await;
}

#[tokio::test]
async fn metrics_count() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "orders").await;
    let change = server.insert(1);
    server.batch(vec![change]).await;
    client.batch().await;
    let text = reqwest::get(server.url("/metrics")).await.unwrap().text().await.unwrap();
    for line in ["rowcast_feeds 1", "rowcast_readers 1", "rowcast_changes_read_total 1"] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn those_without_news_are_told_the_cursor() {
    let mut quick = settings();
    quick.shape.keepalive = Duration::from_millis(150);
    let mut server = Server::start_with(quick).await;
    server.commit().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "logs").await;
    let request = reqwest::Client::new().get(server.url("/v1/tables/logs/changes"));
    let mut stream = Stream::open(request).await;
    assert_eq!(stream.next().await.unwrap().event, "cursor");
    let change = server.insert(1);
    server.batch(vec![change]).await;
    for _ in 0..2 {
        assert_eq!(client.next().await, json!({"op": "commit", "cursor": server.cursor()}));
        let block = stream.next().await.unwrap();
        assert_eq!((block.event.as_str(), block.id), ("cursor", Some(server.cursor())));
    }
}

#[tokio::test]
async fn who_leaves_a_feed_within_a_batch_is_still_told_the_cursor() {
    let mut quick = settings();
    quick.shape.keepalive = Duration::from_millis(150);
    let mut server = Server::start_with(quick).await;
    server.commit().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "orders").await;
    let changes = (0..10_000).map(|id| server.insert(id)).collect();
    server.feed(Reading::Changes(changes)).await;
    assert_eq!(client.next().await["op"], "events", "the batch has begun to go out");
    client.send(&json!({"op": "unsubscribe", "id": "a"})).await;
    while client.next().await["op"] != "unsubscribed" {}
    server.commit().await;
    assert_eq!(client.next().await, json!({"op": "commit", "cursor": server.cursor()}));
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_cut_off() {
    let mut quick = settings();
    quick.timing.ping = Duration::from_millis(50);
    let server = Server::start_with(quick).await;
    let mut lively = server.websocket().await;
    let client = Client::connect(server.address).await;
    let mut dead = client.0.into_inner();
    let mut received = Vec::new();
    let ended = async { while dead.read_buf(&mut received).await.unwrap_or(0) > 0 {} };
    tokio::select! {
        () = in_time("the end", ended) => {}
        message = lively.next() => panic!("{message}"),
    }
    assert!(received.ends_with(&[0x89, 0, 0x89, 0]), "two pings, then the end");
    lively.send(&json!({"op": "ping", "nonce": "x"})).await;
    assert_eq!(lively.next().await["op"], "pong");
}

#[tokio::test]
async fn everybody_is_told_when_the_server_stops() {
    let server = Server::start().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "orders").await;
    let request = reqwest::Client::new().get(server.url("/v1/tables/orders/changes"));
    let mut stream = Stream::open(request).await;
    stream.next().await.unwrap();
    let stopped = tokio::spawn(server.stop());
    assert_eq!(client.close_code().await, 1012);
    let end = stream.next().await.unwrap();
    assert_eq!((end.event.as_str(), &end.data["code"]), ("error", &json!("unavailable")));
    assert_eq!(stream.next().await, None);
    drop(client);
    assert_eq!(stopped.await.unwrap().unwrap(), Drained::Wholly);
}

#[tokio::test]
async fn a_reader_of_the_log_that_ends_takes_the_server_down() {
    let server = Server::start().await;
    let Server { readings, ended, .. } = server;
    drop(readings);
    let ended = in_time("the end", ended).await.unwrap();
    assert!(matches!(ended, Err(Error::ReaderGone)), "{ended:?}");
}

#[tokio::test]
async fn connections_have_a_limit() {
    let mut small = settings();
    small.transport.max_connections = 2;
    let server = Server::start_with(small).await;
    let (one, _other) = (server.websocket().await, server.websocket().await);
    assert_eq!(get(&server, "/healthz", &[]).await.0, 429);
    drop(one);
    in_time("a place", async { while get(&server, "/healthz", &[]).await.0 != 200 {} }).await;
}

#[tokio::test]
async fn subscriptions_have_a_limit() {
    let server = Server::start().await;
    let mut client = server.websocket().await;
    for id in 0..1_000 {
        client.subscribe(&id.to_string(), "orders").await;
    }
    client.send(&json!({"op": "subscribe", "id": "more", "table": "orders"})).await;
    assert_eq!(client.next().await["code"], "too_many_requests");
}

#[tokio::test]
async fn a_request_that_never_comes_whole_is_not_waited_for() {
    let mut quick = settings();
    quick.timing.header = Duration::from_millis(100);
    let server = Server::start_with(quick).await;
    for begun in
        ["", "GET /healthz HTTP/1.1\r\nhost: x\r\n", "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"]
    {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(begun.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        in_time("the end", socket.read_to_end(&mut heard)).await.unwrap();
        let answered = String::from_utf8_lossy(&heard).contains("alive");
        assert_eq!(answered, begun.ends_with("\r\n\r\n"), "{begun}");
    }
}
