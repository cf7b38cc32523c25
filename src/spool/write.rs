//! The end that is written to.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::budget::Room;
use super::file::Scratch;
use super::{Place, SpoolError, State};

/// Writes a spool. Dropping it before it was finished breaks the spool for those who follow it.
#[derive(Debug)]
pub struct Writer {
    state: watch::Sender<State>,
    scratch: Option<Arc<Scratch>>,
    /// How much is in the file.
    written: u64,
}

impl Writer {
    pub(super) fn new(state: watch::Sender<State>) -> Self {
        Self { state, scratch: None, written: 0 }
    }

    /// Adds a chunk; waits for the disk at most. After an error the spool is at its end, and followers get the same one.
    pub async fn push(&mut self, chunk: Bytes) -> Result<(), SpoolError> {
        let pushed = self.place(chunk).await;
        self.state.send_modify(|state| match &pushed {
            Ok(place) if state.end.is_none() => state.chunks.push(place.clone()),
            Ok(_) => {}
            Err(error) => state.end = Some(Err(error.clone())),
        });
        pushed.map(drop)
    }

    /// There is no more to come.
    pub fn finish(self) {
        self.state.send_modify(|state| {
            state.end.get_or_insert(Ok(()));
        });
    }

    /// Waits until nobody has a handle on the spool any more, nor follows it. Safe to cancel.
    pub async fn unwanted(&self) {
        self.state.closed().await;
    }

    async fn place(&mut self, chunk: Bytes) -> Result<Place, SpoolError> {
        let mut room = Err(SpoolError::Full);
        self.state.send_if_modified(|state| {
            room = match &state.end {
                Some(Err(error)) => Err(error.clone()),
                _ => state.held.take(chunk.len()),
            };
            false
        });
        match room? {
            Room::Memory => Ok(chunk.into()),
            Room::Disk => self.put_aside(chunk).await,
        }
    }

    async fn put_aside(&mut self, chunk: Bytes) -> Result<Place, SpoolError> {
        let scratch = match &self.scratch {
            Some(scratch) => Arc::clone(scratch),
            None => {
                let directory = self.state.borrow().held.directory();
                Arc::clone(self.scratch.insert(Scratch::make(directory).await?))
            }
        };
        let (offset, len) = (self.written, chunk.len());
        // Before the wait: if that is cancelled, the write still goes on.
        self.written += len as u64;
        scratch.write(offset, chunk).await?;
        Ok(Place::File { scratch, offset, len })
    }
}
