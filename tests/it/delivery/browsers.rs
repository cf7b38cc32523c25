//! What web pages may do, and what they are told.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::fixture::{Client, Server, get, guarded, token};

const STREAM: (&str, &str) = ("accept", "text/event-stream");
const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");

#[tokio::test]
async fn a_page_that_rebinds_its_name_is_refused_everywhere() {
    let server = Server::start().await;
    let port = server.address.port();
    let rebound = format!("evil.example:{port}");
    let origin = format!("http://{rebound}");
    let handshake =
        [KEY, ("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-version", "13")];
    for path in ["/v1/tables", "/v1/tables/orders/changes", "/v1/ws", "/metrics", "/readyz"] {
        for from_page in
            [("origin", origin.as_str()), ("user-agent", "Mozilla/5.0"), ("accept-language", "en")]
        {
            let mut headers = vec![STREAM, ("host", rebound.as_str()), from_page];
            headers.extend((path == "/v1/ws").then_some(handshake).into_iter().flatten());
            let (status, problem, _) = get(&server, path, &headers).await;
            assert_eq!(
                (status, &problem["code"]),
                (403, &json!("forbidden")),
                "{path} {from_page:?}"
            );
        }
        let page = [STREAM, ("host", &rebound), ("origin", &origin), ("authorization", "Bearer x")];
        let in_query = format!("{path}?access_token=x");
        for (path, headers) in [(path, &page[..]), (&in_query, &page[..3])] {
            let refused = if path.starts_with("/v1/") { 401 } else { 403 };
            let (status, ..) = get(&server, path, headers).await;
            assert_eq!(status, refused, "{path}: a token that nobody knows opens nothing");
        }
        let program = [STREAM, ("host", rebound.as_str())];
        assert_ne!(get(&server, path, &program).await.0, 403, "{path}: programs pass");
    }
}

#[tokio::test]
async fn a_listed_host_is_the_daemons_own() {
    let mut named = super::fixture::settings();
    named.transport.hosts = vec!["rowcast.example".to_owned()];
    let server = Server::start_with(named).await;
    let headers = [("host", "rowcast.example"), ("origin", "https://rowcast.example")];
    assert_eq!(get(&server, "/v1/tables", &headers).await.0, 200);
    let other = [("host", "rowcast.example"), ("origin", "https://other.example")];
    assert_eq!(get(&server, "/v1/tables", &other).await.0, 403);
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_even_where_they_could_not_read_the_answer() {
    let server = Server::start().await;
    for (site, status) in
        [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
    {
        let headers = [("sec-fetch-site", site)];
        assert_eq!(get(&server, "/v1/tables", &headers).await.0, status, "{site}");
    }
    let navigation = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    assert_eq!(get(&server, "/", &navigation).await.0, 200, "links to the page work");
}

#[tokio::test]
async fn listed_origins_may_ask_with_credentials_and_read_every_answer() {
    let server = Server::start().await;
    let origin = ("origin", "https://shop.example");
    for (path, headers) in [
        ("/v1/tables", &[origin][..]),
        ("/v1/tables/orders/changes", &[origin, STREAM]),
        ("/v1/tables/nope/changes", &[origin, STREAM]),
        ("/v1/tables?access_token=x", &[origin]),
    ] {
        let (_, _, answer) = get(&server, path, headers).await;
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], "https://shop.example", "{path}");
        assert_eq!(headers["access-control-allow-credentials"], "true", "{path}");
        assert!(headers.get_all("vary").iter().any(|by| by == "Origin"), "{path}");
        let exposed = headers["access-control-expose-headers"].to_str().unwrap();
        assert!(exposed.contains("Rowcast-Cursor"), "{exposed}");
    }
    let preflight = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, server.url("/v1/tables/orders/changes"))
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization, last-event-id");
    let answer = preflight.send().await.unwrap();
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
    assert_eq!(answer.status(), 204);
    assert!(allowed.contains("Authorization") && allowed.contains("Last-Event-ID"), "{allowed}");
    let foreign = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, server.url("/v1/tables"))
        .header("origin", "https://other.example");
    let answer = foreign.send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn answers_keep_browsers_from_doing_more_with_them() {
    let server = Server::start().await;
    for (path, cached) in [
        ("/v1/tables", false),
        ("/v1/tables/orders/changes", false),
        ("/v1/tables/nope/changes", false),
        ("/v1/tables?access_token=x", false),
        ("/healthz", false),
        ("/metrics", false),
        ("/nope", false),
        ("/", true),
        ("/app.js", true),
    ] {
        let (_, _, answer) = get(&server, path, &[STREAM]).await;
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert_eq!(
            headers["cache-control"],
            if cached { "no-cache" } else { "no-store" },
            "{path}"
        );
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
    let (_, _, page) = get(&server, "/", &[("host", "rowcast:7700")]).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.ends_with("connect-src 'self' ws://rowcast:7700 wss://rowcast:7700"),
        "{policy}"
    );
    assert_eq!(page.headers()["cross-origin-opener-policy"], "same-origin");
    assert!(page.headers().contains_key("permissions-policy"));
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn tokens_and_rows_are_never_logged() {
    let log = Log::default();
    let writer = log.clone();
    let everything = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(everything);
    tracing::info!("the log is heard");
    let mut server = Server::start_with(guarded(true)).await;
    server.commit().await;
    let good = token(&json!({"sub": "ann"}));
    for token in [good.as_str(), "bad-token-of-mallory"] {
        for path in ["/v1/tables", "/v1/tables/orders/changes", "/v1/ws", "/nope"] {
            get(&server, &format!("{path}?access_token={token}"), &[STREAM]).await;
            get(&server, path, &[("authorization", &format!("Bearer {token}"))]).await;
        }
        let mut client = Client::connect(server.address).await;
        client.next().await;
        client.send(&json!({"op": "auth", "token": token})).await;
        client.next().await;
        client.send_text(&format!(r#"{{"op":"auth","token":"{token}","#)).await;
        client.closed().await;
    }
    let mut client = server.websocket().await;
    client.subscribe("a", "orders").await;
    let row = r#"{"id":1,"status":"row-of-somebody","secret":"s"}"#;
    let change = server.change(super::fixture::ORDERS, rowcast::event::Op::Insert, None, Some(row));
    server.batch(vec![change]).await;
    client.batch().await;
    drop(_guard);
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the log is heard"));
    for secret in [good.as_str(), "mallory", "row-of-somebody"] {
        assert!(!logged.contains(secret), "{secret} in\n{logged}");
    }
}
