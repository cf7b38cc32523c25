//! The shapes, by their numbers, keys and tables.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::ShapeKey;
use super::command::ReaderId;
use super::index::Index;
use crate::catalog::TableId;
use crate::event::Seq;
use crate::policy::{Case, Served, View};
use crate::wire::{Batch, Feed, Format, Formats};

/// A shape and those who read it live.
#[derive(Debug)]
pub struct Shape {
    pub key: ShapeKey,
    pub batch: Batch,
    /// The newest change of the batch under way that has been framed.
    pub sealed: Option<Seq>,
    /// How many subscriptions have it, live or not.
    holders: usize,
    readers: BTreeSet<ReaderId>,
    websockets: usize,
    event_streams: usize,
    polls: usize,
}

impl Shape {
    fn new(key: ShapeKey, batch: Batch) -> Self {
        Self {
            key,
            batch,
            sealed: None,
            holders: 0,
            readers: BTreeSet::new(),
            websockets: 0,
            event_streams: 0,
            polls: 0,
        }
    }

    /// Those who are sent what comes.
    pub fn readers(&self) -> &BTreeSet<ReaderId> {
        &self.readers
    }

    /// The formats that its readers want.
    pub fn formats(&self) -> Formats {
        Formats {
            websocket: self.websockets > 0,
            event_stream: self.event_streams > 0,
            poll: self.polls > 0,
        }
    }

    fn add_reader(&mut self, id: ReaderId, format: Format) {
        if self.readers.insert(id) {
            *self.count_of(format) += 1;
        }
    }

    fn remove_reader(&mut self, id: ReaderId, format: Format) {
        if self.readers.remove(&id) {
            *self.count_of(format) -= 1;
        }
    }

    fn count_of(&mut self, format: Format) -> &mut usize {
        match format {
            Format::WebSocket => &mut self.websockets,
            Format::EventStream => &mut self.event_streams,
            Format::Poll => &mut self.polls,
        }
    }
}

/// All shapes.
#[derive(Debug, Default)]
pub struct Shapes {
    by_feed: HashMap<Feed, Shape>,
    by_key: HashMap<ShapeKey, Feed>,
    /// Those with live readers.
    by_table: HashMap<TableId, Index>,
    /// The others: what comes passes them by.
    dormant: BTreeSet<Feed>,
    last_feed: u64,
}

impl Shapes {
    pub fn len(&self) -> usize {
        self.by_feed.len()
    }

    pub fn get(&self, feed: Feed) -> Option<&Shape> {
        self.by_feed.get(&feed)
    }

    pub fn get_mut(&mut self, feed: Feed) -> Option<&mut Shape> {
        self.by_feed.get_mut(&feed)
    }

    pub fn has_table(&self, table: TableId) -> bool {
        self.by_table.contains_key(&table)
    }

    /// The shapes of a table that have live readers, the oldest first.
    pub fn of_table(&self, table: TableId) -> Vec<Feed> {
        self.by_table.get(&table).into_iter().flat_map(Index::all).collect()
    }

    /// Adds those of them to `found`, which is empty, that may see the change.
    pub fn find(&self, table: TableId, case: &Case<'_>, found: &mut Vec<Feed>) {
        if let Some(index) = self.by_table.get(&table) {
            index.find(case, found);
        }
    }

    /// The shapes of tables that are other tables there, the oldest first.
    pub fn outdated(&self, served: &Served) -> Vec<Feed> {
        let is_current = |feed: &Feed| {
            self.by_feed.get(feed).is_some_and(|shape| served.is_current(&shape.key.view))
        };
        let tables = self.by_table.values();
        // All live shapes of a table are of the same state of it.
        let outdated = tables.filter(|index| !index.all().take(1).all(|feed| is_current(&feed)));
        let mut feeds: Vec<Feed> = outdated.flat_map(Index::all).collect();
        feeds.extend(self.dormant.iter().filter(|feed| !is_current(feed)));
        feeds.sort_unstable();
        feeds
    }

