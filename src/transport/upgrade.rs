//! The opening handshake of a WebSocket (RFC 6455, section 4.2).

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Extension;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::gate::Visitor;
use crate::wire::{Code, Refusal, SUBPROTOCOL};

/// Whose WebSocket goes on over this connection, once its HTTP is done.
#[derive(Clone, Debug, Default)]
pub struct Upgraded(Arc<Mutex<Option<Visitor>>>);

impl Upgraded {
    pub fn take_visitor(&self) -> Option<Visitor> {
        self.visitor().take()
    }

    fn visitor(&self) -> MutexGuard<'_, Option<Visitor>> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }
}

/// `GET /v1/ws`.
pub async fn websocket(
    Extension(upgraded): Extension<Upgraded>,
    Extension(visitor): Extension<Visitor>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if method != Method::GET {
        return Err(Refusal::new(Code::MethodNotAllowed, "a WebSocket is opened by GET"));
    }
    if !has_token(&headers, &UPGRADE, "websocket") || !has_token(&headers, &CONNECTION, "upgrade") {
        return Err(Refusal::invalid("this is a WebSocket: ask for an upgrade"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let refusal = Refusal::invalid("\"Sec-WebSocket-Version\" must be 13");
        return Ok(([(SEC_WEBSOCKET_VERSION, "13")], refusal).into_response());
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map_or(&[][..], HeaderValue::as_bytes);
    if STANDARD.decode(key).map_or(0, |nonce| nonce.len()) != 16 {
        return Err(Refusal::invalid("\"Sec-WebSocket-Key\" must be 16 bytes in base64"));
    }
    *upgraded.visitor() = Some(visitor);
    let switching = [
        (CONNECTION, "upgrade".to_owned()),
        (UPGRADE, "websocket".to_owned()),
        (SEC_WEBSOCKET_ACCEPT, derive_accept_key(key)),
    ];
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, switching).into_response();
    if has_token(&headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        let spoken = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, spoken);
    }
    Ok(response)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut tokens = values.flat_map(|value| value.split(','));
    tokens.any(|found| found.trim().eq_ignore_ascii_case(token))
}
