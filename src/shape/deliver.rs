//! From batches to outboxes, and what happens to readers that don't drain theirs.

use tokio::time::Instant;

use super::End;
use super::command::ReaderId;
use super::observed::Observed;
use super::outbox::Pushed;
use super::registry::Registry;
use crate::wire::{Commit, Delivery, Feed};

/// Readers that the feed waits for, and the ends of those that are gone.
#[derive(Debug, Default)]
pub struct Pressed(Vec<ReaderId>);

/// Frames what a feed has so far and sends it; the batch goes on.
pub fn deliver_some(
    feed: Feed,
    registry: &mut Registry,
    pressed: &mut Pressed,
    observed: &Observed,
    now: Instant,
) {
    let Some(shape) = registry.shapes.get_mut(&feed) else { return };
    let Some(sealed) = shape.batch.seal_some(shape.formats()) else { return };
    let mut gone = Vec::new();
    for id in &shape.readers {
        let Some(reader) = registry.readers.get_mut(id) else { continue };
        let Some(framed) = sealed.format(reader.format) else { continue };
        reader.within_batch = true;
        reader.stage(framed.with_commit());
        observed.count_delivery(framed.len_bytes());
        pressed.note(*id, reader.send_staged(now), &mut gone);
    }
    remove(gone, registry);
}

/// Frames what the feeds have, ended by the commit, and sends it: one piece for each reader.
pub fn deliver_all(
    feeds: &[Feed],
    commit: &Commit,
    registry: &mut Registry,
    pressed: &mut Pressed,
    observed: &Observed,
    now: Instant,
) {
    let mut touched = Vec::new();
    for feed in feeds {
        let Some(shape) = registry.shapes.get_mut(feed) else { continue };
        let sealed = shape.batch.seal_all(shape.formats(), commit);
        for id in &shape.readers {
            let Some(reader) = registry.readers.get_mut(id) else { continue };
            let Some(framed) = sealed.format(reader.format) else { continue };
            if reader.stage_last(framed.clone()) {
                touched.push(*id);
            }
        }
    }
    let mut gone = Vec::new();
    for id in touched {
        let Some(reader) = registry.readers.get_mut(&id) else { continue };
        reader.end_batch(now);
        observed.count_delivery(reader.staged_bytes());
        pressed.note(id, reader.send_staged(now), &mut gone);
    }
    remove(gone, registry);
}

/// Sends an answer. A reader that asks more than it reads is too slow.
pub fn answer(id: ReaderId, delivery: Delivery, registry: &mut Registry, observed: &Observed) {
    let Some(reader) = registry.readers.get_mut(&id) else { return };
    match reader.answer(delivery) {
        Pushed::Taken => {}
        Pushed::Full => give_up(id, registry, observed),
        Pushed::Gone => remove(vec![id], registry),
    }
}

/// Where a reader stops being live because it can't keep up. So far that ends its connection; here is where it
/// would go on from the log instead.
fn give_up(id: ReaderId, registry: &mut Registry, observed: &Observed) {
    if let Some(reader) = registry.remove(id) {
        reader.outbox().end(End::TooSlow);
        observed.too_slow.inc();
    }
}

fn remove(gone: Vec<ReaderId>, registry: &mut Registry) {
    for id in gone {
        registry.remove(id);
    }
}

impl Pressed {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn note(&mut self, id: ReaderId, pushed: Pushed, gone: &mut Vec<ReaderId>) {
        match pushed {
            Pushed::Taken => {}
            Pushed::Full if self.0.contains(&id) => {}
            Pushed::Full => self.0.push(id),
            Pushed::Gone => gone.push(id),
        }
    }

    /// Moves on what there is room for; gives up on those who took nothing for as long as `patience`.
    pub fn relieve(
        &mut self,
        registry: &mut Registry,
        observed: &Observed,
        patience: std::time::Duration,
        now: Instant,
    ) {
        self.0.retain(|id| {
            let Some(reader) = registry.readers.get_mut(id) else { return false };
            match reader.relieve(now) {
                Pushed::Taken => false,
                Pushed::Full if now < reader.progress_at() + patience => true,
                Pushed::Full => {
                    give_up(*id, registry, observed);
                    false
                }
                Pushed::Gone => {
                    registry.remove(*id);
                    false
                }
            }
        });
    }

    /// When patience with the first of them runs out.
    pub fn overdue_at(
        &self,
        registry: &Registry,
        patience: std::time::Duration,
    ) -> Option<Instant> {
        let waiting = self.0.iter().filter_map(|id| registry.readers.get(id));
        waiting.map(|reader| reader.progress_at() + patience).min()
    }
}
