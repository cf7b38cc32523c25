//! Changes → the batches of the shapes that see them.

use super::registry::Registry;
use crate::event::{Change, Event, Op, Rows};
use crate::policy::Served;
use crate::wire::{Feed, ResetCause};

/// What was gathered of the batch under way.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The feeds that have something to send.
    pub active: Vec<Feed>,
    /// The active feeds whose frame has grown to its bound.
    pub full: Vec<Feed>,
    /// Bytes gathered since frames were last sealed.
    pub bytes: usize,
    pub events: u64,
}

/// A feed's events are framed when there are this many bytes of them.
const FRAME_BYTES: usize = 256 << 10;

impl Gathered {
    /// Passes a change to the shapes of its table.
    pub fn add(&mut self, change: &Change, served: &Served, registry: &mut Registry) {
        if registry.feeds_of(change.table).is_empty() {
            return;
        }
        let Some(table) = served.table(change.table) else { return };
        if change.op == Op::Reset {
            return self.reset_table(change, registry);
        }
        match Rows::read(change, &table.table().columns) {
            Ok(rows) => {
                for event in rows.events(table.key(), table.updates()) {
                    self.add_event(event, registry);
                }
            }
            Err(error) => {
                tracing::error!(seq = change.seq.0, %error, "the table's feeds start anew");
                self.reset_table(change, registry);
            }
        }
    }

    fn add_event(&mut self, event: Event<'_>, registry: &mut Registry) {
        let (feeds, shapes) = registry.shapes_of(event.change.table);
        for feed in feeds {
            let Some(shape) = shapes.get_mut(feed) else { continue };
            let Some(seen) = shape.key.view.see(event) else { continue };
            if shape.batch.is_empty() {
                self.active.push(*feed);
            }
            let before = shape.batch.len_bytes();
            shape.batch.push(&seen);
            let after = shape.batch.len_bytes();
            if after >= FRAME_BYTES && self.full.last() != Some(feed) {
                self.full.push(*feed);
            }
            self.bytes += after - before;
            self.events += 1;
        }
    }

    fn reset_table(&mut self, change: &Change, registry: &mut Registry) {
        let (feeds, shapes) = registry.shapes_of(change.table);
        for feed in feeds {
            let Some(shape) = shapes.get_mut(feed) else { continue };
            if shape.batch.is_empty() {
                self.active.push(*feed);
            }
            shape.batch.reset(ResetCause::TableChanged);
        }
    }

    /// Voids what was gathered: every feed starts anew.
    pub fn reset_all(&mut self, cause: ResetCause, registry: &mut Registry) {
        *self = Self::default();
        for (feed, shape) in &mut registry.shapes {
            shape.batch.reset(cause);
            self.active.push(*feed);
        }
    }
}
