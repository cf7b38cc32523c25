//! Pieces of which the answer to a poll is put together: what a reader of this format is sent is taken apart again by
//! its transport.

use super::event::Mark;
use super::reset::ResetCause;
use super::{Delivery, Refusal};

const EVENTS: u8 = b'e';
const COMMIT: u8 = b'c';
const RESET: u8 = b'r';
const REFUSED: u8 = b'x';

pub(super) fn events(buffer: &[u8], marks: &[Mark], reset_cause: Option<ResetCause>) -> Vec<u8> {
    let mut out = reset_cause.map(reset).unwrap_or_default();
    for mark in marks {
        out.extend_from_slice(&piece(EVENTS, &buffer[mark.start..mark.end]));
    }
    out
}

pub(super) fn commit(cursor: &str) -> Vec<u8> {
    piece(COMMIT, cursor.as_bytes())
}

pub(super) fn reset(cause: ResetCause) -> Vec<u8> {
    piece(RESET, cause.as_str().as_bytes())
}

/// The last piece of a poll that isn't answered.
pub fn refused(refusal: &Refusal) -> Delivery {
    piece(REFUSED, &refusal.problem()).into()
}

fn piece(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
    out
}
