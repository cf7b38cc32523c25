//! The way of changes to shapes without readers or sockets: to measure it, and to test it.

use std::collections::BTreeSet;

use super::ShapeKey;
use super::doubt::Doubts;
use super::gather::Gathered;
use super::shapes::Shapes;
use crate::event::Change;
use crate::policy::{Current, Served};
use crate::wire::{Commit, Delivery, Feed, Format, Formats};

/// Shapes, and what was gathered for them.
#[derive(Debug)]
pub struct Router {
    shapes: Shapes,
    gathered: Gathered,
    doubts: Doubts,
    added: BTreeSet<Feed>,
}

impl Router {
    pub fn new(current: Current) -> Self {
        let (shapes, gathered) = (Shapes::default(), Gathered::default());
        Self { shapes, gathered, doubts: Doubts::new(current), added: BTreeSet::new() }
    }

    /// The shape's number; equal ones have the same.
    pub fn add(&mut self, key: ShapeKey) -> Feed {
        let feed = self.shapes.open(key);
        if !self.added.insert(feed) {
            self.shapes.close(feed);
        }
        self.shapes.wake(feed);
        feed
    }

    pub fn remove(&mut self, feed: Feed) {
        if self.added.remove(&feed) {
            self.shapes.close(feed);
        }
    }

    /// Routes a change; returns how many events it made, over all shapes.
    pub fn route(&mut self, change: &Change, served: &Served) -> u64 {
        let before = self.gathered.events;
        self.gathered.add(change, served, &mut self.shapes, &mut self.doubts);
        self.gathered.events - before
    }

    /// Ends the batch: what each shape's WebSocket readers would get.
    pub fn seal(&mut self, commit: &Commit) -> Vec<(Feed, Delivery)> {
        let formats = Formats { websocket: true, event_stream: false, poll: false };
        let gathered = std::mem::take(&mut self.gathered);
        let mut sealed = Vec::new();
        for feed in gathered.active {
            let Some(shape) = self.shapes.get_mut(feed) else { continue };
            let framed = shape.batch.seal_all(formats, commit);
            let framed = framed.format(Format::WebSocket).map(|framed| framed.without_commit());
            sealed.extend(framed.map(|delivery| (feed, delivery)));
        }
        sealed
    }
}
