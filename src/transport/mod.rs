//! Framing on sockets, nothing else: what is sent was made by `wire`, who gets it was decided by `shape`.

mod app;
mod asked;
mod files;
mod gate;
mod listener;
mod metrics;
mod problem;
mod query;
mod router;
mod sse;
mod stall;
mod upgrade;
mod websocket;

use std::net::SocketAddr;
use std::time::Duration;

pub use app::App;
pub use listener::serve;
pub use metrics::Metrics;
pub use router::router;

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

/// How long transports wait for their peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a request's headers.
    pub header: Duration,
    /// A WebSocket is pinged this often, and closed when two pings have brought no sign of life.
    pub ping: Duration,
    /// For a feed over HTTP to become live, before it is told to come back later.
    pub live: Duration,
    /// For a peer to take anything at all of an answer over HTTP.
    pub stall: Duration,
    /// For a peer to take what is left and the close frame.
    pub close: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            ping: Duration::from_secs(20),
            live: Duration::from_secs(10),
            stall: Duration::from_secs(10),
            close: Duration::from_secs(3),
        }
    }
}
