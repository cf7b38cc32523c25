//! What names in a predicate mean.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::catalog::Column;

/// What a predicate may speak of.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'s> {
    pub columns: &'s [Column],
    pub source: Source<'s>,
}

/// Who wrote it.
#[derive(Clone, Copy, Debug)]
pub enum Source<'s> {
    /// The configuration: all columns, and `auth`.
    Policy,
    /// A client: only the columns at these positions, and `$1`, `$2`, … A column besides them looks like one
    /// that doesn't exist.
    Filter { visible: &'s BTreeSet<usize>, params: &'s [Value] },
}
