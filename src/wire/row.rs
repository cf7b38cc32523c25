//! A row's JSON by itself, the same as an event's `data`.

use super::event::Encoder;
use crate::policy::{View, Visible};

/// Rows with `,\n` between them as lines.
pub fn rows_as_lines(chunk: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(chunk.len() + 1);
    for row in chunk.split(|byte| *byte == b'\n') {
        lines.extend_from_slice(row.strip_suffix(b",").unwrap_or(row));
        lines.push(b'\n');
    }
    lines
}

/// Writes the rows of one view.
#[derive(Debug)]
pub struct RowWriter(Encoder);

impl RowWriter {
    pub fn new(view: &View) -> Self {
        Self(Encoder::new(view, false))
    }

    /// Appends what is seen of the row, however large it is. Says whether there is such a thing.
    pub fn write(&self, out: &mut Vec<u8>, seen: &Visible<'_>) -> bool {
        let content = seen.whole_content();
        if let Some(content) = &content {
            self.0.write_content(out, content);
        }
        content.is_some()
    }
}
