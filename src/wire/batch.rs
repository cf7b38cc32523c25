//! The events of one shape, gathered until they are framed: once for all of the shape's readers.
//!
//! The buffer is laid out as a WebSocket frame from the start; other formats are composed from its events. The
//! newest change is held back until the batch is complete: so what ends a batch always has an event of each feed
//! that had one, to carry the `commit` (WebSocket) or the `id` (SSE), and no frame has a part of a change.

use std::sync::Arc;

use bytes::Bytes;

use super::event::{Encoder, Mark};
use super::reset::ResetCause;
use super::{Delivery, Feed, Format, event_stream, poll, websocket};
use crate::cursor::Cursor;
use crate::event::Seq;
use crate::policy::{View, Visible};

/// A cursor, printed, and the frames that tell it to those who have no news.
#[derive(Clone, Debug)]
pub struct Commit {
    place: Arc<Cursor>,
    text: Arc<str>,
    websocket: Delivery,
}

impl Commit {
    pub fn new(place: Arc<Cursor>) -> Self {
        let text: Arc<str> = place.to_string().into();
        let websocket = websocket::commit(&text).into();
        Self { place, text, websocket }
    }

    /// The same, told to those to whom this is served: see `Cursor::sight`.
    pub fn told(place: Arc<Cursor>, sight: u32) -> Self {
        let text: Arc<str> = place.told(sight).to_string().into();
        let websocket = websocket::commit(&text).into();
        Self { place, text, websocket }
    }

    /// The cursor itself.
    pub fn place(&self) -> &Arc<Cursor> {
        &self.place
    }

    pub fn cursor(&self) -> &str {
        &self.text
    }

    /// The frame for a connection without news.
    pub fn alone(&self, format: Format) -> Delivery {
        match format {
            Format::WebSocket => self.websocket.clone(),
            Format::EventStream => event_stream::cursor(&self.text).into(),
            Format::Poll => poll::commit(&self.text).into(),
        }
    }
}

/// Which formats a shape's readers want.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formats {
    pub websocket: bool,
    pub event_stream: bool,
    pub poll: bool,
}

/// Frames of one shape, with the batch's end behind them if it has come.
#[derive(Clone, Debug)]
pub struct Framed {
    bytes: Bytes,
    events_end: usize,
}

impl Framed {
    /// For the last of a connection's feeds.
    pub fn with_commit(&self) -> Delivery {
        Delivery(self.bytes.clone())
    }

    /// For the others.
    pub fn without_commit(&self) -> Delivery {
        Delivery(self.bytes.slice(..self.events_end))
    }
}

/// What one sealing gave, in each format that was asked for.
#[derive(Debug, Default)]
pub struct Sealed {
    websocket: Option<Framed>,
    event_stream: Option<Framed>,
    poll: Option<Framed>,
    /// The newest change that was framed.
    last: Option<Seq>,
}

impl Sealed {
    pub fn last(&self) -> Option<Seq> {
        self.last
    }

    pub fn format(&self, format: Format) -> Option<&Framed> {
        match format {
            Format::WebSocket => self.websocket.as_ref(),
            Format::EventStream => self.event_stream.as_ref(),
            Format::Poll => self.poll.as_ref(),
        }
    }
}

/// Gathers a shape's events.
#[derive(Debug)]
pub struct Batch {
    encoder: Arc<Encoder>,
    buffer: Vec<u8>,
    marks: Vec<Mark>,
    reset: Option<ResetCause>,
    feed: Feed,
}

impl Batch {
    pub fn new(feed: Feed, view: &View, with_old: bool) -> Self {
        Self::of(feed, Arc::new(Encoder::new(view, with_old)))
    }

    /// For another shape whose view is written like this one's.
    pub fn another(&self, feed: Feed) -> Self {
        Self::of(feed, Arc::clone(&self.encoder))
    }

