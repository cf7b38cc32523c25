//! What the hub remembers of the log's end: the changes of the last batches, to bring those up to date who are not far
//! behind without asking the database.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::cursor::Cursor;
use crate::event::{Change, RowText};

/// What is remembered at most, in bytes.
pub const RECENT_MAX_BYTES: usize = 32 << 20;

/// The last batches, without a gap between them.
#[derive(Debug)]
pub struct Recent {
    max_bytes: usize,
    bytes: usize,
    batches: VecDeque<Arc<Batch>>,
    /// Where the oldest batch begins, and where the newest commit is: they have the same place if nothing came between.
    reach: Option<Reach>,
    open: Open,
}

#[derive(Debug)]
struct Reach {
    from: Arc<Cursor>,
    to: Arc<Cursor>,
}

/// The batch under way.
#[derive(Debug, Default)]
struct Open {
    chunks: Vec<Arc<[Change]>>,
    bytes: usize,
    /// It is larger than what may be remembered.
    overflowed: bool,
}

/// What comes after a place, as far as the hub has got: whole batches, cheap to clone and to send.
#[derive(Clone, Debug)]
pub struct Tail {
    /// In the order in which they came, none of them empty. Of the first ones, those who ask may have had a part.
    pub batches: Arc<[Arc<Batch>]>,
    /// Where they lead to: the hub's place.
    pub end: Arc<Cursor>,
}

/// A batch as it was read.
#[derive(Debug)]
pub struct Batch {
    /// In the order in which they were read.
    pub chunks: Vec<Arc<[Change]>>,
    pub end: Arc<Cursor>,
    bytes: usize,
}

/// What is known of a place.
#[derive(Clone, Debug)]
pub enum Since {
    /// All that came after it; no batches if it is the hub's own.
    Tail(Tail),
    /// The place has what hasn't come here yet: it was given by another daemon, or by a read of the log. As long as the hub
    /// isn't there, only the log can tell whether it is good.
    Ahead,
    /// What came after it isn't remembered, or it isn't of this history.
    Unknown,
}

impl Default for Recent {
    fn default() -> Self {
        Self::new(RECENT_MAX_BYTES)
    }
}

impl Recent {
    pub fn new(max_bytes: usize) -> Self {
        let (batches, open) = (VecDeque::new(), Open::default());
        Self { max_bytes, bytes: 0, batches, reach: None, open }
    }

    /// What came of the batch under way.
    pub fn push(&mut self, changes: Arc<[Change]>) {
        self.open.bytes += changes.iter().map(cost_bytes).sum::<usize>();
        if self.open.bytes > self.max_bytes {
            self.open.overflowed = true;
            self.open.chunks = Vec::new();
        }
        if !self.open.overflowed && !changes.is_empty() {
            self.open.chunks.push(changes);
        }
    }

    /// The batch under way is complete.
    pub fn commit(&mut self, end: &Arc<Cursor>) {
        let open = std::mem::take(&mut self.open);
        let Some(reach) = self.reach.as_mut().filter(|_| !open.overflowed) else {
            return self.begin(end);
        };
        reach.to = Arc::clone(end);
        if open.chunks.is_empty() {
            return;
        }
        self.bytes += open.bytes;
        let (chunks, end) = (open.chunks, Arc::clone(end));
        self.batches.push_back(Arc::new(Batch { chunks, end, bytes: open.bytes }));
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.batches.pop_front() else { break };
            self.bytes -= oldest.bytes;
            reach.from = Arc::clone(&oldest.end);
        }
    }

    /// What is remembered has no continuation.
    pub fn clear(&mut self) {
        *self = Self::new(self.max_bytes);
    }

    /// What comes after this place.
    pub fn since(&self, place: &Cursor) -> Since {
        let Some(Reach { from, to }) = &self.reach else { return Since::Unknown };
        if place.era != to.era {
            return Since::Unknown;
        }
        if !has_all_of(to, place) {
            return Since::Ahead;
        }
        if !place.snapshot.includes(&from.snapshot) || !self.is_of_this_life(place) {
            return Since::Unknown;
        }
        // There are many, and each end has all that those before it have.
        let had = |batch: &Arc<Batch>| place.snapshot.includes(&batch.end.snapshot);
        let first = self.batches.partition_point(had);
        let batches = self.batches.range(first..).cloned().collect();
        Since::Tail(Tail { batches, end: Arc::clone(to) })
    }

    /// Begins to remember at this place.
    fn begin(&mut self, at: &Arc<Cursor>) {
        self.clear();
        self.reach = Some(Reach { from: Arc::clone(at), to: Arc::clone(at) });
    }

    /// Whether a crash of the server can't have undone what the place has, as far as can be told here: if some of it wasn't
    /// on disk, the hub must have had all of it within the same life of the server. What it did from there, it did knowing
    /// of crashes.
    fn is_of_this_life(&self, place: &Cursor) -> bool {
        let (Some(life), Some(Reach { from, to })) = (place.life, &self.reach) else { return true };
        let first = self.batches.partition_point(|batch| !has_all_of(&batch.end, place));
        let ends = self.batches.range(first..).map(|batch| &batch.end);
        let witness = |end: &Arc<Cursor>| end.life == Some(life) && has_all_of(end, place);
        [from, to].into_iter().chain(ends).any(witness)
    }
}

impl Tail {
    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.batches.iter().flat_map(|batch| &batch.chunks).map(|chunk| chunk.len()).sum()
    }

    /// What they take in memory, about.
    pub fn len_bytes(&self) -> usize {
        self.batches.iter().map(|batch| batch.bytes).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The changes, in the order in which they came.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.batches.iter().flat_map(|batch| &batch.chunks).flat_map(|chunk| chunk.iter())
    }
}

/// Whether all that the place has is before this end of a batch.
pub fn has_all_of(end: &Cursor, place: &Cursor) -> bool {
    let part = place.part.as_ref().map(|part| &part.snapshot);
    [Some(&place.snapshot), part].into_iter().flatten().all(|seen| end.snapshot.includes(seen))
}

fn cost_bytes(change: &Change) -> usize {
    let row = |row: &Option<RowText>| row.as_ref().map_or(0, |row| row.json.len());
    let origin = change.origin.as_ref().map_or(0, String::len);
    size_of::<Change>() + row(&change.old) + row(&change.new) + origin
}

#[cfg(test)]
mod tests;
