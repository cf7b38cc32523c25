//! Joining: a subscription that is somewhere becomes live, without a hole and without a repeat.
//!
//! Every feed of every reader is at a place, a cursor: what is before it the reader has been sent, and nothing of what comes
//! after. Whatever a subscription begins with (a cursor that the client brought, a snapshot of the rows, now) and whatever made it
//! fall behind (a slow network, a window in which it wants one delivery) is nothing but a place, and one rule brings it on:
//!
//! > Between two batches the hub is at a place, too. A feed whose place has all that the hub's has, and nothing more, can be
//! > attached to its shape: it is sent what comes.
//!
//! # Why nothing is lost, repeated, or shown too early
//!
//! 1. *What is missing is exactly the difference of two places.* Both are snapshots: a change is missing if the hub's place has
//!    it and the feed's doesn't (`Cursor::has`). `Recent` has every change between the places that it reaches, so what it
//!    brings, filtered by the feed's place, is the difference. If it doesn't reach back, or it is too much for the hub to do
//!    in between, a catch-up brings the feed nearer outside the hub, by the same filter, and says at which place it arrived.
//!    However often that takes, each step begins where the one before it ended.
//! 2. *Places change between batches only*, when all of the hub's feeds have what the place says. A subscription, a report
//!    or a reset that comes within a batch waits for its end.
//! 3. *Who is not live gets nothing live.* A reader is attached to the shapes of its live feeds and to no others; what is
//!    behind is sent by the hub when it joins, or by one courier, whose end the hub holds: never by both.
//! 4. *A place that is ahead of the hub's waits for the hub*, and nothing is sent to that reader meanwhile: what comes would be
//!    a repeat of what it has.
//! 5. *A commit speaks for all feeds of a connection that have been told where they begin.* So feeds of one reader move
//!    together: either all are live, or one catch-up brings them all to the same place, and its commit comes last. A feed that
//!    is being read (`rows`) isn't spoken for until `synced` was sent, and that is sent with the commit that covers it.
//! 6. *A reader that has no room is behind by what wasn't sent.* What was sent of a batch is a prefix of it: the changes that
//!    its end's snapshot sees, up to a `seq`. So its place is the end of the batch before, and that part (`Cursor::part`). If
//!    the batch didn't come in the order of `seq`, there is no such prefix, and the feed starts anew.
//! 7. *What can't be known is said.* A place of another history, or one that the log doesn't reach, is told as `reset`. A feed that
//!    has to start anew while a catch-up is under way takes the others of that catch-up along: how far those got isn't known.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::command::ReaderId;
use super::diff::Missing;
use super::hub::Hub;
use super::reader::{At, Before, Of};
use super::recent::Tail;
use super::registry::Registry;
use crate::cursor::Cursor;
use crate::wire::{self, Commit, Feed, Framed, ResetCause};

/// How long the hub may take to get to a place that somebody already is at, until the log is asked whether it is good.
pub const MAX_AHEAD: Duration = Duration::from_secs(5);

/// Why a place can't be of the hub's history, if that can be told from it alone.
pub fn foreign(place: &Cursor, hub: &Cursor) -> Option<ResetCause> {
    let lives = place.life.zip(hub.life);
    if place.era.epoch != hub.era.epoch {
        Some(ResetCause::CursorExpired)
    } else if place.era.timeline != hub.era.timeline || lives.is_some_and(|(a, b)| a != b) {
        Some(ResetCause::Failover)
    } else {
        None
    }
}

/// What can be done for a reader.
#[derive(Debug, Default)]
struct Plan {
    /// The feeds that are somewhere.
    feeds: Vec<Joining>,
    /// Those of them that have to start anew.
    changed: Vec<usize>,
    /// Something is missing that the hub doesn't bring; where it can be taken from.
    is_far: bool,
    tail: Option<Tail>,
    /// What came after one of the places isn't remembered.
    is_forgotten: bool,
    /// Nothing can be done as yet.
    waits: bool,
}

/// A feed, where it is, and what it missed.
#[derive(Debug)]
struct Joining {
    index: usize,
    feed: Feed,
    from: Arc<Cursor>,
    framed: Option<Framed>,
}

impl Plan {
    fn take_along(&mut self, tail: Tail) {
        self.is_far = true;
        if self.tail.as_ref().is_none_or(|known| known.batches.len() < tail.batches.len()) {
            self.tail = Some(tail);
        }
    }

    fn forget(&mut self) {
        (self.is_far, self.is_forgotten) = (true, true);
    }
}

impl Hub {
    /// Makes those feeds live that can be, or sends the reader away to be brought nearer.
    pub(super) fn join(&mut self, id: ReaderId, place: &Commit) {
        let now = Instant::now();
        let Some(reader) = self.readership.registry.readers.get(&id) else { return };
        if reader.away.is_some() {
            return self.readership.send(id, now);
        }
        if reader.is_windowed() {
            self.leave_live(id, place);
        }
        let mut plan = self.plan(id, place, now);
        if !plan.changed.is_empty() {
            for index in plan.changed {
                self.start_anew(id, index, ResetCause::TableChanged);
            }
            self.tell_resets(id, place);
            return self.join(id, place);
        }
        self.heed_window(id, &mut plan);
        match (plan.waits, plan.is_far) {
            (true, _) => self.readership.send(id, now),
            (false, true) => self.send_away(id, plan, place),
            (false, false) => self.join_all(id, plan.feeds, place, now),
        }
    }

