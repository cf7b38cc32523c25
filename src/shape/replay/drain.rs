//! A reader's share on its way into the reader's outbox, as fast as that is emptied.

use std::sync::Arc;

use super::Outcome;
use super::output::Written;
use super::round::Share;
use crate::shape::outbox::{Courier, Parcel, Refused};
use crate::spool::SpoolError;
use crate::wire::{Commit, Delivery, Feed, Format};

/// What is brought at once, in bytes, unless a frame is larger.
const MAX_PIECE_BYTES: usize = 256 << 10;

/// Why a share can't be brought to the end.
enum Broken {
    Refused,
    Lost(SpoolError),
}

impl From<Refused> for Broken {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

/// Brings it all, then the commit.
pub async fn bring(share: &mut Share) -> Outcome {
    let Share { catch_up, feeds, commit } = share;
    let format = catch_up.format;
    let between = feeds.len() == 1;
    let mut held =
        Held { courier: &mut catch_up.courier, format, between, parcels: Vec::new(), bytes: 0 };
    for (feed, written) in std::mem::take(feeds) {
        match held.bring(feed, &written).await {
            Ok(()) => {}
            Err(Broken::Refused) => return Outcome::Over,
            Err(Broken::Lost(error)) => {
                tracing::warn!(%error, "what was kept for a reader can't be read back");
                return Outcome::Broken;
            }
        }
    }
    match held.commit(commit).await {
        Ok(()) => Outcome::Arrived(Arc::clone(commit.place())),
        Err(_) => Outcome::Over,
    }
}

/// What goes into the outbox next; the last of it goes with the commit.
struct Held<'c> {
    courier: &'c mut Courier,
    format: Format,
    /// Commits between batches are for it: it has one feed.
    between: bool,
    parcels: Vec<Parcel>,
    bytes: usize,
}

impl Held<'_> {
    async fn bring(&mut self, feed: Feed, written: &Written) -> Result<(), Broken> {
        let mut reading = written.read();
        while let Some((delivery, commit)) = reading.next().await.map_err(Broken::Lost)? {
            self.push(feed, delivery).await?;
            if let Some(commit) = commit.filter(|_| self.between) {
                self.commit(&commit).await?;
            }
        }
        Ok(())
    }

    async fn commit(&mut self, commit: &Commit) -> Result<(), Refused> {
        self.bytes = 0;
        let mut parcels = std::mem::take(&mut self.parcels);
        // The last event of a stream has it already.
        if self.format != Format::EventStream {
            parcels.push(Parcel { feed: None, delivery: commit.alone(self.format) });
        }
        self.courier.push_last(parcels, commit.place()).await
    }

    async fn push(&mut self, feed: Feed, delivery: Delivery) -> Result<(), Refused> {
        let len = delivery.len_bytes();
        if self.bytes + len > MAX_PIECE_BYTES && !self.parcels.is_empty() {
            self.bytes = 0;
            self.courier.push(std::mem::take(&mut self.parcels)).await?;
        }
        self.bytes += len;
        self.parcels.push(Parcel { feed: Some(feed), delivery });
        Ok(())
    }
}
