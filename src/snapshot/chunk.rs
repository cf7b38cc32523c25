//! Rows' text → chunks.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::SnapshotError;
use crate::event::{self, Change, Op, RowText, Seq};
use crate::policy::{Case, View};
use crate::wire::RowWriter;

/// A chunk is full when it has this many bytes.
const CHUNK_BYTES: usize = 128 << 10;
/// What a chunk may have beyond that without being moved.
const SLACK_BYTES: usize = 8 << 10;

/// Gathers rows.
pub struct Chunks {
    buffer: Vec<u8>,
    /// None: rows are as PostgreSQL gives them.
    judge: Option<Judge>,
    /// How many rows have been gathered.
    pub rows: u64,
}

impl Chunks {
    pub fn new(view: &Arc<View>, is_final: bool) -> Self {
        let judge = (!is_final).then(|| Judge::new(Arc::clone(view)));
        Self { buffer: Vec::new(), judge, rows: 0 }
    }

    /// Adds a row, if it's seen. Gives a chunk whenever one is full.
    pub fn push(&mut self, row: &str) -> Result<Option<Bytes>, SnapshotError> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve(CHUNK_BYTES + SLACK_BYTES);
        }
        let before = self.buffer.len();
        if before > 0 {
            self.buffer.extend_from_slice(b",\n");
        }
        let start = self.buffer.len();
        let is_seen = match &mut self.judge {
            Some(judge) => judge.write(&mut self.buffer, row)?,
            None => {
                self.buffer.extend_from_slice(row.as_bytes());
                true
            }
        };
        if !is_seen {
            self.buffer.truncate(before);
            return Ok(None);
        }
        flatten(&mut self.buffer[start..]);
        self.rows += 1;
        Ok((self.buffer.len() >= CHUNK_BYTES).then(|| self.take()))
    }

    /// What is left.
    pub fn last(mut self) -> Option<Bytes> {
        self.buffer.shrink_to_fit();
        (!self.buffer.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.buffer).into()
    }
}

/// A column of type json keeps its line breaks, which can only stand between its parts.
fn flatten(row: &mut [u8]) {
    if row.contains(&b'\n') || row.contains(&b'\r') {
        let breaks = row.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r'));
        breaks.for_each(|byte| *byte = b' ');
    }
}

/// Judges rows as if each had just been inserted.
struct Judge {
    view: Arc<View>,
    writer: RowWriter,
    change: Change,
}

impl Judge {
    fn new(view: Arc<View>) -> Self {
        let change = Change {
            seq: Seq(0),
            txid: 0,
            table: view.table_id(),
            op: Op::Insert,
            old: None,
            new: None,
            at: UNIX_EPOCH,
            origin: None,
        };
        Self { writer: RowWriter::new(&view), view, change }
    }

    /// Says whether the row is seen.
    fn write(&mut self, out: &mut Vec<u8>, row: &str) -> Result<bool, SnapshotError> {
        let mut json = self.change.new.take().map_or_else(String::new, |before| before.json);
        json.clear();
        json.push_str(row);
        self.change.new = Some(RowText { json, key_only: false });
        let served = self.view.served();
        let columns = served.table().columns.as_slice();
        let rows =
            event::Rows::read(&self.change, columns).map_err(|_| SnapshotError::Unavailable)?;
        let case = Case::new(&rows, served);
        let seen = self.view.see(&case).next();
        Ok(seen.is_some_and(|seen| self.writer.write(out, &seen)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_within_rows_become_spaces() {
        for (row, flat) in [("{\"a\":1}", "{\"a\":1}"), ("{\n\r\n}", "{   }"), ("", "")] {
            let mut row = row.as_bytes().to_vec();
            flatten(&mut row);
            assert_eq!(row, flat.as_bytes());
        }
    }

    #[test]
    fn rows_are_joined_and_chunks_are_of_whole_rows() {
        let mut chunks = Chunks { buffer: Vec::new(), judge: None, rows: 0 };
        let row = format!("{{\"a\":\"{}\"}}", "x".repeat(30_000));
        let mut given = Vec::new();
        for _ in 0..9 {
            given.extend(chunks.push(&row).unwrap());
        }
        assert_eq!(chunks.rows, 9);
        given.extend(chunks.last());
        assert_eq!(given.len(), 2);
        let joined = given.iter().map(|chunk| std::str::from_utf8(chunk).unwrap());
        let rows: Vec<&str> = joined.flat_map(|chunk| chunk.split(",\n")).collect();
        assert_eq!(rows, vec![row.as_str(); 9]);
    }
}
