//! Where subscriptions begin, and where they begin anew.

use std::sync::Arc;

use tokio::time::Instant;

use super::Start;
use super::command::ReaderId;
use super::hub::Hub;
use super::join::{MAX_AHEAD, foreign};
use super::outbox::Voided;
use super::reader::{At, Of, State};
use super::recent::Since;
use super::registry::Registry;
use crate::cursor::Cursor;
use crate::policy::Unknown;
use crate::wire::{self, Begin, Commit, ResetCause};

/// Where a subscription begins.
enum Beginning {
    Now,
    Rows,
    After(Arc<Cursor>),
    /// What came after its cursor can't be known.
    Expired(ResetCause),
    /// That can't be said yet.
    Later,
}

impl Hub {
    /// Brings a reader as far as it gets now: tells it where its subscriptions begin, what starts anew, and what it
    /// missed. Within a batch, and as long as something waits that couldn't be sent, nothing can be done.
    pub(super) fn bring_on(&mut self, id: ReaderId) {
        let Some(place) = self.place.clone().filter(|_| !self.within_batch) else {
            self.readership.registry.waiting.insert(id);
            return;
        };
        self.settle_within(id);
        if self.readership.registry.readers.get(&id).is_none_or(|reader| reader.has_backlog()) {
            return;
        }
        self.begin_waiting(id, &place);
        self.tell_resets(id, &place);
        self.join(id, &place);
        self.read_rows(id);
    }

    fn begin_waiting(&mut self, id: ReaderId, place: &Commit) {
        let mut from = 0;
        while let Some(index) = self.next_waiting(id, from) {
            from = match self.begin(id, index, place) {
                Ok(()) => index + 1,
                Err(unknown) => {
                    self.refuse(id, index, &unknown.into());
                    index
                }
            };
        }
    }

    fn next_waiting(&self, id: ReaderId, from: usize) -> Option<usize> {
        let subscriptions = &self.readership.registry.readers.get(&id)?.subscriptions;
        let waits = |index: &usize| matches!(subscriptions[*index].state, State::Waiting(_));
        (from..subscriptions.len()).find(waits)
    }

    /// Tells a subscription where it begins, if that can be said. Its view is made anew if its table was altered since.
    fn begin(&mut self, id: ReaderId, index: usize, place: &Commit) -> Result<(), Unknown> {
        let Some(reader) = self.readership.registry.readers.get_mut(&id) else { return Ok(()) };
        let subscription = &mut reader.subscriptions[index];
        if let State::Waiting(view) = &mut subscription.state
            && !self.served.is_current(view)
        {
            let asked = &subscription.asked;
            *view = Arc::new(self.served.view(&asked.request, &asked.claims)?);
        }
        let beginning = self.beginning(id, index, place);
        let at = match &beginning {
            Beginning::Now => At::Behind(Arc::clone(place.place())),
            Beginning::Rows => At::Unsynced { after: None },
            Beginning::After(cursor) => At::Behind(Arc::clone(cursor)),
            Beginning::Expired(cause) => At::Reset(*cause),
            Beginning::Later => return Ok(()),
        };
        let given = match &beginning {
            Beginning::After(cursor) => cursor.to_string(),
            _ => place.cursor().to_owned(),
        };
        let at = match at {
            At::Behind(place) if place.sight.is_some() => {
                At::Behind(Arc::new(Cursor { sight: None, ..Cursor::clone(&place) }))
            }
            at => at,
        };
        let registry = &mut self.readership.registry;
        let Some(feed) = registry.open(id, index, at) else { return Ok(()) };
        let (Some(reader), Some(shape)) =
            (registry.readers.get_mut(&id), registry.shapes.get(feed))
        else {
            return Ok(());
        };
        let begin = match beginning {
            Beginning::Now => Begin::Now(place),
            _ => Begin::At(&given),
        };
        let subscription = &mut reader.subscriptions[index];
        subscription.asked.start = Start::Anew;
        let (format, view) = (reader.format, &shape.key.view);
        let subscribed = wire::subscribed(format, &subscription.id, feed, view, begin);
        reader.owes_commit |= matches!(beginning, Beginning::After(_));
        reader.stage(subscribed, Of::Answer);
        Ok(())
    }

