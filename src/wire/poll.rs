//! Pieces of which the answer to a poll is put together: what a reader of this format is sent is taken apart again by
//! its transport.
//!
//! A piece is its kind, the length of what follows, and that. Events come many in one piece, joined as an answer has
//! them; a piece never has a part of one change's events.

use bytes::{Buf as _, Bytes};

use super::event::Mark;
use super::reset::ResetCause;
use super::{Code, Delivery, Refusal};
use crate::event::Seq;

/// The most events of a piece, but for those of its last change: an answer can be cut only between pieces.
const MAX_PIECE_EVENTS: usize = 1_000;

/// Before the events: how many, the first and last `seq`, whether they ascend.
const EVENTS_HEAD_BYTES: usize = 25;

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

/// Events of one batch, joined by commas.
#[derive(Debug, PartialEq, Eq)]
pub struct Events {
    pub json: Bytes,
    pub count: usize,
    pub first: Seq,
    pub last: Seq,
    /// Whether each change has a higher `seq` than the one before it.
    pub ascends: bool,
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
        EVENTS => Piece::Events(Events {
            count: usize::try_from(body.try_get_u64().ok()?).ok()?,
            first: Seq(body.try_get_i64().ok()?),
            last: Seq(body.try_get_i64().ok()?),
            ascends: body.try_get_u8().ok()? == 1,
            json: body,
        }),
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
    let mut rest = marks;
    while !rest.is_empty() {
        let (some, more) = rest.split_at(piece_end(rest));
        out.extend_from_slice(&events_piece(buffer, some));
        rest = more;
    }
    out
}

/// Behind the last mark of the next piece.
fn piece_end(marks: &[Mark]) -> usize {
    let Some(last) = marks.get(MAX_PIECE_EVENTS - 1) else { return marks.len() };
    let same = marks[MAX_PIECE_EVENTS..].iter().take_while(|mark| mark.seq == last.seq);
    MAX_PIECE_EVENTS + same.count()
}

fn events_piece(buffer: &[u8], marks: &[Mark]) -> Vec<u8> {
    let (Some(first), Some(last)) = (marks.first(), marks.last()) else { return Vec::new() };
    let json = &buffer[first.start..last.end];
    let mut body = Vec::with_capacity(json.len() + EVENTS_HEAD_BYTES);
    body.extend_from_slice(&(marks.len() as u64).to_be_bytes());
    body.extend_from_slice(&first.seq.0.to_be_bytes());
    body.extend_from_slice(&last.seq.0.to_be_bytes());
    body.push(marks.is_sorted_by_key(|mark| mark.seq).into());
    body.extend_from_slice(json);
    piece(EVENTS, &body)
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