    /// The shape with this key, for one more subscription; a new one, if there is none.
    pub fn open(&mut self, key: ShapeKey) -> Feed {
        let feed = self.by_key.get(&key).copied().unwrap_or_else(|| self.add(key));
        if let Some(shape) = self.by_feed.get_mut(&feed) {
            shape.holders += 1;
        }
        feed
    }

    fn add(&mut self, key: ShapeKey) -> Feed {
        self.last_feed += 1;
        let feed = Feed(self.last_feed);
        let batch = self.batch(feed, &key);
        self.by_key.insert(key.clone(), feed);
        self.dormant.insert(feed);
        self.by_feed.insert(feed, Shape::new(key, batch));
        feed
    }

    /// A reader is sent from now on what the shape sees.
    pub fn attach(&mut self, feed: Feed, reader: ReaderId, format: Format) {
        self.wake(feed);
        if let Some(shape) = self.by_feed.get_mut(&feed) {
            shape.add_reader(reader, format);
        }
    }

    /// Lets the shape see what comes.
    pub fn wake(&mut self, feed: Feed) {
        let Some(shape) = self.by_feed.get(&feed).filter(|_| self.dormant.remove(&feed)) else {
            return;
        };
        let view = &shape.key.view;
        self.by_table.entry(view.table_id()).or_default().insert(feed, view.access());
    }

    /// A reader isn't sent any more what the shape sees. Without readers, what was gathered is forgotten.
    pub fn detach(&mut self, feed: Feed, reader: ReaderId, format: Format) {
        let Some(shape) = self.by_feed.get_mut(&feed) else { return };
        shape.remove_reader(reader, format);
        if shape.readers.is_empty() && self.dormant.insert(feed) {
            shape.batch = shape.batch.another(feed);
            shape.sealed = None;
            let view = Arc::clone(&shape.key.view);
            self.leave(feed, &view);
        }
    }

    /// What many shapes of a table write alike is kept once: most look like the one before them.
    fn batch(&self, feed: Feed, key: &ShapeKey) -> Batch {
        let newest = self.by_table.get(&key.view.table_id()).and_then(Index::newest);
        let alike = newest.and_then(|newest| self.by_feed.get(&newest)).filter(|shape| {
            shape.key.with_old == key.with_old && shape.key.view.is_written_like(&key.view)
        });
        match alike {
            Some(shape) => shape.batch.another(feed),
            None => Batch::new(feed, &key.view, key.with_old),
        }
    }

    /// A subscription has the shape no more. Without any, it goes.
    pub fn close(&mut self, feed: Feed) {
        let Some(shape) = self.by_feed.get_mut(&feed) else { return };
        shape.holders = shape.holders.saturating_sub(1);
        if shape.holders == 0
            && let Some(shape) = self.by_feed.remove(&feed)
        {
            self.forget(feed, &shape.key);
            if !self.dormant.remove(&feed) {
                self.leave(feed, &shape.key.view);
            }
        }
    }

    /// Gives a shape another view, which looks the same to its readers. What was gathered stays.
    pub fn replace(&mut self, feed: Feed, key: ShapeKey) {
        let Some(mut shape) = self.by_feed.remove(&feed) else { return };
        self.forget(feed, &shape.key);
        if !self.dormant.contains(&feed) {
            self.leave(feed, &shape.key.view);
            let index = self.by_table.entry(key.view.table_id()).or_default();
            index.insert(feed, key.view.access());
        }
        // Where another shape has the same key, that one stays the one to be found by it.
        self.by_key.entry(key.clone()).or_insert(feed);
        shape.batch.rebind(&key.view, key.with_old);
        shape.key = key;
        self.by_feed.insert(feed, shape);
    }

    fn forget(&mut self, feed: Feed, key: &ShapeKey) {
        if self.by_key.get(key) == Some(&feed) {
            self.by_key.remove(key);
        }
    }

    fn leave(&mut self, feed: Feed, view: &View) {
        if let Entry::Occupied(mut index) = self.by_table.entry(view.table_id()) {
            index.get_mut().remove(feed, view.access());
            if index.get().is_empty() {
                index.remove();
            }
        }
    }
}
