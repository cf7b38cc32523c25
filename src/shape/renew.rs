//! Subscriptions whose table was altered, or whose reader has other claims: what they ask for is looked at again. Who
//! would see something else starts anew; who would see nothing is told so.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use super::command::ReaderId;
use super::diff::Differences;
use super::hub::Hub;
use super::reader::{At, State, Subscription};
use super::registry::Registry;
use super::{Asked, End, ShapeKey};
use crate::catalog::TableId;
use crate::identity::Claims;
use crate::policy::{Served, Unknown, View};
use crate::wire::{self, Commit, Feed, Format, Refusal, ResetCause};

/// A subscription, and what is seen through it now.
type Seen = (ReaderId, String, Result<View, Unknown>);

impl Hub {
    /// Goes on with renewed tables, if there are some and no batch is under way.
    pub(super) fn renew(&mut self) {
        if self.within_batch {
            return;
        }
        let Some(served) = self.pending.take() else { return };
        let has_looked = self.looks > self.looks_heeded;
        if Arc::ptr_eq(&served, &self.served) && !has_looked {
            return;
        }
        self.looks_heeded = self.looks;
        let before = std::mem::replace(&mut self.served, served);
        let looked = self.doubts.settle(has_looked);
        if self.served.sight() != before.sight() || !looked.is_empty() {
            self.tell_anew();
        }
        self.forget_altered(&before);
        for table in looked {
            self.reset_live(table);
        }
        let outdated = self.readership.registry.shapes.outdated(&self.served);
        if !outdated.is_empty() {
            self.differences = Differences::default();
            let mut subscribers = self.subscribers_of(&outdated);
            for feed in outdated {
                self.renew_feed(feed, subscribers.remove(&feed).unwrap_or_default());
            }
        }
        self.bring_on_waiting();
    }

    /// The hub's place is told anew, by what is served and held back now.
    fn tell_anew(&mut self) {
        let sight = self.doubts.beliefs().sight_of(&self.served);
        let told = |place: &Commit| Commit::told(Arc::clone(place.place()), sight);
        self.place = self.place.as_ref().map(told);
        self.differences = Differences::default();
    }

    /// What is live of a table starts anew, and what may have been when something was held back: it has left since.
    fn reset_live(&mut self, table: TableId) {
        let Registry { readers, shapes, .. } = &self.readership.registry;
        let is_of = |feed: Feed| shapes.get(feed).is_some_and(|of| of.key.view.table_id() == table);
        let has_place =
            |of: &Subscription| matches!(of.at(), Some(At::Live | At::Behind(_) | At::Within(_)));
        let mut concerned = Vec::new();
        for (id, reader) in readers {
            for (index, of) in reader.subscriptions.iter().enumerate() {
                if has_place(of) && of.feed().is_some_and(is_of) {
                    concerned.push((*id, index));
                }
            }
        }
        for (id, index) in concerned {
            self.start_anew(id, index, ResetCause::TableChanged);
        }
    }

    fn forget_altered(&mut self, before: &Served) {
        for table in before.tables() {
            let now = self.served.table(table.table().id);
            if now.is_none_or(|now| now.table() != table.table()) {
                self.doubts.altered(table);
            }
        }
    }

    /// Gives a feed the view that its readers have now. Those who don't have the same leave it.
    fn renew_feed(&mut self, feed: Feed, subscribers: Vec<(ReaderId, String, Asked)>) {
        let Some(shape) = self.readership.registry.shapes.get(feed) else { return };
        let before = shape.key.clone();
        let mut kept: Option<Arc<View>> = None;
        let mut others: Vec<Seen> = Vec::new();
        for (reader, id, asked) in subscribers {
            match self.served.view(&asked.request, &asked.claims) {
                Ok(view)
                    if view.looks_like(&before.view)
                        && kept.as_ref().is_none_or(|kept| **kept == view) =>
                {
                    kept.get_or_insert_with(|| Arc::new(view));
                }
                view => others.push((reader, id, view)),
            }
        }
        if let Some(view) = kept {
            let key = ShapeKey { view, with_old: before.with_old, copy: before.copy };
            self.readership.registry.shapes.replace(feed, key);
        }
        self.begin_anew(others);
    }

    fn subscribers_of(&self, feeds: &[Feed]) -> HashMap<Feed, Vec<(ReaderId, String, Asked)>> {
        let wanted: BTreeSet<Feed> = feeds.iter().copied().collect();
        let mut found: HashMap<Feed, Vec<_>> = HashMap::new();
        for (id, reader) in &self.readership.registry.readers {
            for subscription in &reader.subscriptions {
                let Some(feed) = subscription.feed().filter(|feed| wanted.contains(feed)) else {
                    continue;
                };
                let subscriber = (*id, subscription.id.clone(), subscription.asked.clone());
                found.entry(feed).or_default().push(subscriber);
            }
        }
        found
    }

