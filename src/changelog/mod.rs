//! The change log inside the database: the only code that touches it.
//!
//! `sql/` captures; this module installs it, reads it in commit order, keeps the doorbell and empties what is old. It
//! never interprets a row, and never writes to a table of the user's.
//!
//! # Why nothing is lost
//!
//! 1. *Every change is in the log, or is counted.* The trigger writes the log row in the user's own transaction; both commit
//!    or neither does. While the capture is stopped it counts instead (`sql/130_skip.sql`), and each read compares the count.
//! 2. *Every log row is read exactly once.* A cursor is a snapshot; a read returns the rows that its own snapshot sees and
//!    the cursor doesn't, and that snapshot, from one statement, is the next cursor (`read.sql`). The snapshots form a
//!    chain, and each row falls between two neighbours. `seq` and commit order play no part in it.
//! 3. *Every row is looked for in time.* Either a reader holds the doorbell and reads every few milliseconds, or each commit rings,
//!    or it is of a transaction that the reader still waits for (`sql/170_capture.sql`, `pace.rs`). Should a ring get
//!    lost with its connection, the next connection begins by reading; and a slow timer reads anyhow.
//! 4. *What can't be read any more is said.* A cursor that the log doesn't reach (`sql/050_truncated.sql`), of another epoch, of another
//!    server or of another timeline of it ends in `Reset`, never in a later beginning that looks like a continuation. So does
//!    one from before a crash in which the server forgot what had been handed on (`trail.rs`). A cursor that somebody brings is
//!    judged by the same rules (`replay/check.rs`).
//! 5. *A batch that breaks off goes on where it broke off.* Rows come in the order of `seq`, so what was handed on is told by
//!    the broken read's snapshot and the last `seq` (`hand_on.rs`), and comes neither twice nor never.

mod adapt;
mod ask;
mod hand_on;
mod install;
mod maintain;
mod objects;
mod pace;
mod place;
mod read;
mod reader;
mod replay;
mod rights;
mod server_id;
mod stand;
mod status;
mod trail;

use std::time::Duration;

use crate::cursor::Cursor;
use crate::event::Change;

pub use adapt::{Fit, adapt, fit, relations};
pub use install::{Done, InstallError, Installed, Plan, dry_run, install, uninstall, verify};
pub use maintain::Unwatched;
pub use reader::{ReaderError, run};
pub use replay::{Replay, ReplayError, Replays, Unavailable};
pub use stand::{Stand, StandError, stand};
pub use status::{ReaderSession, Status, WatchedTable, status};

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
    /// The database can't be reached. A batch that had begun goes on once it can, or is made void by a `Reset`.
    Lost,
}
