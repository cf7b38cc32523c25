//! Shapes: what decides the bytes that a subscriber gets. Those with equal shapes share one evaluation of each
//! change, one encoding and one buffer.
//!
//! One task, the hub, owns the registry of shapes and readers. It never writes to a socket: it puts deliveries
//! into bounded outboxes, and waits for a full one some milliseconds at most: `join` says how its reader goes on.

mod away;
mod begin;
mod command;
mod deliver;
mod diff;
mod doubt;
mod frames;
mod gather;
mod hub;
mod index;
mod join;
mod lenience;
mod observed;
mod outbox;
mod reader;
mod recent;
mod registry;
mod renew;
mod replay;
mod router;
mod shapes;
mod sync;
mod window;

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use crate::cursor::Cursor;
use crate::identity::Claims;
use crate::policy::{Request, View};

pub use command::{Handle, Subscriber};
pub use hub::{Ended, Hub, Outside};
pub use observed::Observed;
pub use outbox::{Inbox, Taken};
pub use recent::RECENT_MAX_BYTES;
pub use replay::Replayer;
pub use router::Router;

/// What a subscription asks for, kept for as long as it lives: the table may be altered, and the claims renewed.
#[derive(Clone, Debug)]
pub struct Asked {
    pub request: Arc<Request>,
    pub claims: Claims,
    /// Whether events carry the row before the change.
    pub with_old: bool,
    /// Where it begins, once.
    pub start: Start,
    /// Whether it begins with the rows where it can't go on after a cursor.
    pub snapshot: bool,
    /// At most one delivery in this time, the changes of a row merged into one; none if zero.
    pub coalesce: Duration,
    /// Given back when the subscription ends.
    pub place: Arc<Place>,
}

/// Where a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the rows, if a snapshot is asked for; else with what comes.
    Anew,
    /// With what came after this.
    After(Arc<Cursor>),
}

/// One of the subscriptions that an identity may have.
pub type Place = tokio::sync::OwnedSemaphorePermit;

/// What makes two subscriptions one shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShapeKey {
    pub view: Arc<View>,
    pub with_old: bool,
    /// Tells subscriptions of one connection apart that are equal but don't begin at the same place.
    pub copy: u32,
}

/// The hub's bounds and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What may wait for one reader, in bytes.
    pub outbox_max_bytes: usize,
    /// A connection without news gets a `commit` this often.
    pub keepalive: Duration,
    /// How much of the log's end is remembered, in bytes.
    pub recent_max_bytes: usize,
    /// The most subscriptions of one connection.
    pub max_subscriptions: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            outbox_max_bytes: 4 << 20,
            keepalive: Duration::from_secs(15),
            recent_max_bytes: RECENT_MAX_BYTES,
            max_subscriptions: 1_000,
        }
    }
}

/// Whether the feed is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The change log's reader has not caught up for the first time, or starts anew.
    Starting,
    Live,
    /// The database can't be reached.
    Lost,
}

/// Why the hub ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its outbox was full and it took nothing.
    TooSlow,
    /// The daemon stops.
    Restarting,
    /// What it read can't be served any more; its last delivery says why.
    Withdrawn,
}

#[cfg(test)]
mod tests;
