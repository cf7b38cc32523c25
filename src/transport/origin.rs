//! Which web pages may ask, as far as browsers tell where a request comes from.
//!
//! A page that made its own name point here (DNS rebinding) is "same-origin" to its browser. So a browser's request
//! counts as the daemon's own only under a name that nobody else can give away: an address, `localhost`, a name
//! without a dot, or one that the configuration lists. Programs aren't led astray by pages: they pass.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_LANGUAGE, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, AsHeaderName, HOST, HeaderMap, HeaderValue, ORIGIN, USER_AGENT, VARY,
};
use http::uri::Authority;
use http::{Method, StatusCode};

use super::app::App;
use super::gate;
use crate::wire::{Code, Refusal};

/// Told by browsers alone: <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// The origins whose pages may ask.
#[derive(Clone, Debug)]
pub struct Origins {
    listed: Vec<String>,
    /// Names of this daemon, in small letters.
    hosts: Vec<String>,
}

/// Where a request comes from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// From no page, or from one of the daemon's own.
    Own,
    Listed(HeaderValue),
}

/// Refuses what comes from elsewhere, and answers preflights.
pub async fn pass(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let shows_token = gate::shows_checked_token(request.headers(), request.uri());
    let source = match app.origins.source(request.headers(), shows_token) {
        Ok(source) => source,
        Err(refusal) => return vary(refusal.into_response()),
    };
    let mut response = match *request.method() {
        Method::OPTIONS => preflight(),
        _ => next.run(request).await,
    };
    if let Source::Listed(origin) = source {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Rowcast-Cursor, Retry-After"),
        );
    }
    vary(response)
}

/// A cache must not answer one origin with what another got.
fn vary(mut response: Response) -> Response {
    response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
    response
}

fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Accept, Cache-Control, Last-Event-ID"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

impl Origins {
    /// `hosts` are names under which browsers reach the daemon; the names in `listed` count too.
    pub fn new(listed: &[String], hosts: &[String]) -> Self {
        let listed: Vec<_> =
            listed.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
        let named = listed.iter().filter_map(|origin| name_of(authority_of(origin)?));
        let hosts = hosts.iter().map(|host| host.to_ascii_lowercase()).chain(named).collect();
        Self { listed, hosts }
    }

    fn source(&self, headers: &HeaderMap, shows_token: bool) -> Result<Source, Refusal> {
        let foreign = |detail| Err(Refusal::new(Code::Forbidden, detail));
        let host = only(headers, HOST);
        if headers.contains_key(ORIGIN) {
            let origin = only(headers, ORIGIN).unwrap_or("");
            if self.listed.iter().any(|listed| listed.eq_ignore_ascii_case(origin)) {
                return Ok(Source::Listed(headers[ORIGIN].clone()));
            }
            if host.is_none() || authority_of(origin) != host {
                return foreign("this origin is not listed in `allowed_origins` of [server]");
            }
        }
        let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
        if !matches!(site, None | Some(b"same-origin" | b"none")) {
            return foreign("a page of another site asks for this");
        }
        if is_browser(headers) && !shows_token && !host.is_some_and(|host| self.is_own(host)) {
            return foreign(
                "a browser may ask only under a name that is listed in `hosts` of [server]",
            );
        }
        Ok(Source::Own)
    }

    /// Whether nobody else could have made this name lead here.
    fn is_own(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else { return false };
        let address = name.trim_start_matches('[').trim_end_matches(']');
        address.parse::<IpAddr>().is_ok()
            || !name.contains('.')
            || name.ends_with(".localhost")
            || self.hosts.contains(&name)
    }
}

/// The header's value, if there is one and no more.
fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    value.filter(|_| values.next().is_none())
}

fn authority_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// The host's name or address, without its port.
fn name_of(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok().filter(|_| !host.contains('@'))?;
    let name = authority.host().to_ascii_lowercase();
    Some(name.strip_suffix('.').unwrap_or(&name).to_owned()).filter(|name| !name.is_empty())
}

/// Whether a browser sent this. A page can't take these headers out of its requests, but for a token of its own.
fn is_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(USER_AGENT).map_or(&[][..], HeaderValue::as_bytes);
    headers.contains_key(ORIGIN)
        || headers.contains_key(SEC_FETCH_SITE)
        || headers.contains_key(ACCEPT_LANGUAGE)
        || agent.starts_with(b"Mozilla/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a request with these headers passes.
    fn passes(headers: &[(&'static str, &str)]) -> bool {
        let listed = ["https://shop.example".to_owned()];
        let origins = Origins::new(&listed, &["Rowcast.Example".to_owned()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        origins.source(&map, false).is_ok()
    }

    #[test]
    fn own_pages_are_told_by_names_that_nobody_else_can_give_away() {
        for (host, own) in [
            ("127.0.0.1:7700", true),
            ("192.168.0.7", true),
            ("[::1]:7700", true),
            ("localhost:7700", true),
            ("demo.localhost", true),
            ("rowcast:7700", true),
            ("ROWCAST.example:8443", true),
            ("rowcast.example.", true),
            ("shop.example", true),
            ("evil.example:7700", false),
            ("127.0.0.1.evil.example", false),
            ("rowcast.example.evil.example", false),
            ("xrowcast.example", false),
            ("evil.example@127.0.0.1", false),
            ("", false),
        ] {
            let origin = format!("http://{host}");
            assert_eq!(passes(&[("host", host), ("origin", &origin)]), own, "{host}");
            assert_eq!(passes(&[("host", host), ("user-agent", "Mozilla/5.0")]), own, "{host}");
            assert_eq!(passes(&[("host", host), ("accept-language", "en")]), own, "{host}");
            assert!(passes(&[("host", host), ("user-agent", "curl/8.5")]), "{host}");
        }
    }

    #[test]
    fn what_comes_from_elsewhere_is_refused() {
        let host = ("host", "127.0.0.1:7700");
        for (headers, pass) in [
            (&[host][..], true),
            (&[host, ("origin", "http://127.0.0.1:7700")], true),
            (&[host, ("origin", "http://127.0.0.1:7701")], false),
            (&[host, ("origin", "https://shop.example")], true),
            (&[host, ("origin", "https://SHOP.example"), ("sec-fetch-site", "cross-site")], true),
            (&[host, ("origin", "http://shop.example")], false),
            (&[host, ("origin", "https://shop.example:8443")], false),
            (&[host, ("origin", "null")], false),
            (&[host, ("origin", "")], false),
            (&[("origin", "http://127.0.0.1:7700")], false),
            (&[host, ("origin", "https://shop.example"), ("origin", "https://e.example")], false),
            (&[host, ("sec-fetch-site", "none")], true),
            (&[host, ("sec-fetch-site", "same-origin")], true),
            (&[host, ("sec-fetch-site", "same-site")], false),
            (&[host, ("sec-fetch-site", "cross-site")], false),
            (&[host, ("host", "evil.example"), ("user-agent", "Mozilla/5.0")], false),
        ] {
            assert_eq!(passes(headers), pass, "{headers:?}");
        }
    }
}
