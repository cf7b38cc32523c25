//! Pieces of which the answer to a poll is put together: what a reader of this format is sent is taken apart again by
//! its transport.
//!
//! A piece is its kind, the length of what follows, and that. Events come many in one piece, joined as an answer has
//! them, with what is needed to take them apart.

use bytes::{Buf as _, Bytes};

use super::event::Mark;
use super::reset::ResetCause;
use super::{Code, Delivery, Refusal};
use crate::event::Seq;

/// Of each event: its `seq`, and where it ends.
const ENTRY_BYTES: usize = 16;

const BEGUN: u8 = b'b';
const EVENTS: u8 = b'e';
const COMMIT: u8 = b'c';
const RESET: u8 = b'r';
const REFUSED: u8 = b'x';

/// A part of what a poll's reader is sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Its feed has begun; what is missing follows.
    Begun,
    Events(Events),
    /// Everything up to this cursor has been sent.
    Commit(Bytes),
    Reset(ResetCause),
    /// There is nothing more.
    Refused(Refusal),
}

/// Events of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// Joined by commas.
    pub json: Bytes,
    entries: Bytes,
}

impl Events {
    /// Of events' JSON.
    #[cfg(test)]
    pub fn of<'e>(events: impl IntoIterator<Item = (Seq, &'e str)>) -> Self {
        let (mut json, mut entries) = (Vec::new(), Vec::new());
        for (seq, event) in events {
            if !json.is_empty() {
                json.push(b',');
            }
            json.extend_from_slice(event.as_bytes());
            entries.extend_from_slice(&seq.0.to_be_bytes());
            entries.extend_from_slice(&(json.len() as u64).to_be_bytes());
        }
        Self { json: json.into(), entries: entries.into() }
    }

    pub fn count(&self) -> usize {
        self.entries.len() / ENTRY_BYTES
    }

    /// Each event by itself, with the `seq` of its change.
    pub fn each(&self) -> impl Iterator<Item = (Seq, Bytes)> {
        let (mut entries, mut start) = (self.entries.clone(), 0);
        std::iter::from_fn(move || {
            let seq = Seq(entries.try_get_i64().ok()?);
            let end = usize::try_from(entries.try_get_u64().ok()?).ok()?;
            let is_within = start <= end && end <= self.json.len();
            let event = is_within.then(|| self.json.slice(start..end))?;
            start = end + 1;
            Some((seq, event))
        })
    }
}

/// The pieces of a delivery. Nothing if it isn't one of this format's.
pub fn pieces(delivery: Delivery) -> impl Iterator<Item = Piece> {
    let mut bytes = delivery.into_bytes();
    std::iter::from_fn(move || next_piece(&mut bytes))
}

fn next_piece(bytes: &mut Bytes) -> Option<Piece> {
    let kind = bytes.try_get_u8().ok()?;
    let len = usize::try_from(bytes.try_get_u64().ok()?).ok()?;
    let mut body = (len <= bytes.len()).then(|| bytes.split_to(len))?;
    Some(match kind {
        BEGUN => Piece::Begun,
        EVENTS => {
            let entries_len = usize::try_from(body.try_get_u64().ok()?).ok()?;
            let entries = (entries_len <= body.len()).then(|| body.split_to(entries_len))?;
            Piece::Events(Events { json: body, entries })
        }
        COMMIT => Piece::Commit(body),
        RESET => Piece::Reset(ResetCause::from_u8(body.try_get_u8().ok()?)?),
        REFUSED => Piece::Refused(Refusal {
            code: *Code::ALL.get(usize::from(body.try_get_u8().ok()?))?,
            position: usize::try_from(body.try_get_u64().ok()?).ok().filter(|at| *at > 0),
            detail: String::from_utf8(body.to_vec()).ok()?,
        }),
        _ => return None,
    })
}

pub(super) fn begun() -> Vec<u8> {
    piece(BEGUN, &[])
}

pub(super) fn events(buffer: &[u8], marks: &[Mark], reset_cause: Option<ResetCause>) -> Vec<u8> {
    let mut out = reset_cause.map(reset).unwrap_or_default();
    let (Some(first), Some(last)) = (marks.first(), marks.last()) else { return out };
    let json = &buffer[first.start..last.end];
    let entries_len = marks.len() * ENTRY_BYTES;
    out.reserve(9 + 8 + entries_len + json.len());
    out.push(EVENTS);
    out.extend_from_slice(&((8 + entries_len + json.len()) as u64).to_be_bytes());
    out.extend_from_slice(&(entries_len as u64).to_be_bytes());
    for mark in marks {
        out.extend_from_slice(&mark.seq.0.to_be_bytes());
        out.extend_from_slice(&((mark.end - first.start) as u64).to_be_bytes());
    }
    out.extend_from_slice(json);
    out
}

pub(super) fn commit(cursor: &str) -> Vec<u8> {
    piece(COMMIT, cursor.as_bytes())
}

pub(super) fn reset(cause: ResetCause) -> Vec<u8> {
    piece(RESET, &[cause as u8])
}

/// The last piece of a poll that isn't answered.
pub fn refused(refusal: &Refusal) -> Delivery {
    let code = Code::ALL.iter().position(|code| *code == refusal.code).unwrap_or(0);
    let mut body = vec![u8::try_from(code).expect("there are few codes")];
    body.extend_from_slice(&(refusal.position.unwrap_or(0) as u64).to_be_bytes());
    body.extend_from_slice(refusal.detail.as_bytes());
    piece(REFUSED, &body).into()
}

fn piece(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 9);
    out.push(kind);
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
    out
}
