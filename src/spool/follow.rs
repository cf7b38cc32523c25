//! The end that is read from, by each who follows at their own pace.

use bytes::Bytes;
use tokio::sync::watch;

use super::{Place, SpoolError, State};

/// Takes a spool's chunks one after the other, as they were pushed.
#[derive(Clone, Debug)]
pub struct Follower {
    state: watch::Receiver<State>,
    /// How many chunks have been taken.
    taken: usize,
}

impl Follower {
    pub(super) fn new(state: watch::Receiver<State>) -> Self {
        Self { state, taken: 0 }
    }

    /// The next chunk, once it is there; none at the end. Safe to cancel.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SpoolError> {
        let Some(place) = self.place().await? else { return Ok(None) };
        let chunk = match place {
            Place::Memory(bytes) => bytes,
            Place::File { scratch, offset, len } => scratch.read(offset, len).await?,
        };
        self.taken += 1;
        Ok(Some(chunk))
    }

    async fn place(&mut self) -> Result<Option<Place>, SpoolError> {
        let taken = self.taken;
        let is_news = |state: &State| state.chunks.len() > taken || state.end.is_some();
        let state = self.state.wait_for(is_news).await.map_err(|_| SpoolError::Broken)?;
        match (state.chunks.get(taken), &state.end) {
            (Some(place), _) => Ok(Some(place.clone())),
            (None, Some(Err(error))) => Err(error.clone()),
            (None, _) => Ok(None),
        }
    }
}
