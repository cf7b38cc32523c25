//! One asker's part in a read.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::watch;

use super::SnapshotError;
use super::registry::Progress;
use crate::cursor::Cursor;
use crate::spool::{Follower, Spool, SpoolError};

/// The rows of a read, at the asker's own pace. A read that nobody has rows of any more is given up.
#[derive(Clone, Debug)]
pub struct Rows {
    cursor: Arc<Cursor>,
    follower: Follower,
    failure: Arc<OnceLock<SnapshotError>>,
    _interest: watch::Receiver<Progress>,
}

/// A read that has its snapshot.
#[derive(Clone, Debug)]
pub struct Opened {
    pub cursor: Arc<Cursor>,
    pub spool: Spool,
    /// Why it broke off.
    pub failure: Arc<OnceLock<SnapshotError>>,
}

impl Rows {
    pub fn new(opened: &Opened, interest: watch::Receiver<Progress>) -> Self {
        let Opened { cursor, spool, failure } = opened.clone();
        Self { cursor, follower: spool.follow(), failure, _interest: interest }
    }

    /// The snapshot in which the rows are as they come: everything else comes after it.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Some more rows, as JSON objects with `,\n` between them, and no other line breaks; none at the end. Between what
    /// comes and what came before, there is to be a `,\n` too. Safe to cancel.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        self.follower.next().await.map_err(|error| match error {
            SpoolError::Broken => self.failure.get().cloned().unwrap_or(error.into()),
            _ => error.into(),
        })
    }
}
