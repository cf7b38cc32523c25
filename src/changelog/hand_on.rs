//! Handing a batch on in pieces, and knowing, wherever it breaks off, what has been handed on of it.

use std::collections::HashSet;

use super::Reading;
use super::read::{Header, Rows};
use super::reader::{End, Reader, Unwanted};
use super::trail::Mark;
use crate::cursor::Snapshot;
use crate::event::{Change, Seq};

/// How much is handed on at once, in bytes of JSON text and in changes.
const CHUNK_BYTES: usize = 256 << 10;
const CHUNK_CHANGES: usize = 1000;

/// What has been handed on of the batch under way.
#[derive(Default)]
pub(super) struct Batch {
    /// More than one if the batch broke off more than once.
    parts: Vec<Part>,
    /// What was handed on before a crash of the server, after which snapshots no longer tell.
    known: HashSet<Mark>,
}

/// Changes up to `last`, of those that `snapshot` sees: they come in the order of `seq`.
struct Part {
    snapshot: Snapshot,
    last: Seq,
}

impl Batch {
    /// Begins again where these have been handed on already.
    pub fn without(known: HashSet<Mark>) -> Self {
        Self { parts: Vec::new(), known }
    }

    fn has(&self, parts: usize, change: &Change) -> bool {
        let in_part = |part: &Part| change.seq <= part.last && part.snapshot.has_seen(change.txid);
        self.parts[..parts].iter().any(in_part)
            || (!self.known.is_empty() && self.known.contains(&Mark::from(change)))
    }
}

impl Reader {
    /// Hands a batch's changes on, but for those that were before it broke off. Says whether there were any.
    ///
    /// It may be cancelled wherever it waits: what was handed on is noted as soon as it was, and not before.
    pub(super) async fn hand_on(&mut self, header: &Header, rows: &mut Rows) -> Result<bool, End> {
        let parts = self.batch.parts.len();
        let mut chunk = Chunk::default();
        let mut brought = false;
        while let Some(change) = rows.next().await? {
            if self.batch.has(parts, &change) {
                continue;
            }
            brought = true;
            if chunk.push(change) {
                self.hand_on_chunk(&mut chunk, header, parts).await?;
            }
        }
        self.hand_on_chunk(&mut chunk, header, parts).await?;
        Ok(brought)
    }

    /// `parts` is how many there were before this read.
    async fn hand_on_chunk(
        &mut self,
        chunk: &mut Chunk,
        header: &Header,
        parts: usize,
    ) -> Result<(), Unwanted> {
        let Some(last) = chunk.changes.last().map(|change| change.seq) else { return Ok(()) };
        let marks = chunk.changes.iter().map(Mark::from).collect();
        self.send(Reading::Changes(chunk.take())).await?;
        self.batch.parts.truncate(parts);
        self.batch.parts.push(Part { snapshot: header.snapshot.clone(), last });
        self.trail.handed_on(marks);
        Ok(())
    }
}

/// Changes on their way to be handed on together.
#[derive(Default)]
pub(super) struct Chunk {
    changes: Vec<Change>,
    bytes: usize,
}

impl Chunk {
    /// Says whether the chunk is full.
    pub fn push(&mut self, change: Change) -> bool {
        let rows = [&change.old, &change.new];
        self.bytes += rows.into_iter().flatten().map(|row| row.json.len()).sum::<usize>();
        self.changes.push(change);
        self.bytes >= CHUNK_BYTES || self.changes.len() >= CHUNK_CHANGES
    }

    pub fn take(&mut self) -> Vec<Change> {
        self.bytes = 0;
        std::mem::take(&mut self.changes)
    }
}
