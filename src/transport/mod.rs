//! Framing on sockets, nothing else: what is sent was made by `wire`, who gets it was decided by `shape`.

mod app;
mod asked;
mod changes;
mod files;
mod gate;
mod guards;
mod listener;
mod metrics;
mod order;
mod origin;
mod pace;
mod poll;
mod problem;
mod query;
mod quota;
mod router;
mod rows;
mod selection;
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
    /// Names under which browsers reach the daemon; an address, `localhost` and names without a dot need not be listed.
    pub hosts: Vec<String>,
    /// What may wait for one connection before it is brought what it misses at its own pace.
    pub outbox_max_bytes: usize,
    /// The most connections at once.
    pub max_connections: usize,
    /// The most live feeds, polls and WebSockets of one identity; of one address, for anonymous.
    pub max_connections_per_identity: usize,
    /// The most subscriptions of one connection.
    pub max_subscriptions: usize,
    pub max_subscriptions_per_identity: usize,
    /// The most messages of one WebSocket; ten seconds' worth may come at once.
    pub max_messages_per_second: usize,
    /// The largest message that a WebSocket's client may send.
    pub max_message_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            allowed_origins: Vec::new(),
            hosts: Vec::new(),
            max_event_bytes: 1 << 20,
            outbox_max_bytes: 8 << 20,
            max_connections: 100_000,
            max_connections_per_identity: 10_000,
            max_subscriptions: 1_000,
            max_subscriptions_per_identity: 100_000,
            max_messages_per_second: 100,
            max_message_bytes: 64 << 10,
        }
    }
}

/// How long transports wait for their peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a request's headers.
    pub header: Duration,
    /// For the first message of a WebSocket whose handshake showed no credential.
    pub auth: Duration,
    /// For a credential in a message to be checked.
    pub check: Duration,
    /// A WebSocket is pinged this often, and closed when two pings have brought no sign of life: no word, and nothing
    /// taken of what waits for it.
    pub ping: Duration,
    /// For a feed over HTTP to become live, before it is told to come back later.
    pub live: Duration,
    /// For what a poll missed to be read from the log, once it is known where it begins.
    pub catch_up: Duration,
    /// For a peer to take anything at all of an answer over HTTP.
    pub stall: Duration,
    /// For a peer to take what is left and the close frame.
    pub close: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            auth: Duration::from_secs(10),
            check: Duration::from_secs(10),
            ping: Duration::from_secs(20),
            live: Duration::from_secs(10),
            catch_up: Duration::from_secs(60),
            stall: Duration::from_secs(10),
            close: Duration::from_secs(3),
        }
    }
}
