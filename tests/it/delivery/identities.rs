//! Who is asking, over every transport, and what happens when that changes or ends.

use std::time::Duration;

use rowcast::event::Op;
use serde_json::json;

use super::fixture::{Client, MINE, Server, Stream, get, guarded, in_secs, in_time, token};

const STREAM: (&str, &str) = ("accept", "text/event-stream");

async fn guarded_server() -> Server {
    let mut server = Server::start_with(guarded(false)).await;
    server.commit().await;
    server
}

/// A client that has shown this token in its first message, and heard `hello`.
async fn authenticated(server: &Server, token: &str) -> Client {
    let mut client = Client::connect(server.address).await;
    client.send(&json!({"op": "auth", "token": token})).await;
    assert_eq!(client.next().await["op"], "hello");
    client
}

#[tokio::test]
async fn a_token_is_taken_wherever_it_may_be_shown() {
    let server = guarded_server().await;
    let token = token(&json!({"sub": "ann"}));
    let bearer = format!("Bearer {token}");
    let in_url = |path: &str| format!("{path}?access_token={token}");
    for path in ["/v1/tables", "/v1/tables/mine/changes"] {
        assert_eq!(get(&server, path, &[STREAM, ("authorization", &bearer)]).await.0, 200);
        assert_eq!(get(&server, &in_url(path), &[STREAM]).await.0, 200);
    }
    let mut client = Client::connect_to(server.address, &in_url("/v1/ws")).await;
    assert_eq!(client.next().await["identity"], json!({"sub": "ann"}));
    let mut client = Client::connect(server.address).await;
    client.send(&json!({"op": "auth", "token": token})).await;
    client.send(&json!({"op": "subscribe", "id": "a", "table": "mine"})).await;
    let hello = client.next().await;
    assert_eq!((&hello["op"], &hello["identity"]), (&json!("hello"), &json!({"sub": "ann"})));
    assert_eq!(client.next().await["op"], "subscribed");
}

