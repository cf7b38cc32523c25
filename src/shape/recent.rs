//! What the hub remembers of the log's end: the changes of the last batches, to bring those up to date who are not far
//! behind without asking the database.

use std::sync::Arc;

use crate::cursor::Cursor;
use crate::event::Change;

/// The last batches, bounded in bytes.
#[derive(Debug, Default)]
pub struct Recent {
    _batches: (),
}

/// What comes after a place, as far as the hub has got: whole batches, cheap to clone and to send.
#[derive(Clone, Debug)]
pub struct Tail {
    /// In the order in which they came. Of the first ones, those who ask may have had a part.
    pub batches: Arc<[Arc<Batch>]>,
}

/// A batch as it was read.
#[derive(Debug)]
pub struct Batch {
    /// In the order in which they were read.
    pub chunks: Vec<Arc<[Change]>>,
    pub end: Arc<Cursor>,
}

impl Recent {
    /// What came of the batch under way.
    pub fn push(&mut self, _changes: Arc<[Change]>) {}

    /// The batch under way is complete.
    pub fn commit(&mut self, _end: &Arc<Cursor>) {}

    /// What is remembered has no continuation.
    pub fn clear(&mut self) {}

    /// What comes after this place; none if that isn't remembered, or belongs to another era.
    pub fn since(&self, _place: &Cursor) -> Option<Tail> {
        None
    }
}

impl Tail {
    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.batches.iter().flat_map(|batch| &batch.chunks).map(|chunk| chunk.len()).sum()
    }
}
