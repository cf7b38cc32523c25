//! Turns: a few replays at once, and now and then none, so that the log can be rotated.
//!
//! Who reads a log table keeps it from being emptied. Replays that overlap without end would hold up the rotation until the
//! log is full and the capture stops. So after a while one waits for the others to end, and rotates before it reads.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_postgres::Client;

use super::super::{Wake, ask};
use super::lock;

/// How many replays are read at once. What they sort takes memory and disk of the server's.
const MAX_REPLAYS: u32 = 2;
/// For how long replays may overlap.
const MAX_OVERLAP: Duration = Duration::from_secs(10);

pub(super) struct Turns {
    free: Arc<Semaphore>,
    /// When no replay was being read, and the log could be rotated.
    quiet: Arc<Mutex<Option<Instant>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(MAX_REPLAYS as usize)), quiet: Arc::default() }
    }
}

/// The right to read.
pub(super) struct Turn {
    permit: OwnedSemaphorePermit,
    quiet: Arc<Mutex<Option<Instant>>>,
}

impl Turns {
    /// Waits for a turn. They are given in the order in which they are asked for.
    pub async fn take(&self) -> Turn {
        let is_due = lock(&self.quiet).is_none_or(|quiet| quiet.elapsed() >= MAX_OVERLAP);
        let all = if is_due { MAX_REPLAYS } else { 1 };
        let permit = Arc::clone(&self.free).acquire_many_owned(all).await;
        let permit = permit.expect("the semaphore is never closed");
        Turn { permit, quiet: Arc::clone(&self.quiet) }
    }
}

impl Turn {
    /// Rotates the log if that is due and no other replay is being read; then lets others read too.
    pub async fn rotate(&mut self, client: &Client) -> Result<(), tokio_postgres::Error> {
        if self.is_alone() {
            ask::ask::<bool>(client, Wake::Poll, "select rowcast.rotate_if_due()", &[]).await?;
            self.share();
        }
        Ok(())
    }

    fn is_alone(&self) -> bool {
        self.permit.num_permits() > 1
    }

    fn share(&mut self) {
        *lock(&self.quiet) = Some(Instant::now());
        drop(self.permit.split(self.permit.num_permits() - 1));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn now_and_then_one_waits_for_the_others_to_end() {
        let turns = Turns::default();
        let mut first = turns.take().await;
        assert!(first.is_alone());
        assert!(turns.take().now_or_never().is_none());
        first.share();
        let second = turns.take().now_or_never().unwrap();
        assert!(!second.is_alone());
        assert!(turns.take().now_or_never().is_none(), "there are two at most");
        drop(first);
        let third = turns.take().now_or_never().unwrap();
        *lock(&turns.quiet) = Instant::now().checked_sub(MAX_OVERLAP);
        drop(second);
        let mut next = Box::pin(turns.take());
        assert!((&mut next).now_or_never().is_none());
        assert!(turns.take().now_or_never().is_none(), "nobody gets in before it");
        drop(third);
        assert!(next.await.is_alone());
    }
}
