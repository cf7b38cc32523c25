//! What one answer gathers: whole batches up to a bound; of a batch that alone is larger, its first changes.

use bytes::Bytes;

use crate::cursor::{Cursor, Part};
use crate::event::Seq;
use crate::wire::poll::{Events, Piece};
use crate::wire::{Code, Refusal, ResetCause};

/// The most events of an answer.
const MAX_EVENTS: usize = 10_000;
/// The most bytes of an answer's events, but for its first piece, which is always taken.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// The most that is kept of a batch that can't be cut where it should be.
const MAX_UNCUT_BYTES: usize = 4 * MAX_ANSWER_BYTES;

/// What goes into an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Joined by commas these are its events.
    pub events: Vec<Bytes>,
    pub cursor: Bytes,
    /// There is more already.
    pub more: bool,
}

/// What came so far.
#[derive(Debug)]
pub struct Gathered {
    /// The cursor up to which everything is gathered; none until a poll without one is told where it begins.
    place: Option<Bytes>,
    is_complete: bool,
    whole: Kept,
    under_way: Kept,
    /// The last change that is kept of the batch under way, whose rest is forgotten.
    cut_after: Option<Seq>,
}

#[derive(Debug)]
struct Kept {
    events: Vec<Bytes>,
    count: usize,
    bytes: usize,
    last: Option<Seq>,
    ascends: bool,
}

impl Gathered {
    /// Of a poll that goes on after this cursor.
    pub fn after(cursor: Option<String>) -> Self {
        Self {
            place: cursor.map(Bytes::from),
            is_complete: false,
            whole: Kept::none(),
            under_way: Kept::none(),
            cut_after: None,
        }
    }

    /// Takes what came; an answer if nothing more may go into it.
    pub fn take(&mut self, piece: Piece) -> Result<Option<Answer>, Refusal> {
        match piece {
            Piece::Begun => Ok(None),
            Piece::Events(events) => self.add(events),
            Piece::Commit(cursor) => self.commit(cursor),
            Piece::Reset(cause) => Err(expired(cause)),
            Piece::Refused(refusal) => Err(refusal),
        }
    }

    /// Whether all that there was has come.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// An answer, if there are events for one.
    pub fn some(&mut self) -> Option<Answer> {
        (self.whole.count > 0).then(|| self.whatever()).flatten()
    }

    /// An answer with what there is; none if it isn't known where the poll begins.
    pub fn whatever(&mut self) -> Option<Answer> {
        let cursor = self.place.clone()?;
        let events = std::mem::take(&mut self.whole.events);
        let more = !events.is_empty() && self.under_way.count > 0;
        Some(Answer { events, cursor, more })
    }

    fn add(&mut self, events: Events) -> Result<Option<Answer>, Refusal> {
        if let Some(last) = self.cut_after {
            let is_behind = events.ascends && events.first > last;
            return if is_behind { Ok(None) } else { Err(expired(ResetCause::CursorExpired)) };
        }
        if !self.has_room_for(&events) {
            if let Some(answer) = self.some() {
                return Ok(Some(Answer { more: true, ..answer }));
            }
            if self.may_cut_before(&events) {
                self.cut_after = self.under_way.last;
                return Ok(None);
            }
            if self.under_way.bytes > MAX_UNCUT_BYTES {
                return Err(expired(ResetCause::CursorExpired));
            }
        }
        self.under_way.push(events);
        Ok(None)
    }

    fn has_room_for(&self, events: &Events) -> bool {
        let count = self.whole.count + self.under_way.count;
        let bytes = self.whole.bytes + self.under_way.bytes + events.json.len();
        count == 0 || (count + events.count <= MAX_EVENTS && bytes <= MAX_ANSWER_BYTES)
    }

    /// A cursor within the batch says that all of its changes up to a `seq` have been seen: that must be so. What the
    /// poll's own cursor says so about must be among them.
    fn may_cut_before(&self, events: &Events) -> bool {
        let Kept { last: Some(last), ascends: true, .. } = self.under_way else { return false };
        let before = self.place.as_ref().and_then(parsed).and_then(|place| place.part);
        events.ascends && events.first > last && before.is_none_or(|part| part.last <= last.0)
    }

    fn commit(&mut self, cursor: Bytes) -> Result<Option<Answer>, Refusal> {
        self.is_complete = true;
        let Some(last) = self.cut_after else {
            self.place = Some(cursor);
            let complete = std::mem::replace(&mut self.under_way, Kept::none());
            self.whole.append(complete);
            return Ok(None);
        };
        let place = self.place.as_ref().and_then(parsed);
        let within = place.zip(parsed(&cursor)).and_then(|(from, to)| within(from, to, last));
        let within = within.ok_or_else(|| expired(ResetCause::CursorExpired))?;
        let events = std::mem::take(&mut self.under_way.events);
        Ok(Some(Answer { events, cursor: within.to_string().into(), more: true }))
    }
}

impl Kept {
    fn none() -> Self {
        Self { events: Vec::new(), count: 0, bytes: 0, last: None, ascends: true }
    }

    fn push(&mut self, events: Events) {
        self.ascends &= events.ascends && self.last.is_none_or(|last| last < events.first);
        self.last = Some(events.last);
        self.count += events.count;
        self.bytes += events.json.len();
        self.events.push(events.json);
    }

    fn append(&mut self, more: Kept) {
        self.count += more.count;
        self.bytes += more.bytes;
        self.events.extend(more.events);
    }
}

/// The place after the changes up to `last` of those that come after `from` and not after `to`.
fn within(from: Cursor, to: Cursor, last: Seq) -> Option<Cursor> {
    let is_between = from.era == to.era && to.part.is_none();
    let part = Some(Part { snapshot: to.snapshot, last: last.0 });
    is_between.then(|| Cursor { life: to.life, part, ..from })
}

