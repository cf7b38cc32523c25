//! What happened to a row: `Change` as the log says it, `Event` in the words that subscribers know.
//!
//! Pure. Who may see an event is `policy`'s to say, how it looks is `wire`'s.

use std::time::SystemTime;

use crate::catalog::TableId;

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
