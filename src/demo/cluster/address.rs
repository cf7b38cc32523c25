//! Where a cluster is reached: its port, its password, its URLs.

use std::net::TcpListener;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::Rng as _;

/// Ports below those that systems hand out for outgoing connections, so that a restart finds its
/// port free.
const PORTS: std::ops::Range<u16> = 15_000..30_000;
/// What can't stand in a URL as it is.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The port, which also names the socket, and the superuser's password over TCP.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) port: u16,
    pub(super) password: String,
}

impl Address {
    pub(super) fn new() -> Self {
        Self { port: 5432, password: random_password() }
    }

    pub(super) fn take_free_port(&mut self) {
        self.port = free_port();
    }

    pub(super) fn tcp_url(&self, database: &str) -> String {
        let (password, port) = (&self.password, self.port);
        format!("postgresql://postgres:{password}@127.0.0.1:{port}/{}", encode(database))
    }

    pub(super) fn socket_url(&self, directory: &Path, database: &str) -> String {
        let directory = encode_path(&directory.display().to_string());
        format!("postgresql://postgres@/{}?host={directory}&port={}", encode(database), self.port)
    }
}

fn random_password() -> String {
    let mut random = rand::rng();
    (0..24).map(|_| char::from(random.sample(rand::distr::Alphanumeric))).collect()
}

fn free_port() -> u16 {
    let candidates = std::iter::repeat_with(|| rand::rng().random_range(PORTS)).take(1000);
    let mut free = candidates.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().unwrap_or(PORTS.start)
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_but_paths_stay_readable() {
        let address = Address { port: 5432, password: "x".to_owned() };
        let url = address.socket_url(Path::new("/tmp/a b"), "é/1");
        assert_eq!(url, "postgresql://postgres@/%C3%A9%2F1?host=/tmp/a%20b&port=5432");
    }
}
