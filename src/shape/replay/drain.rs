//! A reader's share on its way into the reader's outbox, as fast as that is emptied.

use std::sync::Arc;

use super::Outcome;
use super::output::Written;
use super::round::Share;
use crate::shape::outbox::{Courier, Parcel, Refused};
use crate::spool::SpoolError;
use crate::wire::{Delivery, Feed, Format};

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
    let mut held = Held { courier: &mut catch_up.courier, parcels: Vec::new(), bytes: 0 };
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
    // The last event of a stream has the commit already.
    let alone = (catch_up.format != Format::EventStream).then(|| commit.alone(catch_up.format));
    held.parcels.extend(alone.map(|delivery| Parcel { feed: None, delivery }));
    let Held { courier, parcels, .. } = held;
    match courier.push_last(parcels, commit.place()).await {
        Ok(()) => Outcome::Arrived(Arc::clone(commit.place())),
        Err(_) => Outcome::Over,
    }
}

/// What goes into the outbox next; the last of it goes with the commit.
struct Held<'c> {
    courier: &'c mut Courier,
    parcels: Vec<Parcel>,
    bytes: usize,
}

impl Held<'_> {
    async fn bring(&mut self, feed: Feed, written: &Written) -> Result<(), Broken> {
        let mut reading = written.read();
        while let Some(delivery) = reading.next().await.map_err(Broken::Lost)? {
            self.push(feed, delivery).await?;
        }
        Ok(())
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
