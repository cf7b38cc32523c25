//! Who reads what: readers by their numbers, and the shapes that they share.

use std::collections::{BTreeSet, HashMap};

use super::ShapeKey;
use super::command::ReaderId;
use super::reader::{Reader, State, Subscription};
use super::shapes::Shapes;
use crate::wire::{Feed, Format};

#[derive(Debug, Default)]
pub struct Registry {
    pub readers: HashMap<ReaderId, Reader>,
    pub shapes: Shapes,
    /// Those with subscriptions that wait for the end of a batch.
    pub waiting: BTreeSet<ReaderId>,
}

impl Registry {
    /// The subscriptions that still wait, of readers that are still there.
    pub fn take_waiting(&mut self) -> Vec<(ReaderId, String)> {
        let mut waiting = Vec::new();
        for id in std::mem::take(&mut self.waiting) {
            let Some(reader) = self.readers.get(&id) else { continue };
            waiting.extend(reader.waiting().map(|subscription| (id, subscription.to_owned())));
        }
        waiting
    }

    /// Makes a waiting subscription live; returns its feed.
    pub fn attach(&mut self, id: ReaderId, subscription: &str) -> Option<Feed> {
        let reader = self.readers.get_mut(&id)?;
        let found = reader.subscription_mut(subscription)?;
        let State::Waiting(view) = &found.state else { return None };
        let key = ShapeKey { view: view.clone(), with_old: found.asked.with_old, copy: 0 };
        let feed = self.shapes.open(key);
        let is_first = !reader.has_feed(feed);
        reader.subscription_mut(subscription)?.state = State::Live(feed);
        if is_first && let Some(shape) = self.shapes.get_mut(feed) {
            shape.add_reader(id, reader.format);
        }
        Some(feed)
    }

    /// Ends a subscription; returns what it was.
    pub fn unsubscribe(&mut self, id: ReaderId, subscription: &str) -> Option<Subscription> {
        let reader = self.readers.get_mut(&id)?;
        let at = reader.subscriptions.iter().position(|of| of.id == subscription)?;
        let ended = reader.subscriptions.swap_remove(at);
        let format = reader.format;
        if let State::Live(feed) = ended.state
            && !reader.has_feed(feed)
        {
            self.detach(id, format, feed);
        }
        Some(ended)
    }

    /// Removes a reader and the shapes that only it read.
    pub fn remove(&mut self, id: ReaderId) -> Option<Reader> {
        let reader = self.readers.remove(&id)?;
        self.waiting.remove(&id);
        for subscription in &reader.subscriptions {
            if let State::Live(feed) = subscription.state {
                self.detach(id, reader.format, feed);
            }
        }
        Some(reader)
    }

    fn detach(&mut self, id: ReaderId, format: Format, feed: Feed) {
        let Some(shape) = self.shapes.get_mut(feed) else { return };
        shape.remove_reader(id, format);
        if shape.readers().is_empty() {
            self.shapes.close(feed);
        }
    }
}