    fn beginning(&mut self, id: ReaderId, index: usize, place: &Commit) -> Beginning {
        let Some(reader) = self.readership.registry.readers.get_mut(&id) else {
            return Beginning::Later;
        };
        let is_away = reader.away.is_some();
        let asked = &reader.subscriptions[index].asked;
        let cursor = match &asked.start {
            Start::Anew if asked.snapshot => return Beginning::Rows,
            Start::Anew if is_away => return Beginning::Later,
            Start::Anew => return Beginning::Now,
            Start::After(cursor) => Arc::clone(cursor),
        };
        if is_away {
            return Beginning::Later;
        }
        let sight = self.served.sight();
        let is_other = cursor.sight.is_some_and(|of| of != sight);
        let other = is_other.then_some(ResetCause::TableChanged);
        if let Some(cause) = foreign(&cursor, place.place()).or(other) {
            self.readership.observed.resumed_expired();
            return Beginning::Expired(cause);
        }
        let since = self.recent.since(&cursor);
        let is_ahead = matches!(since, Since::Ahead);
        let now = Instant::now();
        if is_ahead && *reader.ahead_since.get_or_insert(now) + MAX_AHEAD > now {
            self.readership.registry.waiting.insert(id);
            return Beginning::Later;
        }
        match since {
            Since::Tail(_) => self.readership.observed.resumed_from_memory(),
            Since::Ahead | Since::Unknown => self.readership.observed.resumed_from_log(),
        }
        Beginning::After(cursor)
    }

    /// Tells which feeds start anew: with rows, where they are asked for, else from now on.
    pub(super) fn tell_resets(&mut self, id: ReaderId, place: &Commit) {
        let registry = &mut self.readership.registry;
        let Some(reader) = registry.readers.get_mut(&id) else { return };
        let format = reader.format;
        let is_away = reader.away.is_some();
        let mut told = Vec::new();
        for subscription in &mut reader.subscriptions {
            let State::On { feed, at } = &mut subscription.state else { continue };
            let At::Reset(cause) = *at else { continue };
            let with_rows = subscription.asked.snapshot;
            if is_away && !with_rows {
                continue;
            }
            let place = Arc::clone(place.place());
            *at = match (with_rows, cause) {
                (true, ResetCause::CursorExpired) => {
                    At::Unsynced { after: Some(Arc::new(Cursor::origin(place.era))) }
                }
                (true, _) => At::Unsynced { after: Some(place) },
                (false, _) => At::Behind(place),
            };
            reader.owes_commit |= !with_rows;
            told.push(wire::reset(format, *feed, cause));
        }
        for delivery in told {
            reader.stage(delivery, Of::Answer);
        }
    }

    /// Has a feed start anew, whatever it was doing. What a catch-up brings for the reader is void then.
    pub(super) fn start_anew(&mut self, id: ReaderId, index: usize, cause: ResetCause) {
        let registry = &mut self.readership.registry;
        let Some(reader) = registry.readers.get_mut(&id) else { return };
        let is_behind = reader
            .subscriptions
            .get(index)
            .is_some_and(|of| matches!(of.at(), Some(At::Behind(_) | At::Within(_))));
        if is_behind && reader.away.is_some() {
            self.void_catch_up(id);
        }
        self.readership.registry.move_to(id, index, At::Reset(cause));
        self.readership.registry.waiting.insert(id);
    }

    /// The reader's catch-up is void. Its feeds are where its last commit was, if nothing came behind that; else how far
    /// they have got isn't known, and they start anew.
    pub(super) fn void_catch_up(&mut self, id: ReaderId) {
        let Registry { readers, waiting, .. } = &mut self.readership.registry;
        let Some(reader) = readers.get_mut(&id) else { return };
        if reader.away.take().is_none() {
            return;
        }
        let voided = reader.outbox().void_couriers();
        for subscription in &mut reader.subscriptions {
            let State::On { at: at @ At::Behind(_), .. } = &mut subscription.state else {
                continue;
            };
            match &voided {
                Voided { is_within: true, .. } => *at = At::Reset(ResetCause::CursorExpired),
                Voided { arrived: Some(place), .. } => *at = At::Behind(Arc::clone(place)),
                Voided { arrived: None, .. } => {}
            }
        }
        waiting.insert(id);
        self.readership.registry.close_muted(id);
    }
}