fn parsed(cursor: &Bytes) -> Option<Cursor> {
    std::str::from_utf8(cursor).ok()?.parse().ok()
}

fn expired(cause: ResetCause) -> Refusal {
    let detail = match cause {
        ResetCause::CursorExpired => "what came after this cursor isn't known any more",
        ResetCause::Failover => "the server that this cursor is from has failed over, or crashed",
        ResetCause::TableChanged => "the table was altered in a way that events can't tell",
    };
    Refusal::new(Code::CursorExpired, format!("{detail}: take a new snapshot"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Era;

    fn cursor(at: u64) -> Cursor {
        let snapshot = format!("{at}:{at}:").parse().unwrap();
        Cursor::new(Era { epoch: 1, timeline: 1 }, snapshot)
    }

    fn commit(at: u64) -> Piece {
        Piece::Commit(cursor(at).to_string().into())
    }

    fn events(count: usize, first: i64) -> Piece {
        let json = Bytes::from(vec![b'e'; count]);
        let (first, last) = (Seq(first), Seq(first + count as i64 - 1));
        Piece::Events(Events { json, count, first, last, ascends: true })
    }

    /// The answer that these pieces give by themselves: how many events, its cursor, whether there is more.
    fn answered(from: Cursor, pieces: Vec<Piece>) -> Result<Option<(usize, Cursor, bool)>, Code> {
        let mut gathered = Gathered::after(Some(from.to_string()));
        let shown = |answer: Answer| {
            let count = answer.events.iter().map(Bytes::len).sum();
            (count, parsed(&answer.cursor).unwrap(), answer.more)
        };
        for piece in pieces {
            match gathered.take(piece) {
                Ok(None) => {}
                Ok(Some(answer)) => return Ok(Some(shown(answer))),
                Err(refusal) => return Err(refusal.code),
            }
        }
        Ok(gathered.some().map(shown))
    }

    fn part(from: u64, to: u64, last: i64) -> Cursor {
        Cursor { part: Some(Part { snapshot: cursor(to).snapshot, last }), ..cursor(from) }
    }

    #[test]
    fn whole_batches_go_into_an_answer_as_long_as_they_fit() {
        let batches = vec![events(6_000, 1), commit(6), events(4_000, 7_000), commit(7)];
        assert_eq!(answered(cursor(5), batches), Ok(Some((10_000, cursor(7), false))));
        let under_way = vec![events(5, 1), commit(6), events(4_000, 7_000)];
        assert_eq!(answered(cursor(5), under_way), Ok(Some((5, cursor(6), true))));
        let next = vec![events(6_000, 1), commit(6), events(4_000, 7_000), events(1, 11_000)];
        assert_eq!(answered(cursor(5), next), Ok(Some((6_000, cursor(6), true))));
        assert_eq!(answered(cursor(5), vec![commit(6), commit(7)]), Ok(None));
    }

    #[test]
    fn a_batch_that_is_larger_than_an_answer_is_cut() {
        let mut batch: Vec<Piece> = (0..25).map(|at| events(1_000, at * 1_000 + 1)).collect();
        batch.push(commit(6));
        let first = part(5, 6, 10_000);
        assert_eq!(answered(cursor(5), batch), Ok(Some((10_000, first.clone(), true))));
        let mut rest: Vec<Piece> = (10..25).map(|at| events(1_000, at * 1_000 + 1)).collect();
        rest.push(commit(9));
        assert_eq!(answered(first, rest), Ok(Some((10_000, part(5, 9, 20_000), true))));
    }

    #[test]
    fn a_cut_never_goes_back_behind_what_was_seen() {
        let mut batch: Vec<Piece> = (0..13).map(|at| events(1_000, at * 1_000 + 1)).collect();
        batch.push(commit(9));
        let from = part(5, 6, 11_500);
        assert_eq!(answered(from, batch), Ok(Some((12_000, part(5, 9, 12_000), true))));
    }

    #[test]
    fn what_does_not_ascend_is_not_cut() {
        let mut batch: Vec<Piece> = (0..25).map(|at| events(1_000, at * 1_000 + 1)).collect();
        batch.push(events(1, 5_000));
        assert_eq!(answered(cursor(5), batch), Err(Code::CursorExpired));
        let mut batch = vec![events(1_000, 20_000)];
        batch.extend((0..10).map(|at| events(1_000, at * 1_000 + 1)));
        batch.push(commit(6));
        assert_eq!(answered(cursor(5), batch), Ok(Some((11_000, cursor(6), false))));
    }

    #[test]
    fn an_answer_is_bounded_in_bytes_but_for_its_first_piece() {
        let large = |first: i64| {
            let json = Bytes::from(vec![0; MAX_ANSWER_BYTES + 1]);
            let (first, last) = (Seq(first), Seq(first));
            Piece::Events(Events { json, count: 1, first, last, ascends: true })
        };
        let batch = vec![large(1), large(2), commit(6)];
        let answer = answered(cursor(5), batch).unwrap().unwrap();
        assert_eq!(answer, (MAX_ANSWER_BYTES + 1, part(5, 6, 1), true));
    }

    #[test]
    fn a_reset_and_a_refusal_are_final() {
        let reset = Piece::Reset(ResetCause::TableChanged);
        let pieces = vec![events(1, 1), commit(6), reset];
        assert_eq!(answered(cursor(5), pieces), Err(Code::CursorExpired));
        let refused = Piece::Refused(Refusal::new(Code::UnknownTable, "gone"));
        assert_eq!(answered(cursor(5), vec![refused]), Err(Code::UnknownTable));
    }
}
