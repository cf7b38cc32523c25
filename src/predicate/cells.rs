//! A row's values, decoded when they are first needed, whatever the number of predicates that look at them.

use super::Key;
use crate::catalog::Column;
use crate::event::Row;

/// The row lacks a column that the predicate reads, or has something else in it than its type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row can't be judged")]
pub struct Undecidable;

/// A row with its decoded values.
#[derive(Debug)]
pub struct Cells<'r> {
    row: &'r Row<'r>,
    columns: &'r [Column],
}

impl<'r> Cells<'r> {
    pub fn new(row: &'r Row<'r>, columns: &'r [Column]) -> Self {
        Self { row, columns }
    }

    pub fn row(&self) -> &'r Row<'r> {
        self.row
    }

    /// The key of the value in the column at this position; none for NULL, which equals nothing, and for what
    /// can't be decoded.
    pub fn key(&self, column: usize) -> Option<Key> {
        self.columns.get(column)?;
        self.row.value(column).map(|text| Key::new(text.as_bytes().to_vec()))
    }
}
