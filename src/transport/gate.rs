//! Who is asking: each request's credential is checked before anything else is looked at.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Uri;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName};

use super::app::App;
use super::query::form_pairs;
use super::quota::Share;
use crate::identity::{Identity, Refused, Shown};
use crate::wire::Refusal;

/// The address at the other end of the socket.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Who opens a WebSocket. Who shows nothing, where that isn't enough, may do so in the first message.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub identity: Option<Identity>,
    pub share: Arc<Share>,
}

/// Lets those in who have an identity.
pub async fn pass(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let shown = shown_by(request.headers(), request.uri());
    match app.authority.identify(shown).await {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        Err(refused) => Refusal::from(refused).into_response(),
    }
}

/// The same for WebSockets, which may also show their credential later.
pub async fn pass_visitor(
    State(app): State<Arc<App>>,
    Extension(Peer(peer)): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = shown_by(request.headers(), request.uri());
    let identity = match app.authority.identify(shown).await {
        Ok(identity) => Some(identity),
        Err(Refused::Missing) => None,
        Err(refused) => return Refusal::from(refused).into_response(),
    };
    match app.quotas.share(identity.as_ref(), peer) {
        Ok(share) => {
            let share = Arc::new(share);
            request.extensions_mut().insert(Visitor { identity, share });
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Under this path everything is asked for by somebody whom `pass` or `pass_visitor` has let in.
pub const GUARDED: &str = "/v1";

/// Whether the request shows a token which will be checked: a page that was led here under a false name knows none
/// that is good, but anything may be shown where nobody looks.
pub fn shows_checked_token(headers: &HeaderMap, uri: &Uri) -> bool {
    let below = uri.path().strip_prefix(GUARDED);
    below.is_some_and(|below| below.starts_with('/'))
        && (headers.contains_key(AUTHORIZATION) || token_in_query(uri).is_some())
}

/// What the request shows of who is asking.
fn shown_by(headers: &HeaderMap, uri: &Uri) -> Shown {
    let (mut token, mut authorization) = (None, joined(headers, &AUTHORIZATION, ", "));
    if let Some((scheme, rest)) = authorization.as_deref().and_then(|text| text.split_once(' '))
        && scheme.eq_ignore_ascii_case("bearer")
    {
        token = Some(rest.trim().to_owned());
        authorization = None;
    }
    token = token.or_else(|| token_in_query(uri));
    Shown { token, cookies: joined(headers, &COOKIE, "; "), authorization }
}

/// All that was given under this name. What can't be read is not passed over: it is no valid credential.
fn joined(headers: &HeaderMap, name: &HeaderName, separator: &str) -> Option<String> {
    let values = headers.get_all(name).iter();
    let texts: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!texts.is_empty()).then(|| texts.join(separator))
}

fn token_in_query(uri: &Uri) -> Option<String> {
    let mut pairs = form_pairs(uri.query()?);
    pairs.find(|(name, _)| name == "access_token").map(|(_, token)| token)
}
