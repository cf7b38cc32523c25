//! The only place that knows how frames look: events, answers and refusals → bytes, and clients' words → values.
//!
//! A `Delivery` can be made here alone, and of a row's contents only what `policy` made visible can be put into
//! one. Nothing here waits, writes to a socket, or decides who gets what.

mod batch;
mod begin;
mod client;
mod event;
mod event_stream;
mod fields;
mod listing;
mod params;
pub mod poll;
mod refusal;
mod reset;
mod row;
mod wanted;
mod websocket;

use bytes::Bytes;

use crate::policy::View;

pub use batch::{Batch, Commit, Formats, Framed, Sealed};
pub use begin::{MAX_COALESCE_MS, read_coalesce, read_cursor};
pub use client::{ClientMessage, Misread, Subscribe, Token, read_message};
pub use event_stream::{event_stream_end, event_stream_opening};
pub use listing::tables;
pub use params::{read_param, read_params};
pub use refusal::{Code, Refusal};
pub use reset::ResetCause;
pub use row::{RowWriter, rows_as_lines};
pub use wanted::wanted;
pub use websocket::{SUBPROTOCOL, close, error, hello, ping, pong, unsubscribed};

/// The server's number for a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feed(pub u64);

/// How a connection frames what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// What was a delivery before it was put aside.
    pub(crate) fn kept(bytes: Bytes) -> Self {
        Self(bytes)
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

/// Where a feed begins, for one who subscribed.
#[derive(Clone, Copy, Debug)]
pub enum Begin<'a> {
    /// At the place where the hub is.
    Now(&'a Commit),
    /// After this cursor, or behind rows that follow: what is missing comes first.
    At(&'a str),
}

/// Tells a reader that everything committed after this will come. A stream that doesn't begin now tells it by what it
/// sends next: then this has no bytes, and says to its transport that it has begun.
pub fn subscribed(format: Format, id: &str, feed: Feed, view: &View, begin: Begin<'_>) -> Delivery {
    match (format, begin) {
        (Format::WebSocket, Begin::Now(commit)) => {
            websocket::subscribed(id, feed, view, commit.cursor())
        }
        (Format::WebSocket, Begin::At(cursor)) => websocket::subscribed(id, feed, view, cursor),
        (Format::EventStream | Format::Poll, Begin::Now(commit)) => commit.alone(format),
        (Format::EventStream, Begin::At(_)) => Delivery::from_static(b""),
        (Format::Poll, Begin::At(_)) => poll::begun().into(),
    }
}

/// Rows of a snapshot: in `chunk` they are joined by `",\n"`, and have no other line breaks. Polls have none.
pub fn rows(format: Format, feed: Feed, chunk: &Bytes) -> Delivery {
    match format {
        Format::WebSocket => websocket::rows(feed, chunk).into(),
        Format::EventStream => event_stream::rows(chunk).into(),
        Format::Poll => Delivery::from_static(b""),
    }
}

/// Tells a reader that its snapshot is complete, and where what follows goes on. Polls have none.
pub fn synced(format: Format, feed: Feed, view: &View, cursor: &str) -> Delivery {
    match format {
        Format::WebSocket => websocket::synced(feed, cursor).into(),
        Format::EventStream => event_stream::synced(view, cursor).into(),
        Format::Poll => Delivery::from_static(b""),
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
