//! What is read once and taken by many, each at their own pace: chunks of bytes, in memory as long as there is room, then in a
//! temporary file without a name, which goes away with its last handle.
//!
//! The writer never waits for those who follow; what it may leave behind is bounded by the `Budget` that all spools share.

mod budget;
mod file;
mod follow;
mod write;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use budget::Held;
use file::Scratch;

pub use budget::{Budget, Limits};
pub use follow::Follower;
pub use write::Writer;

/// Why chunks can't be kept, or don't come.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("more was written than a spool may hold")]
    Full,
    /// Others hold what there is; later there may be room.
    #[error("all spools together hold as much as they may")]
    Busy,
    #[error("the temporary file can't be used")]
    Io(#[source] Arc<io::Error>),
    /// The writer went away before the end.
    #[error("what was being read broke off")]
    Broken,
}

/// A handle on what a writer has written and is still to write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool(watch::Receiver<State>);

impl Spool {
    /// Everything from the beginning.
    pub fn follow(&self) -> Follower {
        Follower::new(self.0.clone())
    }

    /// Whether the writer has finished.
    pub fn is_finished(&self) -> bool {
        matches!(self.0.borrow().end, Some(Ok(())))
    }
}

/// What writer and followers share.
#[derive(Debug)]
struct State {
    chunks: Vec<Place>,
    /// None while the writer goes on.
    end: Option<Result<(), SpoolError>>,
    held: Held,
}

/// Where a chunk is.
#[derive(Clone, Debug)]
enum Place {
    Memory(Bytes),
    File { scratch: Arc<Scratch>, offset: u64, len: usize },
}

#[cfg(test)]
mod tests;
