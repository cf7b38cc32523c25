//! The only place that knows how frames look: events, answers and refusals → bytes, and clients' words → values.
//!
//! A `Delivery` can be made here alone, and of a row's contents only what `policy` made visible can be put into
//! one. Nothing here waits, writes to a socket, or decides who gets what.

mod batch;
mod client;
mod event;
mod event_stream;
mod fields;
mod listing;
mod params;
pub mod poll;
mod refusal;
mod reset;
mod wanted;
mod websocket;

use bytes::Bytes;

use crate::policy::View;

pub use batch::{Batch, Commit, Formats, Framed, Sealed};
pub use client::{ClientMessage, Misread, Subscribe, Token, read_message};
pub use event_stream::{event_stream_end, event_stream_opening};
pub use listing::tables;
pub use params::{read_param, read_params};
pub use refusal::{Code, Refusal};
pub use reset::ResetCause;
pub use wanted::wanted;
pub use websocket::{SUBPROTOCOL, close, error, hello, ping, pong, unsubscribed};

/// The server's number for a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feed(pub u64);

/// How a connection frames what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    WebSocket,
    EventStream,
    /// Pieces of which one answer is put together.
    Poll,
}

/// Whole frames, ready for a socket; shared by all that are sent the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery(Bytes);

impl Delivery {
    pub fn len_bytes(&self) -> usize {
        self.0.len()
    }

    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    fn from_static(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl From<Vec<u8>> for Delivery {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// Tells a reader that everything committed after `commit` will come.
pub fn subscribed(format: Format, id: &str, feed: Feed, view: &View, commit: &Commit) -> Delivery {
    match format {
        Format::WebSocket => websocket::subscribed(id, feed, view, commit.cursor()),
        Format::EventStream | Format::Poll => commit.alone(format),
    }
}

/// Tells one reader that a feed of its starts anew.
pub fn reset(format: Format, feed: Feed, cause: ResetCause) -> Delivery {
    match format {
        Format::WebSocket => websocket::reset(feed, cause),
        Format::EventStream => event_stream::reset(cause),
        Format::Poll => poll::reset(cause),
    }
    .into()
}

/// Writes a JSON string.
fn write_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string can always be written to memory");
}

#[cfg(test)]
mod tests;
