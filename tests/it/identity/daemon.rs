//! The daemon itself: who gets in, who has to leave, and what the log says of it.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::fixture::*;
use crate::support;
use crate::support::program::{Place, Running};

struct Served {
    daemon: Running,
    address: String,
    database: tokio_postgres::Client,
}

/// A daemon that knows tokens and sessions; it logs all that it ever does.
async fn serve() -> Served {
    let url = support::fresh_database().await;
    let database = support::connect(&url).await;
    database
        .batch_execute(
            "create table orders (id int primary key);
             create table sessions (id text, user_id int);
             insert into sessions values ('hunter2-session', 7)",
        )
        .await
        .unwrap();
    let place = Place::with(&format!(
        "[database]\nurl = {url:?}\n[server]\nlisten = \"127.0.0.1:0\"\n\
         [auth.jwt]\nsecret = \"{SECRET}\"\n\
         [auth.session]\ncookie = \"sid\"\nquery = \"select user_id as sub from sessions where id = $1\"\n\
         [[table]]\nname = \"orders\"\nrows = \"true\"\n"
    ));
    let mut command = place.rowcast(&["serve"]);
    command.env("RUST_LOG", "trace,tungstenite::protocol=trace,tokio_postgres::query=trace");
    let mut daemon = Running::of(command);
    let address = daemon.address().await;
    Served { daemon, address, database }
}

fn signed(claims: serde_json::Value) -> String {
    let secret = rowcast::identity::Secret::new(SECRET);
    let settings = rowcast::identity::jwt::Settings::with_secret(secret);
    rowcast::identity::sign(&settings, claims.as_object().unwrap()).unwrap()
}

/// Reads until the server closes; gives the close code.
async fn closed(url: &str) -> u16 {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    while let Some(message) = socket.next().await {
        if let Message::Close(Some(frame)) = message.unwrap() {
            return frame.code.into();
        }
    }
    panic!("closed without a code");
}

#[tokio::test]
async fn credentials_are_checked_and_never_logged() {
    let served = serve().await;
    let url = format!("{}/v1/tables", served.address);
    let client = reqwest::Client::new();
    let forged = Pair::p256().token(
        jsonwebtoken::Algorithm::ES256,
        Some("hunter2"),
        &json!({"sub": "hunter2"}),
    );
    let expired = signed(json!({"sub": "hunter2", "exp": from_now(-10)}));
    let good = signed(json!({"sub": "hunter2"}));
    for (name, value, status) in [
        ("authorization", format!("Bearer {good}"), 200),
        ("authorization", format!("Bearer {expired}"), 401),
        ("authorization", format!("Bearer {forged}"), 401),
        ("authorization", "Bearer hunter2-key".to_owned(), 401),
        ("authorization", "Basic hunter2-basic".to_owned(), 401),
        ("cookie", "sid=hunter2-session".to_owned(), 200),
        ("cookie", "sid=hunter2-guess".to_owned(), 401),
        ("cookie", "theme=hunter2-dark".to_owned(), 401),
        ("accept", "*/*".to_owned(), 401),
    ] {
        let answer = client.get(&url).header(name, &value).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{name}: {value}");
        assert!(!answer.text().await.unwrap().contains("hunter2"));
    }
    for token in [&good, &expired] {
        use futures_util::SinkExt as _;
        let url = format!("{}/v1/ws", served.address.replace("http://", "ws://"));
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let message = json!({"op": "auth", "token": token}).to_string();
        socket.send(Message::text(message)).await.unwrap();
        assert!(socket.next().await.unwrap().unwrap().is_text());
    }
    let in_query = client.get(format!("{url}?access_token={expired}")).send().await.unwrap();
    assert_eq!(in_query.status(), 401);
    served.database.batch_execute("alter table sessions rename to gone").await.unwrap();
    let failing = client.get(&url).header("cookie", "sid=hunter2-session").send().await.unwrap();
    assert_eq!(failing.status(), 503);
    served.daemon.signal(nix::sys::signal::Signal::SIGTERM);
    let (code, log) = served.daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("the query fails with SQLSTATE 42P01"), "{log}");
    for secret in [SECRET, "hunter2", &good, &expired, &forged] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[tokio::test]
async fn a_token_that_expires_closes_its_connection() {
    let served = serve().await;
    let begun = Instant::now();
    let token = signed(json!({"sub": "1", "exp": from_now(5)}));
    let url = served.address.replace("http://", "ws://");
    let code = closed(&format!("{url}/v1/ws?access_token={token}")).await;
    assert_eq!(code, 4401);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_session_that_is_deleted_closes_its_connection() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let served = serve().await;
    let url = served.address.replace("http://", "ws://");
    let mut request = format!("{url}/v1/ws").into_client_request().unwrap();
    request.headers_mut().insert("cookie", "sid=hunter2-session".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let hello = socket.next().await.unwrap().unwrap();
    assert!(hello.to_text().unwrap().contains(r#""sub":7"#), "{hello}");
    let deleted = Instant::now();
    served.database.execute("delete from sessions", &[]).await.unwrap();
    let code = loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => break u16::from(frame.code),
            _ => assert!(deleted.elapsed() < Duration::from_secs(31)),
        }
    };
    assert_eq!(code, 4401);
    assert!(deleted.elapsed() < Duration::from_secs(31), "{:?}", deleted.elapsed());
}
