//! From batches to outboxes, and what happens to readers that don't drain theirs.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::End;
use super::command::ReaderId;
use super::observed::Observed;
use super::outbox::Pushed;
use super::registry::Registry;
use crate::wire::{Commit, Delivery, Feed};

/// The readers, and which of them the feed waits for.
#[derive(Debug)]
pub struct Readership {
    pub registry: Registry,
    observed: Observed,
    patience: Duration,
    /// Those with a backlog, because their outbox is full.
    pressed: BTreeSet<ReaderId>,
}

impl Readership {
    pub fn new(patience: Duration, observed: Observed) -> Self {
        Self { registry: Registry::default(), observed, patience, pressed: BTreeSet::new() }
    }

    /// Frames what a feed has so far and sends it; the batch goes on.
    pub fn deliver_some(&mut self, feed: Feed, now: Instant) {
        let Registry { shapes, readers, .. } = &mut self.registry;
        let Some(shape) = shapes.get_mut(feed) else { return };
        let Some(sealed) = shape.batch.seal_some(shape.formats()) else { return };
        let of_feed = shape.readers().clone();
        for id in &of_feed {
            let Some(reader) = readers.get_mut(id) else { continue };
            let Some(framed) = sealed.format(reader.format) else { continue };
            reader.within_batch = true;
            reader.stage(framed.with_commit());
        }
        for id in of_feed {
            self.send(id, now);
        }
    }

    /// Frames what the feeds have, ended by the commit, and sends it: one piece for each reader.
    pub fn deliver_all(&mut self, feeds: &[Feed], commit: &Commit, now: Instant) {
        let Registry { shapes, readers, .. } = &mut self.registry;
        let mut touched = Vec::new();
        for feed in feeds {
            let Some(shape) = shapes.get_mut(*feed) else { continue };
            let sealed = shape.batch.seal_all(shape.formats(), commit);
            for id in shape.readers() {
                let Some(reader) = readers.get_mut(id) else { continue };
                let Some(framed) = sealed.format(reader.format) else { continue };
                if reader.stage_last(framed.clone()) {
                    touched.push(*id);
                }
            }
        }
        for id in touched {
            if let Some(reader) = self.registry.readers.get_mut(&id) {
                reader.end_batch(now);
                self.send(id, now);
            }
        }
    }

    /// Tells the cursor to those who have had no commit since `before`; while a batch is under way (`within_batch`),
    /// only to those who have had nothing of it.
    pub fn keep_alive(
        &mut self,
        commit: &Commit,
        before: Instant,
        now: Instant,
        within_batch: bool,
    ) {
        let mut due = Vec::new();
        for (id, reader) in &mut self.registry.readers {
            reader.within_batch &= within_batch;
            if !reader.within_batch && reader.last_commit <= before {
                reader.stage(commit.alone(reader.format));
                reader.last_commit = now;
                due.push(*id);
            }
        }
        for id in due {
            self.send(id, now);
        }
    }

    /// Sends an answer. A reader that asks more than it reads is too slow.
    pub fn answer(&mut self, id: ReaderId, delivery: Delivery) {
        let Some(reader) = self.registry.readers.get_mut(&id) else { return };
        match reader.answer(delivery) {
            Pushed::Taken => {}
            Pushed::Full => self.give_up(id),
            Pushed::Gone => drop(self.registry.remove(id)),
        }
    }

    /// Sends what the hub itself has to say.
    pub fn tell(&mut self, id: ReaderId, delivery: Delivery, now: Instant) {
        let Some(reader) = self.registry.readers.get_mut(&id) else { return };
        reader.stage(delivery);
        self.send(id, now);
    }

    /// Ends one connection, when what waits for it has gone out.
    pub fn end_one(&mut self, id: ReaderId, end: End) {
        if let Some(reader) = self.registry.remove(id) {
            reader.outbox().end(end);
        }
    }

    /// Forgets those who have left.
    pub fn sweep(&mut self) {
        let left = |(id, reader): (&ReaderId, &super::reader::Reader)| {
            reader.outbox().is_gone().then_some(*id)
        };
        let left: Vec<ReaderId> = self.registry.readers.iter().filter_map(left).collect();
        for id in left {
            self.registry.remove(id);
        }
    }

    /// Whether the feed waits for somebody.
    pub fn is_pressed(&self) -> bool {
        !self.pressed.is_empty()
    }

    /// When patience with the first of them runs out.
    pub fn overdue_at(&self) -> Option<Instant> {
        let waiting = self.pressed.iter().filter_map(|id| self.registry.readers.get(id));
        waiting.map(|reader| reader.progress_at() + self.patience).min()
    }

    /// Moves on what there is room for; gives up on those who have taken nothing for too long.
    pub fn relieve(&mut self, now: Instant) {
        for id in std::mem::take(&mut self.pressed) {
            let Some(reader) = self.registry.readers.get_mut(&id) else { continue };
            let pushed = reader.relieve(now);
            if pushed == Pushed::Full && now >= reader.progress_at() + self.patience {
                self.give_up(id);
            } else {
                self.note(id, pushed);
            }
        }
    }

    /// Tells everybody that it is over.
    pub fn end(&mut self) {
        for (_, reader) in self.registry.readers.drain() {
            reader.outbox().end(End::Restarting);
        }
    }

    pub fn observe(&self) {
        self.observed.readers.set(self.registry.readers.len() as i64);
        self.observed.feeds.set(self.registry.shapes.len() as i64);
    }

    fn send(&mut self, id: ReaderId, now: Instant) {
        let Some(reader) = self.registry.readers.get_mut(&id) else { return };
        self.observed.deliveries.inc();
        self.observed.delivered_bytes.inc_by(reader.staged_bytes() as u64);
        let pushed = reader.send_staged(now);
        self.note(id, pushed);
    }

    fn note(&mut self, id: ReaderId, pushed: Pushed) {
        match pushed {
            Pushed::Taken => {}
            Pushed::Full => drop(self.pressed.insert(id)),
            Pushed::Gone => drop(self.registry.remove(id)),
        }
    }

    /// Where a reader stops being live because it can't keep up. So far that ends its connection; here is where it
    /// would go on from the log instead.
    fn give_up(&mut self, id: ReaderId) {
        if let Some(reader) = self.registry.remove(id) {
            reader.outbox().end(End::TooSlow);
            self.observed.too_slow.inc();
        }
    }
}
