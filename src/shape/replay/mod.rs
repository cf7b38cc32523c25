//! Brings readers nearer that are behind, outside the hub: in rounds, each one pass over what is remembered of the log, or
//! over the log itself, for all that wait.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::ShapeKey;
use super::command::ReaderId;
use super::doubt::Beliefs;
use super::recent::Tail;
use crate::changelog::ResetReason;
use crate::cursor::Cursor;
use crate::policy::Served;
use crate::wire::{Feed, Format};

/// A reader that is behind.
#[derive(Debug)]
pub struct CatchUp {
    pub reader: ReaderId,
    /// What of an older one is still on its way is void.
    pub generation: u64,
    pub format: Format,
    pub feeds: Vec<Behind>,
    /// Where to take it from; none if it isn't remembered: then from the log.
    pub tail: Option<Tail>,
    /// The tables as the hub has them: how rows are read.
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

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// All its feeds are at this place, and the commit that says so is in its outbox.
    Arrived(Arc<Cursor>),
    /// What comes after one of its places can't be known; nothing was sent.
    Expired(ResetReason),
    /// Rows of these feeds don't look like their table any more: they start anew. The others are where they were.
    TableChanged(Vec<Feed>),
    /// The connection is gone, or void.
    Over,
}

/// Takes those who are behind.
#[derive(Clone, Debug)]
pub struct Replayer {
    _waiting: mpsc::Sender<CatchUp>,
}