#[tokio::test]
async fn each_sees_their_own_rows() {
    let mut server = guarded_server().await;
    let (ann, bob) = (token(&json!({"sub": "ann"})), token(&json!({"sub": "bob"})));
    let mut websocket = authenticated(&server, &ann).await;
    websocket.subscribe("a", "mine").await;
    let request = reqwest::Client::new().get(server.url("/v1/tables/mine/changes"));
    let mut stream = Stream::open(request.bearer_auth(bob)).await;
    stream.next().await.unwrap();
    let changes = vec![
        server.change(MINE, Op::Insert, None, Some(r#"{"id":1,"owner":"ann"}"#)),
        server.change(MINE, Op::Insert, None, Some(r#"{"id":2,"owner":"bob"}"#)),
    ];
    server.batch(changes).await;
    let (events, _) = websocket.batch().await;
    assert_eq!((events.len(), &events[0].1["data"]["id"]), (1, &json!(1)));
    let block = stream.next().await.unwrap();
    assert_eq!((&block.data["data"]["id"], block.id), (&json!(2), Some(server.cursor())));
}

#[tokio::test]
async fn a_websocket_without_a_credential_waits_for_one_and_no_longer_than_it_must() {
    let mut quick = guarded(false);
    quick.timing.auth = Duration::from_millis(50);
    quick.shape.keepalive = Duration::from_millis(30);
    let mut server = Server::start_with(quick).await;
    server.commit().await;
    let mut client = Client::connect(server.address).await;
    let frame = client.next_message().await;
    assert!(frame.is_close(), "nothing comes before the end: {frame:?}");
    assert_eq!(Client::connect(server.address).await.close_code().await, 4408);
}

#[tokio::test]
async fn the_first_message_must_be_a_credential_and_a_good_one() {
    let server = guarded_server().await;
    let expired = token(&json!({"sub": "ann", "exp": in_secs(0) - 10}));
    for (message, code, close) in [
        (json!({"op": "auth", "token": "x"}), "unauthenticated", 4401),
        (json!({"op": "auth", "token": expired}), "unauthenticated", 4401),
        (json!({"op": "auth"}), "invalid_request", 1008),
        (json!({"op": "subscribe", "id": "a", "table": "mine"}), "unauthenticated", 4401),
        (json!({"op": "ping", "nonce": "a"}), "unauthenticated", 4401),
        (json!({"op": "dance"}), "invalid_request", 1008),
    ] {
        let mut client = Client::connect(server.address).await;
        client.send(&message).await;
        assert_eq!(client.next().await["code"], code, "{message}");
        assert_eq!(client.close_code().await, close, "{message}");
    }
    let mut client = Client::connect(server.address).await;
    client.send_text(&"x".repeat(17 << 10)).await;
    assert_eq!(client.close_code().await, 1009);
}

#[tokio::test]
async fn a_bad_credential_is_not_anonymous() {
    let mut server = Server::start_with(guarded(true)).await;
    server.commit().await;
    assert_eq!(get(&server, "/v1/tables", &[]).await.0, 200);
    for headers in [&[("authorization", "Bearer x")][..], &[("authorization", "Basic x")]] {
        assert_eq!(get(&server, "/v1/tables", headers).await.0, 401, "{headers:?}");
    }
    for path in ["/v1/tables?access_token=", "/v1/tables?access_token=x", "/v1/ws?access_token=x"] {
        let (status, problem, answer) = get(&server, path, &[]).await;
        assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")), "{path}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
    let mut client = server.websocket().await;
    client.send(&json!({"op": "auth", "token": "x"})).await;
    assert_eq!(client.next().await["code"], "unauthenticated");
    assert_eq!(client.close_code().await, 4401);
}

#[tokio::test]
async fn connections_end_with_their_token() {
    let server = guarded_server().await;
    let short = token(&json!({"sub": "ann", "exp": in_secs(2)}));
    let mut client = authenticated(&server, &short).await;
    client.subscribe("a", "mine").await;
    let request = reqwest::Client::new().get(server.url("/v1/tables/mine/changes"));
    let mut stream = Stream::open(request.bearer_auth(&short)).await;
    stream.next().await.unwrap();
    assert_eq!(client.close_code().await, 4401);
    let end = stream.next().await.unwrap();
    assert_eq!((end.event.as_str(), &end.data["code"]), ("error", &json!("unauthenticated")));
    assert_eq!(stream.next().await, None);
    let bearer = format!("Bearer {short}");
    assert_eq!(get(&server, "/v1/tables", &[("authorization", &bearer)]).await.0, 401);
}

#[tokio::test]
async fn a_renewed_token_prolongs_the_connection_and_changes_nothing_else() {
    let mut server = guarded_server().await;
    let short = token(&json!({"sub": "ann", "exp": in_secs(2)}));
    let mut client = authenticated(&server, &short).await;
    client.subscribe("a", "mine").await;
    client.send(&json!({"op": "auth", "token": token(&json!({"sub": "ann", "n": 2}))})).await;
    let hello = client.next().await;
    assert_eq!((&hello["op"], &hello["identity"]["n"]), (&json!("hello"), &json!(2)));
    let bearer = format!("Bearer {short}");
    let over =
        async { while get(&server, "/v1/tables", &[("authorization", &bearer)]).await.0 == 200 {} };
    in_time("the first token expires", over).await;
    let change = server.change(MINE, Op::Insert, None, Some(r#"{"id":1,"owner":"ann"}"#));
    server.batch(vec![change]).await;
    assert_eq!(client.batch().await.0.len(), 1);
}

#[tokio::test]
async fn another_identity_starts_subscriptions_anew() {
    let mut server = guarded_server().await;
    let mut client = authenticated(&server, &token(&json!({"sub": "ann"}))).await;
    client.subscribe("a", "mine").await;
    client.send(&json!({"op": "auth", "token": token(&json!({"sub": "bob"}))})).await;
    assert_eq!(client.next().await["identity"], json!({"sub": "bob"}));
    assert_eq!(client.next().await["op"], "reset");
    assert_eq!(client.next().await["op"], "subscribed");
    let changes = vec![
        server.change(MINE, Op::Insert, None, Some(r#"{"id":1,"owner":"ann"}"#)),
        server.change(MINE, Op::Insert, None, Some(r#"{"id":2,"owner":"bob"}"#)),
    ];
    server.batch(changes).await;
    let (events, _) = client.batch().await;
    assert_eq!((events.len(), &events[0].1["data"]["owner"]), (1, &json!("bob")));
}

#[tokio::test]
async fn a_forbidden_table_looks_like_one_that_does_not_exist() {
    let mut server = Server::start_with(guarded(true)).await;
    server.commit().await;
    let hidden = get(&server, "/v1/tables/vault/changes", &[STREAM]).await;
    let absent = get(&server, "/v1/tables/fault/changes", &[STREAM]).await;
    assert_eq!(hidden.0, 404);
    let same_but_for_the_name = hidden.1.to_string().replace("vault", "fault");
    assert_eq!((hidden.0, same_but_for_the_name), (absent.0, absent.1.to_string()));
    let headers = |answer: &reqwest::Response| {
        let mut headers = answer.headers().clone();
        headers.remove("date");
        headers
    };
    assert_eq!(headers(&hidden.2), headers(&absent.2));
    let mut client = server.websocket().await;
    let mut answers = Vec::new();
    for table in ["vault", "fault"] {
        client.send(&json!({"op": "subscribe", "id": "a", "table": table})).await;
        answers.push(client.next().await.to_string().replace("vault", "fault"));
    }
    assert_eq!(answers[0], answers[1]);
    let admin = format!("Bearer {}", token(&json!({"role": "admin"})));
    let allowed = [STREAM, ("authorization", admin.as_str())];
    assert_eq!(get(&server, "/v1/tables/vault/changes", &allowed).await.0, 200);
}
