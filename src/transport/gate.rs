//! Who gets to the resources at all: origins and credentials.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{Method, StatusCode, Uri};

use super::app::App;
use super::query::form_pairs;
use crate::identity::Shown;
use crate::wire::{Code, Refusal};

/// Where a request comes from, as browsers tell.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// None given, or the daemon's own.
    Own,
    Listed(HeaderValue),
}

/// Refuses foreign origins and bad credentials, and answers preflights.
pub async fn pass(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let origin = match origin_of(request.headers(), &app.allowed_origins) {
        Ok(origin) => origin,
        Err(refusal) => return refusal.into_response(),
    };
    let mut response = if request.method() == Method::OPTIONS {
        preflight()
    } else {
        let shown = shown_by(request.headers(), request.uri());
        match app.authority.identify(shown).await {
            Ok(identity) => {
                request.extensions_mut().insert(identity);
                next.run(request).await
            }
            Err(refused) => Refusal::from(refused).into_response(),
        }
    };
    if let Origin::Listed(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Rowcast-Cursor, Retry-After"),
        );
    }
    response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
    response
}

fn origin_of(headers: &HeaderMap, allowed: &[String]) -> Result<Origin, Refusal> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(Origin::Own) };
    let text = origin.to_str().unwrap_or("");
    let authority = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if authority.is_some() && authority == host {
        return Ok(Origin::Own);
    }
    if allowed.iter().any(|listed| listed.trim_end_matches('/').eq_ignore_ascii_case(text)) {
        return Ok(Origin::Listed(origin.clone()));
    }
    Err(Refusal::new(Code::Forbidden, "this origin is not listed in allowed_origins"))
}

/// What the request shows of who is asking.
fn shown_by(headers: &HeaderMap, uri: &Uri) -> Shown {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (mut token, mut authorization) = (None, text(AUTHORIZATION));
    if let Some((scheme, rest)) = authorization.as_deref().and_then(|text| text.split_once(' '))
        && scheme.eq_ignore_ascii_case("bearer")
    {
        token = Some(rest.trim().to_owned());
        authorization = None;
    }
    let in_query = |query| form_pairs(query).find(|(name, _)| name == "access_token");
    if let Some((_, in_query)) = uri.query().and_then(in_query) {
        token = token.or(Some(in_query));
    }
    Shown { token, cookies: text(COOKIE), authorization }
}

fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Accept, Cache-Control, Last-Event-ID"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
