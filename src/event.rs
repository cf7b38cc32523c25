//! What happened to a row: `Change` as the log says it, `Kind` in the words that subscribers know.
//!
//! Pure. Who sees it, and as what, is `policy`'s to say; how that looks is `wire`'s.

mod row;

use std::time::SystemTime;

use crate::catalog::{Column, TableId};

pub use row::{Row, Unreadable};

/// Identifies a change; ascending per row, not in commit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub i64);

/// What was done, as the trigger logged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Insert,
    Update,
    Delete,
    Truncate,
    /// The table changed in a way that no list of rows describes: its subscribers must start anew.
    Reset,
}

/// One row as the log has it: a JSON object as `row_to_json` wrote it, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowText {
    pub json: String,
    /// The row was too large to be logged: only its key columns are there.
    pub key_only: bool,
}

/// One row of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub seq: Seq,
    pub txid: u64,
    pub table: TableId,
    pub op: Op,
    /// Present for updates and deletions.
    pub old: Option<RowText>,
    /// Present for insertions and updates.
    pub new: Option<RowText>,
    pub at: SystemTime,
    /// What the writer called itself: `set local rowcast.origin = '…'`.
    pub origin: Option<String>,
}

/// What happened to a row, in Feathers' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Created,
    Updated,
    Patched,
    Removed,
    Truncated,
}

impl Kind {
    /// The word for it, the same on every transport.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Created => "created",
            Kind::Updated => "updated",
            Kind::Patched => "patched",
            Kind::Removed => "removed",
            Kind::Truncated => "truncated",
        }
    }
}

/// The rows of a change, split into columns once, whatever the number of those who look.
#[derive(Debug)]
pub struct Rows<'a> {
    change: &'a Change,
    old: Option<Row<'a>>,
    new: Option<Row<'a>>,
}

impl<'a> Rows<'a> {
    /// Splits the change's rows into the columns of its table.
    pub fn read(change: &'a Change, columns: &[Column]) -> Result<Self, Unreadable> {
        let read = |row: &'a Option<RowText>| {
            row.as_ref().map(|text| Row::read(text, columns)).transpose()
        };
        Ok(Self { change, old: read(&change.old)?, new: read(&change.new)? })
    }

    pub fn change(&self) -> &'a Change {
        self.change
    }

    /// The row before the change, where there was one.
    pub fn before(&self) -> Option<&Row<'a>> {
        self.old.as_ref()
    }

    /// The row after the change, where there is one.
    pub fn after(&self) -> Option<&Row<'a>> {
        self.new.as_ref()
    }

    /// Whether the rows come as their table has them.
    pub fn are_regular(&self) -> bool {
        [&self.old, &self.new].into_iter().flatten().all(Row::is_regular)
    }

    /// Whether the change left the row's key (positions among the columns) as it was.
    pub fn same_key(&self, key: &[usize]) -> bool {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => key.iter().all(|&at| old.value(at) == new.value(at)),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests;