    fn plan(&mut self, id: ReaderId, place: &Commit, now: Instant) -> Plan {
        let mut plan = Plan::default();
        let Some(reader) = self.readership.registry.readers.get(&id) else { return plan };
        let has_waited = reader.ahead_since.is_some_and(|since| now >= since + MAX_AHEAD);
        let (format, is_congested) = (reader.format, reader.is_congested);
        let is_read_here = !is_congested && !reader.is_windowed();
        let mut is_ahead = false;
        for (index, feed, from, is_synced) in reader.places() {
            let missing = match is_read_here {
                true => self.missing(feed, format, &from, place),
                false => self.unread(&from, place),
            };
            let mut framed = None;
            match missing {
                Missing::Nothing => {}
                Missing::Events(events) => framed = Some(events),
                Missing::TableChanged => plan.changed.push(index),
                Missing::Far(tail) => plan.take_along(tail),
                Missing::Unknown => plan.forget(),
                Missing::Ahead if has_waited => plan.forget(),
                Missing::Ahead => {
                    is_ahead = true;
                    plan.waits |= !is_synced;
                    continue;
                }
            }
            plan.feeds.push(Joining { index, feed, from, framed });
        }
        if is_congested && !plan.is_far {
            // Nothing is missing: a courier waits until there is room to say so.
            let nothing = Tail { batches: Arc::new([]), end: Arc::clone(place.place()) };
            plan.take_along(nothing);
        }
        self.note_ahead(id, is_ahead, now);
        plan
    }

    fn note_ahead(&mut self, id: ReaderId, is_ahead: bool, now: Instant) {
        let Registry { readers, waiting, .. } = &mut self.readership.registry;
        let Some(reader) = readers.get_mut(&id) else { return };
        if is_ahead {
            reader.ahead_since.get_or_insert(now);
            waiting.insert(id);
        } else if !waiting.contains(&id) {
            reader.ahead_since = None;
        }
    }

    /// A reader with a window is sent what came when the window ends, or when it was promised something.
    fn heed_window(&mut self, id: ReaderId, plan: &mut Plan) {
        let Registry { readers, shapes, .. } = &mut self.readership.registry;
        let Some(reader) = readers.get_mut(&id).filter(|reader| reader.is_windowed()) else {
            return;
        };
        let is_due =
            std::mem::take(&mut reader.is_due) || reader.owes_commit || reader.has_synced();
        let (true, false, false) = (plan.is_far, plan.is_forgotten, reader.is_congested) else {
            return;
        };
        let shapes = plan.feeds.iter().filter_map(|joining| shapes.get(joining.feed));
        let tables: Vec<_> = shapes.map(|shape| shape.key.view.table_id()).collect();
        let is_news = plan.tail.as_ref().is_some_and(|tail| self.concerns(tail, &tables));
        plan.is_far = is_news;
        plan.waits |= is_news && !is_due;
    }

    fn join_all(&mut self, id: ReaderId, feeds: Vec<Joining>, place: &Commit, now: Instant) {
        self.tell_synced(id, &feeds);
        let quiet_since = self.quiet_since(now);
        let Some(reader) = self.readership.registry.readers.get_mut(&id) else { return };
        let rests = reader.is_windowed();
        // Who rests isn't live, and is told here what the others are told when there is no news.
        reader.owes_commit |= rests && quiet_since.is_some_and(|since| reader.last_commit <= since);
        let mut indices = Vec::new();
        for Joining { index, feed, from, framed } in feeds {
            if let Some(framed) = framed {
                reader.stage_last(framed, feed, Before::At(from));
            }
            indices.push(index);
        }
        if !reader.end_batch(now) && reader.may_be_told() && std::mem::take(&mut reader.owes_commit)
        {
            reader.stage(place.alone(reader.format), Of::Commit);
            reader.last_commit = now;
        }
        for index in indices {
            let to = if rests { At::Behind(Arc::clone(place.place())) } else { At::Live };
            self.readership.registry.move_to(id, index, to);
        }
        self.readership.send(id, now);
    }

    /// Sends a reader away: all of its feeds are brought to one place outside the hub.
    fn send_away(&mut self, id: ReaderId, plan: Plan, place: &Commit) {
        self.leave_live(id, place);
        self.tell_synced(id, &plan.feeds);
        self.readership.send(id, Instant::now());
        let reader = self.readership.registry.readers.get(&id);
        if reader.is_some_and(|reader| !reader.has_backlog()) {
            self.catch_up(id, plan.tail.filter(|_| !plan.is_forgotten));
        }
    }

    /// Takes a reader's live feeds from what comes.
    fn leave_live(&mut self, id: ReaderId, place: &Commit) {
        let Some(reader) = self.readership.registry.readers.get(&id) else { return };
        let live = |index: &usize| reader.subscriptions[*index].is_live();
        let live: Vec<usize> = (0..reader.subscriptions.len()).filter(live).collect();
        for index in live {
            let to = At::Behind(Arc::clone(place.place()));
            self.readership.registry.move_to(id, index, to);
        }
    }

    /// Tells which of these feeds have all their rows.
    fn tell_synced(&mut self, id: ReaderId, feeds: &[Joining]) {
        let Registry { readers, shapes, .. } = &mut self.readership.registry;
        let Some(reader) = readers.get_mut(&id) else { return };
        for Joining { index, feed, from, .. } in feeds {
            let (Some(at @ At::Synced(_)), Some(shape)) =
                (reader.at_mut(*index), shapes.get(*feed))
            else {
                continue;
            };
            *at = At::Behind(Arc::clone(from));
            reader.owes_commit = true;
            let view = &shape.key.view;
            let told = from.told(self.served.sight()).to_string();
            let synced = wire::synced(reader.format, *feed, view, &told);
            reader.stage(synced, Of::Answer);
        }
    }
}
