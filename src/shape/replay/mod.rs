//! Brings readers nearer that are behind, outside the hub: in rounds, each one pass over what is remembered of the log, or
//! over the log itself, for all that wait.

mod drain;
mod groups;
mod lanes;
pub(super) mod log;
mod merge;
mod output;
mod round;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use lanes::{Lanes, Works};
use log::Log;

use super::ShapeKey;
use super::command::ReaderId;
use super::doubt::Beliefs;
use super::outbox::Courier;
use super::recent::Tail;
use crate::changelog::ResetReason;
use crate::cursor::Cursor;
use crate::policy::Served;
use crate::spool::Budget;
use crate::wire::{Feed, Format};

/// A reader that is behind.
#[derive(Debug)]
pub struct CatchUp {
    pub reader: ReaderId,
    /// The hub's number for it, which its report carries.
    pub generation: u64,
    pub format: Format,
    /// Where what comes is put, until the hub makes it void.
    pub courier: Courier,
    /// An event stream and a poll have one.
    pub feeds: Vec<Behind>,
    /// Where to take it from; none if it isn't remembered: then from the log.
    pub tail: Option<Tail>,
    /// The tables as the hub has them, and as the views are of them: how rows are read.
    pub served: Arc<Served>,
    /// Which rows that look odd may be shown; the others' feeds start anew.
    pub beliefs: Arc<Beliefs>,
}

/// One of its feeds.
#[derive(Clone, Debug)]
pub struct Behind {
    pub feed: Feed,
    pub key: ShapeKey,
    pub place: Arc<Cursor>,
    /// The changes of a row are to come as one.
    pub merge: bool,
}

/// What became of a reader that was behind.
#[derive(Debug)]
pub struct Report {
    pub reader: ReaderId,
    pub generation: u64,
    pub outcome: Outcome,
}

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// All its feeds are at this place, and the commit that says so is in its outbox. It may be ahead of the hub.
    Arrived(Arc<Cursor>),
    /// What comes after one of its places can't be known; nothing was sent.
    Expired(ResetReason),
    /// Rows of these feeds don't look like their table any more: they start anew. The others are where they were, and
    /// nothing was sent.
    TableChanged(Vec<Feed>),
    /// What it has missed can't be kept for it, or read back: there is too much, or the disk fails. A part may be in its
    /// outbox; its feeds start anew.
    Broken,
    /// The connection is gone, or what it got is void.
    Over,
}

/// Takes those who are behind. Rounds end when all clones are gone.
#[derive(Clone, Debug)]
pub struct Replayer {
    lanes: Arc<Lanes>,
    _while_held: Arc<DropGuard>,
}

/// What becomes of readers: at most one report for each that was taken; none for those that were replaced while they waited. It
/// ends if the rounds did, which they don't by themselves.
pub type Reports = mpsc::UnboundedReceiver<Report>;

impl Replayer {
    /// Begins to work, in tasks of its own.
    pub fn start(log: impl Log, budget: Budget) -> (Self, Reports) {
        let (reports, reported) = mpsc::unbounded_channel();
        let lanes = Arc::new(Lanes::default());
        let works =
            Works { lanes: Arc::clone(&lanes), log, budget, reports, failures: Arc::default() };
        let until = CancellationToken::new();
        let guard = Arc::new(until.clone().drop_guard());
        tokio::spawn(async move {
            tokio::select! {
                () = works.run() => {}
                () = until.cancelled() => {}
            }
        });
        (Self { lanes, _while_held: guard }, reported)
    }

    /// Takes a reader, instead of what waited for it before.
    pub fn take(&self, catch_up: CatchUp) {
        self.lanes.take(catch_up);
    }
}

#[cfg(test)]
mod tests;
