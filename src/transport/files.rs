//! The built-in pages and the JavaScript client, embedded in the program.

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, HeaderMap, HeaderName,
    IF_NONE_MATCH,
};
use http::uri::Authority;
use http::{StatusCode, Uri};
use rust_embed::RustEmbed;

use crate::wire::{Code, Refusal};

#[derive(RustEmbed)]
#[folder = "web/"]
#[allow_missing = true]
struct Pages;

/// `/client.js` and the modules that it imports from `/client/`.
#[derive(RustEmbed)]
#[folder = "clients/js/src/"]
struct Client;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The file at this path; `/` is the built-in page.
pub fn file(uri: &Uri, headers: &HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(found) = Pages::get(path).or_else(|| Client::get(path)) else {
        return Refusal::new(Code::NotFound, "there is nothing here").into_response();
    };
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(found.metadata.sha256_hash()));
    let common = [
        (ETAG, etag.clone()),
        (CACHE_CONTROL, "no-cache".to_owned()),
        (CONTENT_SECURITY_POLICY, content_security_policy(headers)),
        (OPENER_POLICY, "same-origin".to_owned()),
        (PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=()".to_owned()),
    ];
    let known = headers.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag)) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(CONTENT_TYPE, content_type(path))], found.data).into_response()
}

/// Older browsers don't count WebSockets under `'self'`, so those to this host are named.
fn content_security_policy(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host =
        host.filter(|host| host.parse::<Authority>().is_ok() && !host.contains(['@', ';', ',']));
    host.map_or_else(|| POLICY.to_owned(), |host| format!("{POLICY} ws://{host} wss://{host}"))
}

fn content_type(path: &str) -> String {
    let guessed = mime_guess::from_path(path).first_or_octet_stream();
    match guessed.type_() {
        mime_guess::mime::TEXT => format!("{guessed}; charset=utf-8"),
        _ => guessed.to_string(),
    }
}
