//! Changes → the batches of the shapes that see them.

use super::doubt::{Doubts, Verdict};
use super::shapes::Shapes;
use crate::catalog::TableId;
use crate::event::{Change, Op, Rows};
use crate::policy::{Case, Served};
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
    /// The feeds that start anew within the batch.
    pub reset: Vec<Feed>,
    /// The feeds that may see the change at hand; kept for its memory.
    candidates: Vec<Feed>,
}

/// A feed's events are framed when there are this many bytes of them; of few, to see in tests what comes within batches.
const FRAME_BYTES: usize = if cfg!(test) { 300 } else { 256 << 10 };

impl Gathered {
    /// Passes a change to the shapes of its table.
    pub fn add(
        &mut self,
        change: &Change,
        served: &Served,
        shapes: &mut Shapes,
        doubts: &mut Doubts,
    ) {
        if !shapes.has_table(change.table) {
            return;
        }
        let Some(table) = served.table(change.table) else { return };
        if change.op == Op::Reset {
            return self.reset_table(change.table, shapes);
        }
        match Rows::read(change, &table.table().columns) {
            Ok(rows) => {
                if doubts.judge(&rows) == Verdict::Fits {
                    self.add_case(&Case::new(&rows, table), change, shapes);
                }
            }
            Err(error) => {
                tracing::error!(seq = change.seq.0, %error, "the table's feeds start anew");
                self.reset_table(change.table, shapes);
            }
        }
    }

    fn add_case(&mut self, case: &Case<'_>, change: &Change, shapes: &mut Shapes) {
        let mut candidates = std::mem::take(&mut self.candidates);
        match change.op {
            Op::Truncate => candidates.extend(shapes.of_table(change.table)),
            _ => shapes.find(change.table, case, &mut candidates),
        }
        for feed in candidates.drain(..) {
            let Some(shape) = shapes.get_mut(feed) else { continue };
            for seen in shape.key.view.see(case) {
                if shape.batch.is_empty() {
                    self.active.push(feed);
                }
                let before = shape.batch.len_bytes();
                shape.batch.push(&seen);
                let after = shape.batch.len_bytes();
                if after >= FRAME_BYTES && self.full.last() != Some(&feed) {
                    self.full.push(feed);
                }
                self.bytes += after - before;
                self.events += 1;
            }
        }
        self.candidates = candidates;
    }

    /// The table's feeds start anew.
    pub fn reset_table(&mut self, table: TableId, shapes: &mut Shapes) {
        for feed in shapes.of_table(table) {
            let Some(shape) = shapes.get_mut(feed) else { continue };
            if shape.batch.is_empty() {
                self.active.push(feed);
            }
            shape.batch.reset(ResetCause::TableChanged);
            self.reset.push(feed);
        }
    }
}
