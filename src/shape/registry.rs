//! Who reads what: shapes by their keys and tables, readers by their numbers.

use std::collections::{BTreeSet, HashMap};

use super::ShapeKey;
use super::command::ReaderId;
use super::reader::{Reader, Subscription};
use crate::catalog::TableId;
use crate::wire::{Batch, Feed, Format, Formats};

/// A shape and those who read it, each once.
#[derive(Debug)]
pub struct Shape {
    pub key: ShapeKey,
    pub batch: Batch,
    pub readers: Vec<ReaderId>,
    websockets: usize,
    event_streams: usize,
}

impl Shape {
    fn new(key: ShapeKey, feed: Feed) -> Self {
        let batch = Batch::new(feed, &key.view, key.with_old);
        Self { key, batch, readers: Vec::new(), websockets: 0, event_streams: 0 }
    }

    /// The formats that its readers want.
    pub fn formats(&self) -> Formats {
        Formats { websocket: self.websockets > 0, event_stream: self.event_streams > 0 }
    }

    fn count_of(&mut self, format: Format) -> &mut usize {
        match format {
            Format::WebSocket => &mut self.websockets,
            Format::EventStream => &mut self.event_streams,
        }
    }
}

#[derive(Debug, Default)]
pub struct Registry {
    pub readers: HashMap<ReaderId, Reader>,
    pub shapes: HashMap<Feed, Shape>,
    /// Those with subscriptions that wait for the end of a batch.
    pub waiting: BTreeSet<ReaderId>,
    by_key: HashMap<ShapeKey, Feed>,
    by_table: HashMap<TableId, Vec<Feed>>,
    last_feed: u64,
}

impl Registry {
    /// The shapes whose table this is.
    pub fn feeds_of(&self, table: TableId) -> &[Feed] {
        self.by_table.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The same, with all shapes, to change them.
    pub fn shapes_of(&mut self, table: TableId) -> (&[Feed], &mut HashMap<Feed, Shape>) {
        (self.by_table.get(&table).map_or(&[], Vec::as_slice), &mut self.shapes)
    }

    /// The subscriptions that still wait, of readers that are still there.
    pub fn take_waiting(&mut self) -> Vec<(ReaderId, String)> {
        let mut waiting = Vec::new();
        for id in std::mem::take(&mut self.waiting) {
            let Some(reader) = self.readers.get(&id) else { continue };
            waiting.extend(reader.waiting().map(|subscription| (id, subscription.to_owned())));
        }
        waiting
    }

    /// Makes the subscription live; returns its feed, unless the reader or the subscription is gone.
    pub fn attach(&mut self, id: ReaderId, subscription: &str) -> Option<Feed> {
        let reader = self.readers.get_mut(&id)?;
        let at = reader.subscriptions.iter().position(|(name, _)| name == subscription)?;
        let Subscription::Waiting(key) = &reader.subscriptions[at].1 else { return None };
        let key = key.clone();
        let feed = self.by_key.get(&key).copied().unwrap_or_else(|| {
            self.last_feed += 1;
            let feed = Feed(self.last_feed);
            self.by_key.insert(key.clone(), feed);
            self.by_table.entry(key.view.table_id()).or_default().push(feed);
            self.shapes.insert(feed, Shape::new(key, feed));
            feed
        });
        let is_first = !reader.has_feed(feed);
        reader.subscriptions[at].1 = Subscription::Live(feed);
        if is_first {
            let shape = self.shapes.get_mut(&feed).expect("a feed that has a key has a shape");
            shape.readers.push(id);
            *shape.count_of(reader.format) += 1;
        }
        Some(feed)
    }

    /// Ends a subscription; returns what it was.
    pub fn unsubscribe(&mut self, id: ReaderId, subscription: &str) -> Option<Subscription> {
        let reader = self.readers.get_mut(&id)?;
        let at = reader.subscriptions.iter().position(|(name, _)| name == subscription)?;
        let (_, ended) = reader.subscriptions.swap_remove(at);
        let format = reader.format;
        if let Subscription::Live(feed) = ended
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
        for (_, subscription) in &reader.subscriptions {
            if let Subscription::Live(feed) = subscription {
                self.detach(id, reader.format, *feed);
            }
        }
        Some(reader)
    }

    fn detach(&mut self, id: ReaderId, format: Format, feed: Feed) {
        let Some(shape) = self.shapes.get_mut(&feed) else { return };
        let Some(at) = shape.readers.iter().position(|reader| *reader == id) else { return };
        shape.readers.swap_remove(at);
        *shape.count_of(format) -= 1;
        if shape.readers.is_empty() {
            self.drop_shape(feed);
        }
    }

    fn drop_shape(&mut self, feed: Feed) {
        let Some(shape) = self.shapes.remove(&feed) else { return };
        self.by_key.remove(&shape.key);
        let table = shape.key.view.table_id();
        if let Some(feeds) = self.by_table.get_mut(&table) {
            feeds.retain(|of_table| *of_table != feed);
            if feeds.is_empty() {
                self.by_table.remove(&table);
            }
        }
    }
}
