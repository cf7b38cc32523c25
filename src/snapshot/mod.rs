//! First reads: what somebody sees of a table, and the cursor after which everything else comes.
//!
//! A read is one transaction with one snapshot: its cursor and its rows belong together exactly. It goes at full speed
//! into a spool, so that no client holds a transaction open, and those who ask for the same at the same time share it.
//! Rows are judged as live changes are, and their text is what the log would have.

mod check;
mod chunk;
mod error;
mod observed;
mod read;
mod registry;
mod rows;
mod service;
mod statement;
mod task;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use crate::policy::View;

pub use error::SnapshotError;
pub use observed::Observed;
pub use rows::Rows;
pub use service::Snapshots;

/// The most reads at once.
pub const MAX_READS: usize = 4;
/// The most reads that wait for their turn.
pub const MAX_WAITING: usize = 256;
/// How long a finished read is shared with subscriptions that ask for the same.
pub const SHARED_FOR: Duration = Duration::from_secs(5);

/// A read's times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For all of a read's rows to be read.
    pub timeout: Duration,
    /// For a lock that somebody holds who alters the table.
    pub lock_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(60), lock_timeout: Duration::from_secs(5) }
    }
}

/// By what rows are ordered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderBy {
    /// A column, by its position in the catalog.
    pub column: usize,
    pub is_descending: bool,
    /// As SQL has it, if this isn't said: last, or first where descending.
    pub nulls_first: Option<bool>,
}

/// Which rows are wanted; equal wants can share a read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Want {
    view: Arc<View>,
    order: Vec<OrderBy>,
    limit: Option<u64>,
}

impl Want {
    /// Whether all rows are wanted, as subscriptions do.
    fn is_whole(&self) -> bool {
        self.order.is_empty() && self.limit.is_none()
    }
}
