//! What one answer gathers: whole batches up to a bound; of a batch that alone is larger, its first changes.

use bytes::Bytes;

use super::cut::{Bound, Cut};
use crate::cursor::{Cursor, Part};
use crate::event::Seq;
use crate::wire::poll::{Events, Piece};
use crate::wire::{Code, Refusal, ResetCause};

/// The most events of an answer.
const MAX_EVENTS: usize = 10_000;
/// The most bytes of an answer's events, but for its first change, which is always taken.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// The most that is kept of a batch that can't be cut where it should be.
const MAX_UNCUT_BYTES: usize = 8 * MAX_ANSWER_BYTES;

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
    has_begun: bool,
    is_complete: bool,
    whole: Kept,
    under_way: Kept,
    /// Instead of that, if it alone is larger than an answer.
    cut: Option<Box<Cut>>,
}

#[derive(Debug, Default)]
struct Kept {
    events: Vec<Events>,
    count: usize,
    bytes: usize,
}

impl Gathered {
    /// Of a poll that goes on after this cursor.
    pub fn after(cursor: Option<String>) -> Self {
        Self {
            place: cursor.map(Bytes::from),
            has_begun: false,
            is_complete: false,
            whole: Kept::default(),
            under_way: Kept::default(),
            cut: None,
        }
    }

    /// Takes what came; an answer if nothing more may go into it.
    pub fn take(&mut self, piece: Piece) -> Result<Option<Answer>, Refusal> {
        match piece {
            Piece::Begun => {
                self.has_begun = true;
                Ok(None)
            }
            Piece::Events(events) => self.add(events),
            Piece::Commit(cursor) => self.commit(cursor),
            Piece::Reset(cause) => Err(expired(cause)),
            Piece::Refused(refusal) => Err(refusal),
        }
    }

    /// Whether it is known where the poll begins.
    pub fn has_begun(&self) -> bool {
        self.has_begun
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
        let whole = std::mem::take(&mut self.whole);
        let more = whole.count > 0 && (self.under_way.count > 0 || self.cut.is_some());
        let events = whole.events.into_iter().map(|events| events.json).collect();
        Some(Answer { events, cursor, more })
    }

    fn add(&mut self, events: Events) -> Result<Option<Answer>, Refusal> {
        let fits = self.has_room_for(&events);
        if !fits && let Some(answer) = self.some() {
            return Ok(Some(Answer { more: true, ..answer }));
        }
        if fits && self.cut.is_none() {
            self.under_way.push(events);
            return Ok(None);
        }
        let under_way = std::mem::take(&mut self.under_way);
        let bound = self.bound();
        let cut = self.cut.get_or_insert_with(|| Box::new(Cut::new(bound)));
        under_way.events.iter().chain([&events]).for_each(|events| cut.add(events));
        match cut.len_bytes() > MAX_UNCUT_BYTES {
            true => Err(expired(ResetCause::CursorExpired)),
            false => Ok(None),
        }
    }

    fn has_room_for(&self, events: &Events) -> bool {
        let count = self.whole.count + self.under_way.count + events.count();
        let bytes = self.whole.bytes + self.under_way.bytes + events.json.len();
        count <= MAX_EVENTS && bytes <= MAX_ANSWER_BYTES
    }

    /// A cursor has one place within a batch: what the poll's own says has been seen must stay so.
    fn bound(&self) -> Bound {
        let before = self.place.as_ref().and_then(parsed).and_then(|place| place.part);
        let at_least = before.map(|part| Seq(part.last));
        Bound { events: MAX_EVENTS, bytes: MAX_ANSWER_BYTES, at_least }
    }

    fn commit(&mut self, cursor: Bytes) -> Result<Option<Answer>, Refusal> {
        self.is_complete = true;
        let Some(cut) = self.cut.take() else {
            self.place = Some(cursor);
            let complete = std::mem::take(&mut self.under_way);
            self.whole.append(complete);
            return Ok(None);
        };
        let (events, last) = cut.finish();
        let Some(last) = last else {
            return Ok(Some(Answer { events, cursor, more: false }));
        };
        let place = self.place.as_ref().and_then(parsed);
        let within = place.zip(parsed(&cursor)).and_then(|(from, to)| within(from, to, last));
        let within = within.ok_or_else(|| expired(ResetCause::CursorExpired))?;
        Ok(Some(Answer { events, cursor: within.to_string().into(), more: true }))
    }
}

impl Kept {
    fn push(&mut self, events: Events) {
        self.count += events.count();
        self.bytes += events.json.len();
        self.events.push(events);
    }

    fn append(&mut self, more: Kept) {
        self.count += more.count;
        self.bytes += more.bytes;
        self.events.extend(more.events);
    }
}

/// The place after the changes up to `last` of those that come after `from` and not after `to`.
fn within(from: Cursor, to: Cursor, last: Seq) -> Option<Cursor> {
    if from.era != to.era || to.part.is_some() {
        return None;
    }
    let part = Some(Part { snapshot: to.snapshot, last: last.0 });
    Some(Cursor { life: to.life, sight: to.sight.or(from.sight), part, ..from })
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
        let seqs = first..first + i64::try_from(count).unwrap();
        Piece::Events(Events::of(seqs.map(|seq| (Seq(seq), "e"))))
    }

    /// The answer that these pieces give by themselves: how many events, its cursor, whether there is more.
    fn answered(from: Cursor, pieces: Vec<Piece>) -> Result<Option<(usize, Cursor, bool)>, Code> {
        let mut gathered = Gathered::after(Some(from.to_string()));
        let shown = |answer: Answer| {
            let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
            let events = answer.events.iter().map(text).collect::<Vec<_>>().join(",");
            let count = if events.is_empty() { 0 } else { events.split(',').count() };
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
        assert_eq!(answered(from, batch), Ok(Some((11_500, part(5, 9, 11_500), true))));
    }

    #[test]
    fn a_cut_has_the_first_changes_by_their_seq_in_whatever_order_they_come() {
        let mut batch: Vec<Piece> = (0..40).rev().map(|at| events(1_000, at * 1_000 + 1)).collect();
        batch.push(commit(6));
        assert_eq!(answered(cursor(5), batch), Ok(Some((10_000, part(5, 6, 10_000), true))));
    }

    #[test]
    fn the_events_of_one_change_are_cut_off_together() {
        let twice = Events::of([(Seq(10_000), "a"), (Seq(10_000), "b")]);
        let batch = vec![events(9_999, 1), Piece::Events(twice), commit(6)];
        assert_eq!(answered(cursor(5), batch), Ok(Some((9_999, part(5, 6, 9_999), true))));
    }

    #[test]
    fn an_answer_is_bounded_in_bytes_but_for_its_first_change() {
        let text = "x".repeat(MAX_ANSWER_BYTES + 1);
        let large = |seq: i64| Piece::Events(Events::of([(Seq(seq), text.as_str())]));
        let batch = vec![large(2), large(1), large(3), commit(6)];
        let answer = answered(cursor(5), batch).unwrap().unwrap();
        assert_eq!(answer, (1, part(5, 6, 1), true));
        let whole = answered(cursor(5), vec![large(1), commit(6)]).unwrap().unwrap();
        assert_eq!(whole, (1, cursor(6), false));
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
