//! Subscriptions whose table was altered, or whose reader has other claims: what they ask for is looked at again. Who
//! would see something else starts anew; who would see nothing is told so.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::End;
use super::command::ReaderId;
use super::hub::Hub;
use super::reader::{State, Subscription};
use super::{Asked, ShapeKey};
use crate::identity::Claims;
use crate::policy::{Served, Unknown, View};
use crate::wire::{self, Feed, Format, Refusal, ResetCause};

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
        self.forget_altered(&before);
        let shapes = &mut self.readership.registry.shapes;
        for table in looked {
            self.gathered.reset_table(table, shapes);
        }
        for feed in shapes.outdated(&self.served) {
            self.renew_feed(feed);
        }
        self.flush();
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
    fn renew_feed(&mut self, feed: Feed) {
        let Some(shape) = self.readership.registry.shapes.get(feed) else { return };
        let before = shape.key.clone();
        let mut kept: Option<Arc<View>> = None;
        let mut others: Vec<Seen> = Vec::new();
        for (reader, id, asked) in self.subscribers_of(feed) {
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

    fn subscribers_of(&self, feed: Feed) -> Vec<(ReaderId, String, Asked)> {
        let registry = &self.readership.registry;
        let readers = registry.shapes.get(feed).map(|shape| shape.readers()).into_iter().flatten();
        let mut found = Vec::new();
        for id in readers {
            let Some(reader) = registry.readers.get(id) else { continue };
            let of_feed = reader.subscriptions.iter().filter(|of| of.state.is_live_on(feed));
            found.extend(of_feed.map(|of| (*id, of.id.clone(), of.asked.clone())));
        }
        found
    }

    /// A reader's credential was renewed. What went out before `hello` was for the claims that it had, what comes after
    /// is for these.
    pub(super) fn renew_claims(&mut self, id: ReaderId, claims: &Claims) {
        let registry = &self.readership.registry;
        if registry.readers.get(&id).is_some_and(|reader| reader.format == Format::WebSocket) {
            self.readership.answer(id, wire::hello(claims));
        }
        let registry = &mut self.readership.registry;
        let Some(reader) = registry.readers.get_mut(&id) else { return };
        let mut others = Vec::new();
        for Subscription { id: name, asked, state } in &mut reader.subscriptions {
            asked.claims = claims.clone();
            let view = self.served.view(&asked.request, claims);
            let same = match (&view, &*state) {
                (Ok(view), State::Waiting(before)) => *view == **before,
                (Ok(view), State::Live(feed)) => {
                    registry.shapes.get(*feed).is_some_and(|shape| *shape.key.view == *view)
                }
                (Err(_), _) => false,
            };
            if !same {
                others.push((id, name.clone(), view));
            }
        }
        self.begin_anew(others);
    }

    /// Takes subscriptions from their feeds, and makes them live with what they see now.
    fn begin_anew(&mut self, subscriptions: Vec<Seen>) {
        let now = Instant::now();
        let mut told = HashSet::new();
        for (id, name, view) in subscriptions {
            let Some(ended) = self.readership.registry.unsubscribe(id, &name) else { continue };
            let Some(reader) = self.readership.registry.readers.get_mut(&id) else { continue };
            let view = match view {
                Ok(view) => view,
                Err(unknown) => {
                    self.refuse(id, &name, &unknown.into());
                    continue;
                }
            };
            let state = State::Waiting(Arc::new(view));
            let format = reader.format;
            reader.subscriptions.push(Subscription { state, ..ended.clone() });
            if let State::Live(feed) = ended.state
                && told.insert((id, feed))
            {
                let reset = wire::reset(format, feed, ResetCause::TableChanged);
                self.readership.tell(id, reset, now);
            }
            self.live_or_waiting(id, &name);
        }
    }

    /// Ends one subscription; of an event stream that is all there is.
    pub(super) fn refuse(&mut self, id: ReaderId, subscription: &str, refusal: &Refusal) {
        let registry = &mut self.readership.registry;
        registry.unsubscribe(id, subscription);
        let Some(reader) = registry.readers.get(&id) else { return };
        let format = reader.format;
        match format {
            Format::WebSocket => {
                let error = wire::error(Some(subscription), refusal);
                self.readership.tell(id, error, Instant::now());
            }
            Format::EventStream => {
                let end = wire::event_stream_end(refusal);
                self.readership.tell(id, end, Instant::now());
                self.readership.end_one(id, End::Withdrawn);
            }
            Format::Poll => {
                self.readership.tell(id, wire::poll::refused(refusal), Instant::now());
                self.readership.end_one(id, End::Withdrawn);
            }
        }
    }

    /// Gives up on doubted tables that nobody has looked at.
    pub(super) fn settle_doubts(&mut self) {
        if self.within_batch {
            return;
        }
        for table in self.doubts.overdue(Instant::now()) {
            self.gathered.reset_table(table, &mut self.readership.registry.shapes);
        }
        self.flush();
    }

    /// Sends what was gathered between batches, at the place where the last one ended. Before there is a place, it
    /// goes with the first batch.
    fn flush(&mut self) {
        let Some(place) = &self.place else { return };
        let gathered = std::mem::take(&mut self.gathered);
        self.readership.deliver_all(&gathered.active, place, Instant::now());
    }
}
