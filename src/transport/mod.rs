//! Framing on sockets, nothing else.

use std::net::SocketAddr;

/// `[server]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub listen: SocketAddr,
    /// Origins, besides the daemon's own, whose pages may connect.
    pub allowed_origins: Vec<String>,
    /// A row whose JSON is larger comes as `oversize`, without data.
    pub max_event_bytes: usize,
    /// What may wait for one connection before it is closed as too slow.
    pub outbox_max_bytes: usize,
    /// The most connections at once.
    pub max_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            allowed_origins: Vec::new(),
            max_event_bytes: 1 << 20,
            outbox_max_bytes: 8 << 20,
            max_connections: 100_000,
        }
    }
}
