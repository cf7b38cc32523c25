//! Polls: one answer each.

use std::time::{Duration, Instant};

use rowcast::event::Op;
use serde_json::{Value, json};

use super::fixture::{MINE, ORDERS, Server, get, guarded, in_secs, in_time, settings, token};

const CHANGES: &str = "/v1/tables/orders/changes";

/// The answer to a poll that goes on after the newest commit.
async fn poll_on(server: &Server, more: &str) -> (u16, Value) {
    let path = format!("{CHANGES}?cursor={}{more}", server.cursor());
    let (status, answer, _) = get(server, &path, &[]).await;
    (status, answer)
}

/// The same, while the test goes on.
fn poll_meanwhile(server: &Server, more: &str) -> tokio::task::JoinHandle<(u16, Value)> {
    let url = server.url(&format!("{CHANGES}?cursor={}{more}", server.cursor()));
    tokio::spawn(async move {
        let response = in_time("the answer", reqwest::get(url)).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    })
}

async fn readers(server: &Server, count: u32) {
    let shown = format!("rowcast_readers {count}\n");
    let there = async {
        let text =
            async || reqwest::get(server.url("/metrics")).await.unwrap().text().await.unwrap();
        while !text().await.contains(&shown) {}
    };
    in_time(&shown, there).await;
}

#[tokio::test]
async fn without_a_cursor_it_is_told_where_now_is_at_once() {
    let server = Server::start().await;
    for path in [CHANGES.to_owned(), format!("{CHANGES}?wait=60")] {
        let (status, answer, response) = get(&server, &path, &[]).await;
        assert_eq!((status, answer), (200, json!({"events": [], "cursor": server.cursor()})));
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(response.headers().get_all("vary").iter().any(|by| by == "Accept"));
    }
    readers(&server, 0).await;
}

#[tokio::test]
async fn a_waiting_poll_gets_the_next_batch_that_it_sees_whole() {
    let mut server = Server::start().await;
    let waiting = poll_meanwhile(&server, "&wait=15&where=id%20%3E%201&old=true");
    readers(&server, 1).await;
    let unseen = server.insert(1);
    server.batch(vec![unseen]).await;
    let changes = vec![server.insert(2), server.insert(3)];
    server.batch(changes).await;
    let (status, answer) = waiting.await.unwrap();
    let ids: Vec<_> = answer["events"].as_array().unwrap().iter().map(|of| &of["key"]).collect();
    assert_eq!((status, ids), (200, vec![&json!({"id": 2}), &json!({"id": 3})]));
    assert_eq!((&answer["cursor"], answer.get("more")), (&json!(server.cursor()), None));
}

#[tokio::test]
async fn what_is_there_is_answered_at_once() {
    let mut server = Server::start().await;
    let before = server.cursor();
    let change = server.insert(1);
    server.batch(vec![change]).await;
    server.commit().await;
    let (status, answer, _) =
        get(&server, &format!("{CHANGES}?cursor={before}&wait=60"), &[]).await;
    assert_eq!((status, &answer["events"][0]["data"]["id"]), (200, &json!(1)));
    assert_eq!(answer["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn it_waits_as_long_as_it_was_asked_to() {
    let server = Server::start().await;
    let nothing = (200, json!({"events": [], "cursor": server.cursor()}));
    let begun = Instant::now();
    assert_eq!(poll_on(&server, "&wait=0.5").await, nothing);
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert_eq!(poll_on(&server, "").await, nothing);
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn one_that_is_not_live_in_time_is_told_to_come_back() {
    let mut quick = settings();
    quick.timing.live = Duration::from_millis(50);
    let server = Server::start_with(quick).await;
    let (status, problem, response) = get(&server, CHANGES, &[]).await;
    assert_eq!((status, &problem["code"]), (503, &json!("unavailable")));
    assert!(response.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn one_whose_client_hangs_up_is_no_reader_any_more() {
    let mut settings = settings();
    // So that the hub doesn't notice it by itself.
    settings.shape.keepalive = Duration::from_secs(3_600);
    let mut server = Server::start_with(settings).await;
    server.commit().await;
    let waiting = poll_meanwhile(&server, "&wait=60");
    readers(&server, 1).await;
    waiting.abort();
    readers(&server, 0).await;
}

#[tokio::test]
async fn it_counts_as_a_connection_of_its_identity() {
    let mut small = settings();
    small.transport.max_connections_per_identity = 1;
    let mut server = Server::start_with(small).await;
    server.commit().await;
    let waiting = poll_meanwhile(&server, "&wait=60");
    readers(&server, 1).await;
    assert_eq!(poll_on(&server, "").await.0, 429);
    let change = server.insert(1);
    server.batch(vec![change]).await;
    assert_eq!(waiting.await.unwrap().0, 200);
    let freed = async { while poll_on(&server, "").await.0 == 429 {} };
    in_time("a place", freed).await;
}

#[tokio::test]
async fn it_ends_with_the_credential() {
    let mut server = Server::start_with(guarded(false)).await;
    server.commit().await;
    let brief = token(&json!({"sub": "ann", "exp": in_secs(2)}));
    let path =
        format!("/v1/tables/mine/changes?cursor={}&wait=60&access_token={brief}", server.cursor());
    let others = server.change(MINE, Op::Insert, None, Some(r#"{"id":1,"owner":"bob"}"#));
    server.batch(vec![others]).await;
    let (status, problem, _) = get(&server, &path, &[]).await;
    assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")), "{problem}");
}

#[tokio::test]
async fn a_reset_is_an_expired_cursor() {
    let mut server = Server::start().await;
    let waiting = poll_meanwhile(&server, "&wait=60");
    readers(&server, 1).await;
    let change = server.change(ORDERS, Op::Reset, None, None);
    server.batch(vec![change]).await;
    let (status, problem) = waiting.await.unwrap();
    assert_eq!((status, &problem["code"]), (410, &json!("cursor_expired")), "{problem}");
}

#[tokio::test]
async fn a_stopping_daemon_ends_polls() {
    let server = Server::start().await;
    let waiting = poll_meanwhile(&server, "&wait=60");
    readers(&server, 1).await;
    server.stop().await.unwrap();
    let (status, problem) = waiting.await.unwrap();
    assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "{problem}");
}
