//! Readers that are brought nearer outside the hub: how they leave, and how they come back.

use std::sync::Arc;

use tokio::time::Instant;

use super::command::ReaderId;
use super::hub::Hub;
use super::reader::{At, Before, Subscription};
use super::recent::{Since, Tail};
use super::registry::Registry;
use super::replay::{Behind, CatchUp, Outcome, Report};
use crate::cursor::{Cursor, Part};
use crate::event::Seq;
use crate::wire::{Feed, Format, ResetCause};

/// The newest batch: between which places it lies, and whether it came in the order of `seq`.
#[derive(Debug, Default)]
pub struct Span {
    pub begin: Option<Arc<Cursor>>,
    pub end: Option<Arc<Cursor>>,
    last: Option<Seq>,
    is_disordered: bool,
}

impl Span {
    /// A batch that begins where the last one ended.
    pub fn after(begin: Option<Arc<Cursor>>) -> Self {
        Self { begin, ..Self::default() }
    }

    pub fn push(&mut self, seq: Seq) {
        self.is_disordered |= self.last.is_some_and(|last| seq <= last);
        self.last = Some(seq);
    }

    /// The place of who has been sent the batch up to this change; none if there is no such place.
    fn place(&self, sent: Option<Seq>) -> Option<Arc<Cursor>> {
        let begin = self.begin.as_ref()?;
        let Some(Seq(last)) = sent else { return Some(Arc::clone(begin)) };
        let end = self.end.as_ref().filter(|_| !self.is_disordered)?;
        let part = Some(Part { snapshot: end.snapshot.clone(), last });
        Some(Arc::new(Cursor { part, life: end.life.or(begin.life), ..Cursor::clone(begin) }))
    }
}

impl Hub {
    /// A reader has no room for what is live, and nobody waits for it any longer: what it hasn't been sent is brought by
    /// a courier, who does.
    pub(super) fn fall_behind(&mut self, id: ReaderId) {
        let Registry { readers, shapes, .. } = &mut self.readership.registry;
        let Some(reader) = readers.get_mut(&id) else { return };
        let dropped = reader.drop_events();
        reader.is_congested = true;
        reader.within_batch = false;
        self.readership.observed.slow_readers.inc();
        let mut moves = Vec::new();
        for (index, subscription) in reader.subscriptions.iter().enumerate() {
            let Some(feed) = subscription.feed().filter(|_| subscription.is_live()) else {
                continue;
            };
            let before =
                dropped.iter().find(|(of, _)| *of == feed).map(|(_, before)| before.clone());
            let sealed = shapes.get(feed).and_then(|shape| shape.sealed);
            moves.push((index, before, sealed));
        }
        for (index, before, sealed) in moves {
            let to = self.fallen(before, sealed);
            self.readership.registry.move_to(id, index, to);
        }
        let has_backlog =
            self.readership.registry.readers.get(&id).is_some_and(|reader| reader.has_backlog());
        if has_backlog {
            let pushed = super::outbox::Pushed::Full;
            self.readership.note(id, pushed, Instant::now());
        }
        self.bring_on(id);
    }

    /// Where a feed is of which `before` is what it had had before what was dropped; `sealed` has been sent of the batch.
    fn fallen(&self, before: Option<Before>, sealed: Option<Seq>) -> At {
        let at = |place: Option<Arc<Cursor>>| {
            place.map_or(At::Reset(ResetCause::CursorExpired), At::Behind)
        };
        match (before, self.within_batch) {
            (Some(Before::At(place)), _) => At::Behind(place),
            (Some(Before::Within(sent)), true) => At::Within(sent),
            (Some(Before::Within(sent)), false) => at(self.span.place(sent)),
            (None, true) => At::Within(sealed),
            (None, false) => at(self.place.as_ref().map(|place| Arc::clone(place.place()))),
        }
    }

    /// The batch is over within which the reader fell behind.
    pub(super) fn settle_within(&mut self, id: ReaderId) {
        let Some(reader) = self.readership.registry.readers.get_mut(&id) else { return };
        for index in 0..reader.subscriptions.len() {
            let Some(at) = reader.at_mut(index) else { continue };
            if let At::Within(sent) = at {
                *at = match self.span.place(*sent) {
                    Some(place) => At::Behind(place),
                    None => At::Reset(ResetCause::CursorExpired),
                };
            }
        }
    }

