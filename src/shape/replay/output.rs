//! What a group's readers are to get, in one format: kept until the round is complete, then taken by each at their own pace.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::spool::{Budget, Follower, Spool, SpoolError, Writer};
use crate::wire::{Commit, Delivery, Framed};

/// What is kept in memory of a group without a spool, in bytes.
const MAX_SMALL_BYTES: usize = 8 << 10;

/// What is being written.
#[derive(Debug)]
pub struct Output {
    small: Vec<Delivery>,
    small_bytes: usize,
    pieces: usize,
    commits: Vec<Between>,
    large: Option<(Writer, Spool)>,
}

/// A commit between batches: for those who have no other feed.
#[derive(Clone, Debug)]
struct Between {
    /// How many pieces there are before it.
    at: usize,
    commit: Commit,
}

/// What was written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Written {
    pieces: Pieces,
    commits: Arc<[Between]>,
}

#[derive(Clone, Debug)]
enum Pieces {
    Small(Arc<[Delivery]>),
    Large(Spool),
}

/// Takes what was written, from its beginning.
#[derive(Debug)]
pub struct Reading {
    from: From,
    taken: usize,
    commits: Arc<[Between]>,
}

#[derive(Debug)]
enum From {
    Small(VecDeque<Delivery>),
    Large(Follower),
}

impl Output {
    pub fn new() -> Self {
        Self { small: Vec::new(), small_bytes: 0, pieces: 0, commits: Vec::new(), large: None }
    }

    /// Adds what a group's frames are to somebody; nothing, if there are none.
    pub async fn push(&mut self, framed: &Framed, budget: &Budget) -> Result<(), SpoolError> {
        // Of an event stream this is all: its commit is in its last event.
        let delivery = framed.without_commit();
        let len = delivery.len_bytes();
        if len == 0 {
            return Ok(());
        }
        self.pieces += 1;
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

    /// What was added so far is complete up to this commit.
    pub fn commit(&mut self, commit: &Commit) {
        self.commits.push(Between { at: self.pieces, commit: commit.clone() });
    }

    pub fn finish(self) -> Written {
        let pieces = match self.large {
            Some((writer, spool)) => {
                writer.finish();
                Pieces::Large(spool)
            }
            None => Pieces::Small(self.small.into()),
        };
        Written { pieces, commits: self.commits.into() }
    }
}

impl Written {
    pub fn read(&self) -> Reading {
        let from = match &self.pieces {
            Pieces::Small(deliveries) => From::Small(deliveries.iter().cloned().collect()),
            Pieces::Large(spool) => From::Large(spool.follow()),
        };
        Reading { from, taken: 0, commits: Arc::clone(&self.commits) }
    }
}

impl Reading {
    /// The next piece, and the commit behind it, if there is one.
    pub async fn next(&mut self) -> Result<Option<(Delivery, Option<Commit>)>, SpoolError> {
        let next = match &mut self.from {
            From::Small(deliveries) => deliveries.pop_front(),
            From::Large(follower) => follower.next().await?.map(Delivery::kept),
        };
        let Some(delivery) = next else { return Ok(None) };
        self.taken += 1;
        let found = self.commits.binary_search_by_key(&self.taken, |of| of.at);
        let commit = found.ok().map(|at| self.commits[at].commit.clone());
        Ok(Some((delivery, commit)))
    }
}
