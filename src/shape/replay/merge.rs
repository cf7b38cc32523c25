//! Several changes of a row become one: the row before the first of them, and after the last. Pure.
//!
//! Views look at the merged change, so what they say of it (which event it is, what changed, whether the row came into
//! the view) is true of the whole. A change of the key is a removal and a creation here. What was truncated is forgotten but for that.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::catalog::TableId;
use crate::event::{Change, Op, Row, RowText, Rows};
use crate::policy::ServedTable;

/// Gathers changes, to be taken as few.
#[derive(Debug, Default)]
pub struct Merger {
    tables: HashMap<TableId, Pending>,
    /// Of tables without a key.
    unmerged: Vec<Change>,
    bytes: usize,
}

/// What a table's changes come to so far.
#[derive(Debug, Default)]
struct Pending {
    /// The last that concerned all of its rows.
    barrier: Option<Change>,
    rows: HashMap<String, Change>,
}

impl Merger {
    /// Adds the next change; the rows must be the change's, split into the table's columns.
    pub fn push(&mut self, rows: &Rows<'_>, table: &ServedTable) {
        let (change, key) = (rows.change(), table.key());
        if matches!(change.op, Op::Truncate | Op::Reset) {
            return self.forget(change);
        }
        if key.is_empty() {
            self.bytes += cost_bytes(change);
            return self.unmerged.push(change.clone());
        }
        if !rows.same_key(key) {
            let (old, new) = split(change);
            self.merge(key_of(rows.before(), key), old);
            return self.merge(key_of(rows.after(), key), new);
        }
        self.merge(key_of(rows.after().or(rows.before()), key), change.clone());
    }

    /// What it takes in memory, about.
    pub fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// The merged changes, by the `seq` of the last of each.
    pub fn take(&mut self) -> Vec<Change> {
        let Self { tables, unmerged: mut changes, .. } = std::mem::take(self);
        for Pending { barrier, rows } in tables.into_values() {
            changes.extend(barrier);
            changes.extend(rows.into_values().filter(is_something));
        }
        changes.sort_by_key(|change| (change.seq, change.op != Op::Delete));
        changes
    }

    fn forget(&mut self, barrier: &Change) {
        let pending = self.tables.entry(barrier.table).or_default();
        let forgotten: usize = pending.rows.values().map(cost_bytes).sum();
        let keys: usize = pending.rows.keys().map(String::len).sum();
        self.bytes -= forgotten + keys;
        *pending = Pending { barrier: Some(barrier.clone()), rows: HashMap::new() };
    }

    fn merge(&mut self, key: String, change: Change) {
        self.bytes += cost_bytes(&change);
        let pending = self.tables.entry(change.table).or_default();
        match pending.rows.entry(key) {
            Entry::Vacant(vacant) => {
                self.bytes += vacant.key().len();
                vacant.insert(change);
            }
            Entry::Occupied(mut occupied) => {
                let before = occupied.get_mut();
                self.bytes -= cost_bytes(before) + cost_bytes(&change);
                *before = joined(before.old.take(), change);
                self.bytes += cost_bytes(before);
            }
        }
    }
}

/// The change, with this as the row before it.
fn joined(old: Option<RowText>, last: Change) -> Change {
    let op = match (&old, &last.new) {
        (None, _) => Op::Insert,
        (Some(_), Some(_)) => Op::Update,
        (Some(_), None) => Op::Delete,
    };
    Change { op, old, ..last }
}

/// Not of a row that came and went.
fn is_something(change: &Change) -> bool {
    change.old.is_some() || change.new.is_some()
}

/// A change of the key, as a removal and a creation.
fn split(change: &Change) -> (Change, Change) {
    let old = Change { op: Op::Delete, new: None, ..change.clone() };
    let new = Change { op: Op::Insert, old: None, ..change.clone() };
    (old, new)
}

/// The values of the key, as they were written: none is a part of another's text.
fn key_of(row: Option<&Row<'_>>, key: &[usize]) -> String {
    let values: Vec<&str> =
        key.iter().map(|&at| row.and_then(|row| row.value(at)).unwrap_or("null")).collect();
    values.join(",")
}

fn cost_bytes(change: &Change) -> usize {
    let row = |row: &Option<RowText>| row.as_ref().map_or(0, |row| row.json.len());
    size_of::<Change>() + row(&change.old) + row(&change.new)
}
