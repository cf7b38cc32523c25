//! Asking over HTTP, within bounds: no redirects, a limit for time and size.

use std::time::Duration;

use axum::body::Body;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(20);

/// Asks one server. Trusts the system's certificates.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    uri: Uri,
    limits: Limits,
}

/// What an answer may take, from the connection on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub time: Duration,
    pub bytes: usize,
}

/// What was answered.
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    /// What `Cache-Control: max-age` says.
    pub max_age: Option<Duration>,
}

/// No answer within the limits. Says nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("it can't be reached")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the answer breaks off, or is too long")]
    Body(#[source] axum::Error),
}

impl Http {
    pub fn new(uri: Uri, limits: Limits) -> Result<Self, rustls::Error> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(limits.time));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls()?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { client, uri, limits })
    }

    /// `GET`, with these headers besides `Accept`.
    pub async fn get(&self, headers: HeaderMap) -> Result<Answer, NoAnswer> {
        let limit = self.limits.time;
        timeout(limit, self.answer(headers)).await.unwrap_or(Err(NoAnswer::TimedOut(limit)))
    }

    async fn answer(&self, headers: HeaderMap) -> Result<Answer, NoAnswer> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let (head, body) =
            self.client.request(request).await.map_err(NoAnswer::Unreachable)?.into_parts();
        let body = axum::body::to_bytes(Body::new(body), self.limits.bytes);
        let body = body.await.map_err(NoAnswer::Body)?.to_vec();
        Ok(Answer { status: head.status, body, max_age: max_age(&head.headers) })
    }
}

fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = rustls::crypto::aws_lc_rs::default_provider().into();
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// <https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2>
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(str::trim);
    directives.find_map(|directive| {
        let lower = directive.to_ascii_lowercase();
        match lower.split_once('=') {
            Some(("max-age", secs)) => secs.trim_matches('"').parse().ok().map(Duration::from_secs),
            None if lower == "no-cache" || lower == "no-store" => Some(Duration::ZERO),
            _ => None,
        }
    })
}