    /// A reader's credential was renewed. What went out before `hello` was for the claims that it had, what comes after
    /// is for these.
    pub(super) fn renew_claims(&mut self, id: ReaderId, claims: &Claims) {
        let registry = &mut self.readership.registry;
        let Some(reader) = registry.readers.get_mut(&id) else { return };
        let format = reader.format;
        let mut others = Vec::new();
        for subscription in &mut reader.subscriptions {
            subscription.asked.claims = claims.clone();
            let view = self.served.view(&subscription.asked.request, claims);
            let same = match (&view, &subscription.state) {
                (Ok(view), State::Waiting(before)) => *view == **before,
                (Ok(view), State::On { feed, .. }) => {
                    registry.shapes.get(*feed).is_some_and(|shape| *shape.key.view == *view)
                }
                (Err(_), _) => false,
            };
            if !same {
                others.push((id, subscription.id.clone(), view));
            }
        }
        for (_, name, view) in &others {
            self.withhold(id, name, view.is_err());
        }
        if format == Format::WebSocket {
            self.readership.answer(id, wire::hello(claims));
        }
        self.begin_anew(others);
    }

    /// Couriers bring nothing any more of a subscription, by what it has seen so far.
    fn withhold(&mut self, id: ReaderId, name: &str, is_over: bool) {
        let Some(reader) = self.readership.registry.readers.get(&id) else { return };
        let Some(index) = reader.position(name) else { return };
        let of = &reader.subscriptions[index];
        let is_brought = reader.away.is_some() && matches!(of.at(), Some(At::Behind(_)));
        match of.feed().filter(|_| is_over && is_brought) {
            Some(feed) => reader.outbox().mute(feed),
            None => self.start_anew(id, index, ResetCause::TableChanged),
        }
    }

    /// Takes subscriptions from their feeds, and has them begin with what they see now.
    fn begin_anew(&mut self, subscriptions: Vec<Seen>) {
        let mut concerned = BTreeSet::new();
        for (id, name, view) in subscriptions {
            let Some(reader) = self.readership.registry.readers.get(&id) else { continue };
            let Some(index) = reader.position(&name) else { continue };
            let format = reader.format;
            match view {
                Ok(view) => {
                    self.start_anew(id, index, ResetCause::TableChanged);
                    let before = self.readership.registry.begin_anew(id, index, Arc::new(view));
                    if let Some(feed) = before {
                        let reset = wire::reset(format, feed, ResetCause::TableChanged);
                        self.readership.tell(id, reset, Instant::now());
                    }
                }
                Err(unknown) => self.refuse(id, index, &unknown.into()),
            }
            concerned.insert(id);
        }
        for id in concerned {
            self.bring_on(id);
        }
    }

    /// Ends one subscription; of an event stream and of a poll that is all there is.
    pub(super) fn refuse(&mut self, id: ReaderId, index: usize, refusal: &Refusal) {
        let registry = &mut self.readership.registry;
        let Some(ended) = registry.unsubscribe(id, index) else { return };
        let Some(reader) = registry.readers.get(&id) else { return };
        let now = Instant::now();
        match reader.format {
            Format::WebSocket => {
                self.readership.tell(id, wire::error(Some(&ended.id), refusal), now);
                return self.set_window(id);
            }
            Format::EventStream => {
                self.readership.tell(id, wire::event_stream_end(refusal), now);
            }
            Format::Poll => self.readership.tell(id, wire::poll::refused(refusal), now),
        }
        self.readership.end_one(id, End::Withdrawn);
    }

    /// Gives up on doubted tables that nobody has looked at.
    pub(super) fn settle_doubts(&mut self) {
        if self.within_batch {
            return;
        }
        let overdue = self.doubts.overdue(Instant::now());
        if !overdue.is_empty() {
            self.tell_anew();
        }
        for table in overdue {
            self.reset_live(table);
        }
        self.bring_on_waiting();
    }

    /// Those start anew with rows whose feeds were reset within the batch: nothing more of it is for them.
    pub(super) fn reset_with_rows(&mut self) {
        for feed in std::mem::take(&mut self.gathered.reset) {
            let Some(shape) = self.readership.registry.shapes.get(feed) else { continue };
            for id in shape.readers().clone() {
                let reader = self.readership.registry.readers.get(&id);
                let with_rows = reader.and_then(|reader| {
                    let index = reader.position_of(feed)?;
                    reader.subscriptions[index].asked.snapshot.then_some(index)
                });
                if let Some(index) = with_rows {
                    self.start_anew(id, index, ResetCause::TableChanged);
                }
            }
        }
    }
}