    /// Has all feeds of a reader that are somewhere brought to one place.
    pub(super) fn catch_up(&mut self, id: ReaderId, tail: Option<Tail>) {
        self.last_generation += 1;
        let generation = self.last_generation;
        let beliefs = self.doubts.beliefs();
        let Registry { readers, shapes, .. } = &mut self.readership.registry;
        let Some(reader) = readers.get_mut(&id) else { return };
        let behind = |of: &Subscription| {
            let (feed, At::Behind(place)) = (of.feed()?, of.at()?) else { return None };
            let key = shapes.get(feed)?.key.clone();
            let merge = !of.asked.coalesce.is_zero();
            Some(Behind { feed, key, place: Arc::clone(place), merge })
        };
        let feeds: Vec<Behind> = reader.subscriptions.iter().filter_map(behind).collect();
        if feeds.is_empty() {
            reader.is_congested = false;
            return;
        }
        reader.away = Some(generation);
        (reader.is_congested, reader.ahead_since) = (false, None);
        self.readership.observed.catchups.inc();
        self.replayer.take(CatchUp {
            reader: id,
            generation,
            format: reader.format,
            courier: reader.outbox().courier(),
            feeds,
            tail,
            served: Arc::clone(&self.served),
            beliefs,
        });
    }

    /// A catch-up is over.
    pub(super) fn heed(&mut self, Report { reader: id, generation, outcome }: Report) {
        let registry = &mut self.readership.registry;
        let Some(reader) = registry.readers.get_mut(&id) else { return };
        if reader.away != Some(generation) {
            return;
        }
        reader.away = None;
        registry.close_muted(id);
        match outcome {
            Outcome::Arrived(place) => self.arrive(id, &place),
            Outcome::Expired(reason) => self.expire(id, reason.into()),
            Outcome::TableChanged(feeds) => self.reset_feeds(id, &feeds),
            Outcome::Broken => self.give_up_places(id),
            Outcome::Over => {
                self.readership.registry.remove(id);
            }
        }
        self.bring_on(id);
    }

    fn arrive(&mut self, id: ReaderId, place: &Arc<Cursor>) {
        let Some(reader) = self.readership.registry.readers.get_mut(&id) else { return };
        reader.owes_commit = false;
        // An event stream is told a cursor with events only, and these may have been none.
        if reader.format != Format::EventStream {
            reader.last_commit = Instant::now();
        }
        for index in 0..reader.subscriptions.len() {
            if let Some(at @ At::Behind(_)) = reader.at_mut(index) {
                *at = At::Behind(Arc::clone(place));
            }
        }
    }

    /// One of the places, at least, is lost: those that aren't remembered.
    fn expire(&mut self, id: ReaderId, cause: ResetCause) {
        self.readership.observed.resumed_expired();
        let Some(reader) = self.readership.registry.readers.get(&id) else { return };
        let places = reader.places();
        let is_lost = |from: &Cursor| !matches!(self.recent.since(from), Since::Tail(_));
        let mut lost: Vec<usize> = Vec::new();
        for (index, _, from, is_synced) in &places {
            if !is_synced && is_lost(from) {
                lost.push(*index);
            }
        }
        let all = places.iter().filter(|(_, _, _, is_synced)| !is_synced);
        let lost = if lost.is_empty() { all.map(|(index, ..)| *index).collect() } else { lost };
        for index in lost {
            self.start_anew(id, index, cause);
        }
    }

    fn give_up_places(&mut self, id: ReaderId) {
        let Some(reader) = self.readership.registry.readers.get(&id) else { return };
        for (index, _, _, is_synced) in reader.places() {
            if !is_synced {
                self.start_anew(id, index, ResetCause::CursorExpired);
            }
        }
    }

    fn reset_feeds(&mut self, id: ReaderId, feeds: &[Feed]) {
        for feed in feeds {
            let reader = self.readership.registry.readers.get(&id);
            if let Some(index) = reader.and_then(|reader| reader.position_of(*feed)) {
                self.start_anew(id, index, ResetCause::TableChanged);
            }
        }
    }

    /// How many readers aren't live.
    pub(super) fn count_behind(&self) -> i64 {
        let readers = self.readership.registry.readers.values();
        let is_behind = |reader: &&super::reader::Reader| {
            reader.away.is_some() || (!reader.is_windowed() && !reader.is_settled())
        };
        readers.filter(is_behind).count() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Era;

    fn at(snapshot: &str) -> Arc<Cursor> {
        let era = Era { epoch: 1, timeline: 1 };
        Arc::new(Cursor::new(era, snapshot.parse().unwrap()))
    }

    #[test]
    fn a_place_within_a_batch_is_its_beginning_and_a_part() {
        let mut span = Span::after(Some(at("5:5:")));
        [3, 4, 7].into_iter().for_each(|seq| span.push(Seq(seq)));
        assert_eq!(span.place(None), Some(at("5:5:")));
        assert_eq!(span.place(Some(Seq(4))), None, "its end isn't known");
        span.end = Some(at("9:9:"));
        let place = span.place(Some(Seq(4))).unwrap();
        assert!(place.has(8, 4) && !place.has(8, 5) && !place.has(9, 1));
        span.push(Seq(6));
        assert_eq!(span.place(Some(Seq(4))), None, "it came in several parts");
    }
}