    fn of(feed: Feed, encoder: Arc<Encoder>) -> Self {
        Self { encoder, buffer: Vec::new(), marks: Vec::new(), reset: None, feed }
    }

    /// Goes on with another view of the same table.
    pub fn rebind(&mut self, view: &View, with_old: bool) {
        self.encoder = Arc::new(Encoder::new(view, with_old));
    }

    pub fn push(&mut self, seen: &Visible<'_>) {
        self.separate();
        let start = self.buffer.len();
        self.encoder.write(&mut self.buffer, seen);
        let (kind, seq) = (seen.kind(), seen.change().seq);
        self.marks.push(Mark { kind, seq, start, end: self.buffer.len() });
    }

    /// Forgets what was gathered and tells the readers to start anew.
    pub fn reset(&mut self, cause: ResetCause) {
        self.buffer.clear();
        self.marks.clear();
        self.reset = Some(cause);
    }

    pub fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.reset.is_none()
    }

    pub fn len_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Frames all but the newest change's events; nothing if there is no other.
    pub fn seal_some(&mut self, formats: Formats) -> Option<Sealed> {
        let newest = self.marks.last()?.seq;
        let before = self.marks.iter().rposition(|mark| mark.seq != newest);
        if before.is_none() && self.reset.is_none() {
            return None;
        }
        let held_back = self.marks.split_off(before.map_or(0, |at| at + 1));
        let first = held_back.first()?.start;
        let held_back_bytes = self.buffer[first..].to_vec();
        self.buffer.truncate(self.marks.last().map_or(0, |mark| mark.end));
        let sealed = self.seal(formats, None);
        self.separate();
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&held_back_bytes);
        let moved = |at: usize| at - first + start;
        let again = held_back.into_iter().map(|mark| Mark {
            start: moved(mark.start),
            end: moved(mark.end),
            ..mark
        });
        self.marks.extend(again);
        Some(sealed)
    }

    /// Frames everything, ended by the commit.
    pub fn seal_all(&mut self, formats: Formats, commit: &Commit) -> Sealed {
        self.seal(formats, Some(commit))
    }

    fn seal(&mut self, formats: Formats, commit: Option<&Commit>) -> Sealed {
        let event_stream = formats.event_stream.then(|| {
            let cursor = commit.map(Commit::cursor);
            let bytes = event_stream::events(&self.buffer, &self.marks, self.reset, cursor);
            Framed { events_end: bytes.len(), bytes: bytes.into() }
        });
        let poll = formats.poll.then(|| {
            let mut bytes = poll::events(&self.buffer, &self.marks, self.reset);
            let events_end = bytes.len();
            bytes.extend(commit.map(|commit| poll::commit(commit.cursor())).into_iter().flatten());
            Framed { events_end, bytes: bytes.into() }
        });
        let websocket = formats.websocket.then(|| self.frame(commit));
        let last = self.marks.last().map(|mark| mark.seq);
        // Memory that many shapes keep for the next change is far away when it comes.
        (self.buffer, self.marks) = (Vec::new(), Vec::new());
        self.reset = None;
        Sealed { websocket, event_stream, poll, last }
    }

    fn frame(&mut self, commit: Option<&Commit>) -> Framed {
        let mut bytes = std::mem::take(&mut self.buffer);
        let mut start = 0;
        if !self.marks.is_empty() {
            start = websocket::close_events(&mut bytes);
        }
        if let Some(cause) = self.reset {
            let mut reset = websocket::reset(self.feed, cause);
            reset.extend_from_slice(&bytes[start..]);
            (bytes, start) = (reset, 0);
        }
        let events_end = bytes.len() - start;
        if let Some(commit) = commit {
            bytes.extend_from_slice(&commit.websocket.0);
        }
        Framed { bytes: Bytes::from(bytes).slice(start..), events_end }
    }

    fn separate(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = websocket::events_opening(self.feed);
        } else {
            self.buffer.push(b',');
        }
    }
}
