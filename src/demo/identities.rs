//! Those as whom the demo's visitors may look around, and their tokens. Only `rowcast demo` gives tokens away:
//! its secret is made anew at each start, and its shop ends with it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use serde_json::{Map, Value, json};

use crate::identity::{SignError, jwt, sign};

/// How long a token lasts.
const TOKEN_SECS: u64 = 60 * 60;

/// Takes the place of the page's file that says that there are no identities.
const PAGE_SCRIPT: &str = "export const isDemo = true;\n";

struct Visitor {
    name: &'static str,
    role: &'static str,
    sub: &'static str,
    /// The desks whose messages this one reads.
    desks: &'static [&'static str],
}

/// The two customers are the first rows of the shop's table.
const VISITORS: [Visitor; 3] = [
    Visitor { name: "Ada Lovelace", role: "customer", sub: "1", desks: &[] },
    Visitor { name: "Grace Hopper", role: "customer", sub: "2", desks: &[] },
    Visitor {
        name: "Mary Seacole",
        role: "admin",
        sub: "0",
        desks: &["advice", "delivery", "returns"],
    },
];

/// A secret that nobody knows but this process.
pub fn new_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// `GET /demo/identities`, and the page's knowledge of it.
pub fn routes(tokens: jwt::Settings) -> Router {
    Router::new()
        .route("/demo/identities", get(identities))
        .route("/demo.js", get(page_script))
        .with_state(Arc::new(tokens))
}

async fn identities(State(tokens): State<Arc<jwt::Settings>>) -> Response {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match list(&tokens, now) {
        Ok(list) => (unkept(), Json(list)).into_response(),
        Err(error) => {
            tracing::error!(%error, "can't make the demo's tokens");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn page_script() -> Response {
    (unkept(), [(CONTENT_TYPE, "text/javascript; charset=utf-8")], PAGE_SCRIPT).into_response()
}

fn unkept() -> [(http::HeaderName, &'static str); 2] {
    [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")]
}

fn list(tokens: &jwt::Settings, now: u64) -> Result<Vec<Value>, SignError> {
    let described = |visitor: &Visitor| {
        let claims = visitor.claims(now);
        let token = sign(tokens, &claims)?;
        let Visitor { name, role, .. } = visitor;
        Ok(json!({ "name": name, "role": role, "token": token, "claims": claims }))
    };
    VISITORS.iter().map(described).collect()
}

impl Visitor {
    fn claims(&self, now: u64) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), self.sub.into());
        claims.insert("name".to_owned(), self.name.into());
        claims.insert("role".to_owned(), self.role.into());
        if !self.desks.is_empty() {
            claims.insert("desks".to_owned(), self.desks.into());
        }
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), (now + TOKEN_SECS).into());
        claims
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Secret;

    #[test]
    fn secrets_and_tokens_differ_from_start_to_start() {
        let [one, another] = [new_secret(), new_secret()];
        assert!(one != another && one.len() == 43, "32 bytes");
        let token = |secret: String| {
            list(&jwt::Settings::with_secret(Secret::new(secret)), 1).unwrap()[0]["token"].clone()
        };
        assert_ne!(token(one), token(another));
    }

    #[test]
    fn a_token_lasts_an_hour() {
        for visitor in VISITORS {
            let claims = visitor.claims(1000);
            assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1000), &json!(4600)));
        }
    }
}
