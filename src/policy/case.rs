//! A change as views judge it: its values are decoded once, whatever the number of views.

use super::ServedTable;
use crate::event::{Change, Kind, Row, Rows};
use crate::predicate::{Cells, Key};

/// A change of a served table.
#[derive(Debug)]
pub struct Case<'r> {
    pub(super) change: &'r Change,
    pub(super) updates: Kind,
    pub(super) same_key: bool,
    pub(super) old: Option<Cells<'r>>,
    pub(super) new: Option<Cells<'r>>,
}

impl<'r> Case<'r> {
    /// The rows must have been split into the table's columns.
    pub fn new(rows: &'r Rows<'r>, table: &'r ServedTable) -> Self {
        let columns = table.table().columns.as_slice();
        let cells = |row: &'r Row<'r>| Cells::new(row, columns);
        Self {
            change: rows.change(),
            updates: table.updates(),
            same_key: rows.same_key(table.key()),
            old: rows.before().map(cells),
            new: rows.after().map(cells),
        }
    }

    /// The keys that the column at this position had before the change, and has after it; one if they are the same.
    pub fn keys(&self, column: usize) -> impl Iterator<Item = Key> {
        let new = if self.leaves(&[column]) { None } else { self.new.as_ref() };
        [self.old.as_ref(), new].into_iter().flatten().filter_map(move |cells| cells.key(column))
    }

    /// Whether these columns have the same text before and after the change, so that what reads only them says the
    /// same of both rows.
    pub(super) fn leaves(&self, columns: &[usize]) -> bool {
        let (Some(old), Some(new)) = (&self.old, &self.new) else { return false };
        columns.iter().all(|&at| old.row().value(at) == new.row().value(at))
    }
}
