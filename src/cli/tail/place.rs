//! Where the daemon is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;

use crate::cli::Usage;

/// A daemon's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `localhost:7700`, with the path that a proxy knows it by.
    base: String,
    tls: bool,
}

impl Place {
    /// `http`, `https`, `ws` or `wss`, or none of them.
    pub fn from_url(text: &str) -> Result<Self, Usage> {
        let wrong = |what: &str| {
            Usage(format!("--url: {what}; write it like http://127.0.0.1:7700, or https://…"))
        };
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|_| wrong("this is not a URL"))?;
        let tls = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => return Err(wrong("this is not HTTP")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?.as_str();
        if authority.contains('@') {
            return Err(wrong("a credential belongs in --token-file or ROWCAST_TOKEN"));
        }
        if uri.query().is_some() {
            return Err(wrong("it can't have parameters"));
        }
        let path = uri.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1/ws").unwrap_or(path);
        Ok(Self { base: format!("{authority}{path}"), tls })
    }

    /// This machine's address where the daemon listens on all of them.
    pub fn from_listen(listen: SocketAddr) -> Self {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Self { base: SocketAddr::new(ip, listen.port()).to_string(), tls: false }
    }

    pub fn websocket(&self) -> String {
        format!("{}://{}/v1/ws", if self.tls { "wss" } else { "ws" }, self.base)
    }

    pub fn has_tls(&self) -> bool {
        self.tls
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_understood_as_people_write_them() {
        for (text, websocket) in [
            ("http://127.0.0.1:7700", "ws://127.0.0.1:7700/v1/ws"),
            ("http://127.0.0.1:7700/", "ws://127.0.0.1:7700/v1/ws"),
            ("localhost:7700", "ws://localhost:7700/v1/ws"),
            ("ws://h:1/v1/ws", "ws://h:1/v1/ws"),
            ("https://shop.example/live/", "wss://shop.example/live/v1/ws"),
            ("http://[::1]:7700", "ws://[::1]:7700/v1/ws"),
        ] {
            assert_eq!(Place::from_url(text).unwrap().websocket(), websocket, "{text}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["", "ftp://h", "http://", "http://u:p@h", "http://h/?a=b", "h h", "/v1/ws"] {
            assert!(Place::from_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_daemon_that_listens_everywhere_is_on_this_machine_too() {
        for (listen, shown) in [
            ("0.0.0.0:7700", "http://127.0.0.1:7700"),
            ("[::]:7700", "http://[::1]:7700"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
        ] {
            assert_eq!(Place::from_listen(listen.parse().unwrap()).to_string(), shown);
        }
    }
}
