//! Who reads what: readers by their numbers, and the shapes that they share.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::ShapeKey;
use super::command::ReaderId;
use super::reader::{At, Reader, State, Subscription};
use super::shapes::Shapes;
use crate::policy::View;
use crate::wire::Feed;

#[derive(Debug, Default)]
pub struct Registry {
    pub readers: HashMap<ReaderId, Reader>,
    pub shapes: Shapes,
    /// Those that can go on at the end of a batch.
    pub waiting: BTreeSet<ReaderId>,
}

impl Registry {
    /// Gives a waiting subscription its feed. On one connection each has its own: equal ones begin at different places.
    pub fn open(&mut self, id: ReaderId, index: usize, at: At) -> Option<Feed> {
        let reader = self.readers.get_mut(&id)?;
        let subscription = reader.subscriptions.get(index)?;
        let State::Waiting(view) = &subscription.state else { return None };
        let (view, with_old) = (Arc::clone(view), subscription.asked.with_old);
        let feeds = reader.subscriptions.iter().filter_map(Subscription::feed);
        let keys = feeds.chain(reader.muted.iter().copied());
        let keys = keys.filter_map(|feed| Some(&self.shapes.get(feed)?.key));
        let equal = keys.filter(|key| key.with_old == with_old && key.view == view);
        let taken: BTreeSet<u32> = equal.map(|key| key.copy).collect();
        let copy = (0..).find(|copy| !taken.contains(copy))?;
        let feed = self.shapes.open(ShapeKey { view, with_old, copy });
        reader.subscriptions[index].state = State::On { feed, at };
        Some(feed)
    }

    /// Moves a subscription with a feed to another place.
    pub fn move_to(&mut self, id: ReaderId, index: usize, to: At) {
        let Some(reader) = self.readers.get_mut(&id) else { return };
        let format = reader.format;
        let Some(State::On { feed, at }) =
            reader.subscriptions.get_mut(index).map(|of| &mut of.state)
        else {
            return;
        };
        match (&*at, &to) {
            (At::Live, At::Live) => {}
            (At::Live, _) => self.shapes.detach(*feed, id, format),
            (_, At::Live) => self.shapes.attach(*feed, id, format),
            _ => {}
        }
        *at = to;
    }

    /// Takes the feed from a subscription, which waits again for where it begins. Returns what it had.
    pub fn begin_anew(&mut self, id: ReaderId, index: usize, view: Arc<View>) -> Option<Feed> {
        let reader = self.readers.get_mut(&id)?;
        let format = reader.format;
        let subscription = reader.subscriptions.get_mut(index)?;
        let before = std::mem::replace(&mut subscription.state, State::Waiting(view));
        let State::On { feed, at } = before else { return None };
        if matches!(at, At::Live) {
            self.shapes.detach(feed, id, format);
        }
        self.shapes.close(feed);
        Some(feed)
    }

    /// The catch-up is over during which these feeds ended.
    pub fn close_muted(&mut self, id: ReaderId) {
        let Some(reader) = self.readers.get_mut(&id) else { return };
        if reader.muted.is_empty() {
            return;
        }
        reader.outbox().unmute();
        for feed in std::mem::take(&mut reader.muted) {
            self.shapes.close(feed);
        }
    }

    /// Ends a subscription; returns what it was. What a catch-up brings of it is left out.
    pub fn unsubscribe(&mut self, id: ReaderId, index: usize) -> Option<Subscription> {
        let reader = self.readers.get_mut(&id)?;
        if index >= reader.subscriptions.len() {
            return None;
        }
        let ended = reader.subscriptions.swap_remove(index);
        if let Some(feed) = ended.feed() {
            if ended.is_live() {
                self.shapes.detach(feed, id, reader.format);
            }
            if reader.away.is_some() && matches!(ended.at(), Some(At::Behind(_))) {
                reader.outbox().mute(feed);
                reader.muted.push(feed);
            } else {
                self.shapes.close(feed);
            }
        }
        Some(ended)
    }

    /// Removes a reader and the shapes that only it read.
    pub fn remove(&mut self, id: ReaderId) -> Option<Reader> {
        let reader = self.readers.remove(&id)?;
        self.waiting.remove(&id);
        for subscription in &reader.subscriptions {
            let Some(feed) = subscription.feed() else { continue };
            if subscription.is_live() {
                self.shapes.detach(feed, id, reader.format);
            }
            self.shapes.close(feed);
        }
        for feed in &reader.muted {
            self.shapes.close(*feed);
        }
        Some(reader)
    }
}
