//! From batches to outboxes, and which readers don't drain theirs.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::End;
use super::command::ReaderId;
use super::lenience::Lenience;
use super::observed::Observed;
use super::outbox::Pushed;
use super::reader::{Before, Of, Reader};
use super::registry::Registry;
use crate::wire::{Commit, Delivery, Feed};

/// The readers, and which of them the feed waits for.
#[derive(Debug)]
pub struct Readership {
    pub registry: Registry,
    pub observed: Observed,
    lenience: Lenience,
    /// Live ones with a backlog, because their outbox is full.
    pressed: BTreeSet<ReaderId>,
    /// Others with a backlog, for which nobody waits.
    owed: BTreeSet<ReaderId>,
}

impl Readership {
    pub fn new(observed: Observed) -> Self {
        Self {
            registry: Registry::default(),
            observed,
            lenience: Lenience::new(Instant::now()),
            pressed: BTreeSet::new(),
            owed: BTreeSet::new(),
        }
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
            let of = Of::Feed(feed, Before::Within(shape.sealed));
            reader.stage(framed.with_commit(), of);
        }
        shape.sealed = sealed.last().or(shape.sealed);
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
            let before = shape.sealed.take();
            if shape.batch.is_empty() {
                continue;
            }
            let sealed = shape.batch.seal_all(shape.formats(), commit);
            for id in shape.readers() {
                let Some(reader) = readers.get_mut(id) else { continue };
                let Some(framed) = sealed.format(reader.format) else { continue };
                if reader.stage_last(framed.clone(), *feed, Before::Within(before)) {
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
    /// only to those who have had nothing of it. Returns those with a window: they are told where they rest.
    pub fn keep_alive(
        &mut self,
        commit: &Commit,
        before: Instant,
        now: Instant,
        within_batch: bool,
    ) -> Vec<ReaderId> {
        let (mut due, mut resting) = (Vec::new(), Vec::new());
        for (id, reader) in &mut self.registry.readers {
            reader.within_batch &= within_batch;
            if reader.last_commit > before {
                continue;
            }
            if reader.takes_commits() {
                reader.stage(commit.alone(reader.format), Of::Commit);
                reader.last_commit = now;
                due.push(*id);
            } else if reader.is_windowed() {
                resting.push(*id);
            }
        }
        for id in due {
            self.send(id, now);
        }
        resting
    }

    /// Sends an answer. A reader that asks more than it reads is too slow.
    pub fn answer(&mut self, id: ReaderId, delivery: Delivery) {
        let Some(reader) = self.registry.readers.get_mut(&id) else { return };
        match reader.answer(delivery) {
            Pushed::Taken if reader.has_backlog() => self.note(id, Pushed::Full, Instant::now()),
            Pushed::Taken => {}
            Pushed::Full => self.give_up(id),
            Pushed::Gone => drop(self.registry.remove(id)),
        }
    }

    /// Sends what the hub itself has to say.
    pub fn tell(&mut self, id: ReaderId, delivery: Delivery, now: Instant) {
        let Some(reader) = self.registry.readers.get_mut(&id) else { return };
        reader.stage(delivery, Of::Answer);
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
        let left = |(id, reader): (&ReaderId, &Reader)| reader.outbox().is_gone().then_some(*id);
        let left: Vec<ReaderId> = self.registry.readers.iter().filter_map(left).collect();
        for id in left {
            self.registry.remove(id);
        }
    }

    /// Whether the feed waits for somebody.
    pub fn is_pressed(&self) -> bool {
        !self.pressed.is_empty()
    }

    /// When the feed waits no longer.
    pub fn overdue_at(&self) -> Option<Instant> {
        self.lenience.until().filter(|_| self.is_pressed())
    }

    /// Moves on what there is room for. Returns those who have nothing left that waits, and those for whom the feed
    /// waits no longer.
    pub fn relieve(&mut self, now: Instant) -> (Vec<ReaderId>, Vec<ReaderId>) {
        let is_over = self.lenience.until().is_some_and(|until| now >= until);
        let (mut relieved, mut overdue) = (Vec::new(), Vec::new());
        let mut lagging = std::mem::take(&mut self.pressed);
        lagging.append(&mut self.owed);
        for id in lagging {
            let Some(reader) = self.registry.readers.get_mut(&id) else { continue };
            match reader.relieve() {
                Pushed::Taken => relieved.push(id),
                Pushed::Full if is_over && reader.has_live() => overdue.push(id),
                pushed => self.note(id, pushed, now),
            }
        }
        if self.pressed.is_empty() {
            self.lenience.end(now);
        }
        (relieved, overdue)
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

    /// Sends what was staged.
    pub fn send(&mut self, id: ReaderId, now: Instant) {
        let Some(reader) = self.registry.readers.get_mut(&id) else { return };
        if reader.has_staged() {
            self.observed.deliveries.inc();
            self.observed.delivered_bytes.inc_by(reader.staged_bytes() as u64);
        }
        let pushed = reader.send_staged();
        self.note(id, pushed, now);
    }

    /// What to do about a reader whose outbox has no room, or is gone.
    pub fn note(&mut self, id: ReaderId, pushed: Pushed, now: Instant) {
        match pushed {
            Pushed::Taken => {}
            Pushed::Full => {
                let reader = self.registry.readers.get(&id);
                if reader.is_some_and(Reader::has_live) {
                    self.lenience.begin(now);
                    self.pressed.insert(id);
                } else {
                    self.owed.insert(id);
                }
            }
            Pushed::Gone => drop(self.registry.remove(id)),
        }
    }

    fn give_up(&mut self, id: ReaderId) {
        if let Some(reader) = self.registry.remove(id) {
            reader.outbox().end(End::TooSlow);
            self.observed.too_slow.inc();
        }
    }
}
