//! The change log inside the database: the only code that touches it.

use std::time::Duration;

use crate::cursor::Cursor;
use crate::event::Change;

/// How the reader learns that there is something to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// `LISTEN`: writers ring a bell when the reader sleeps.
    Listen,
    /// No bell, for poolers that have no `LISTEN`: the reader looks many times a second.
    Poll,
}

/// `[log]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long changes are kept for readers that are away; past it without any daemon, capture stops.
    pub retention: Duration,
    /// The most that the log may take on disk, in bytes.
    pub max_size_bytes: u64,
    pub wake: Wake,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(24 * 60 * 60),
            max_size_bytes: 2 << 30,
            wake: Wake::Listen,
        }
    }
}

/// Why everything that was live must start anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The log no longer reaches back to where the reader was, or capture had stopped.
    CursorExpired,
    /// The server is another one than before, or went back in time at a failover.
    Failover,
}

/// What the reader hands on. A batch is any number of `Changes`, then one `Commit`: whole transactions.
#[derive(Debug)]
pub enum Reading {
    Changes(Vec<Change>),
    /// Everything before this cursor has been handed on. Also comes without changes, as time passes.
    Commit(Cursor),
    /// What happened in between is not known; a batch that had begun is void. A `Commit` with the new beginning follows.
    Reset(ResetReason),
    /// The database can't be reached; what was begun of a batch comes again from its start.
    Lost,
}
