//! What a group's readers are to get, in one format: kept until the round is complete, then taken by each at their own pace.

use std::sync::Arc;

use crate::spool::{Budget, Follower, Spool, SpoolError, Writer};
use crate::wire::{Delivery, Framed};

/// What is kept in memory of a group without a spool, in bytes.
const MAX_SMALL_BYTES: usize = 8 << 10;

/// What is being written.
#[derive(Debug)]
pub struct Output {
    small: Vec<Delivery>,
    small_bytes: usize,
    large: Option<(Writer, Spool)>,
}

/// What was written. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Written {
    Small(Arc<[Delivery]>),
    Large(Spool),
}

/// Takes what was written, from its beginning.
#[derive(Debug)]
pub enum Reading {
    Small(std::vec::IntoIter<Delivery>),
    Large(Follower),
}

impl Output {
    pub fn new() -> Self {
        Self { small: Vec::new(), small_bytes: 0, large: None }
    }

    /// Adds what a group's frames are to somebody; nothing, if there are none.
    pub async fn push(&mut self, framed: &Framed, budget: &Budget) -> Result<(), SpoolError> {
        // Of an event stream this is all: its commit is in its last event.
        let delivery = framed.without_commit();
        let len = delivery.len_bytes();
        if len == 0 {
            return Ok(());
        }
        if self.large.is_none() && self.small_bytes + len <= MAX_SMALL_BYTES {
            self.small_bytes += len;
            self.small.push(delivery);
            return Ok(());
        }
        let (writer, _) = self.large.get_or_insert_with(|| budget.open());
        for small in self.small.drain(..) {
            writer.push(small.into_bytes()).await?;
        }
        writer.push(delivery.into_bytes()).await
    }

    pub fn finish(self) -> Written {
        match self.large {
            Some((writer, spool)) => {
                writer.finish();
                Written::Large(spool)
            }
            None => Written::Small(self.small.into()),
        }
    }
}

impl Written {
    pub fn read(&self) -> Reading {
        match self {
            Written::Small(deliveries) => Reading::Small(deliveries.to_vec().into_iter()),
            Written::Large(spool) => Reading::Large(spool.follow()),
        }
    }
}

impl Reading {
    pub async fn next(&mut self) -> Result<Option<Delivery>, SpoolError> {
        match self {
            Reading::Small(deliveries) => Ok(deliveries.next()),
            Reading::Large(follower) => Ok(follower.next().await?.map(Delivery::kept)),
        }
    }
}
