//! The end of an outbox for a task outside the hub, which waits for room where the hub would not.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use super::{Outbox, Shared, State, cost_bytes};
use crate::cursor::Cursor;
use crate::wire::{Delivery, Feed};

/// What may wait in an outbox before rows of a snapshot are added: what is live is not to wait behind them for long.
const PACED_MAX_BYTES: usize = 256 << 10;
/// Couriers leave the last part of the room to the hub.
const HUBS_PART: usize = 4;

/// How often an outbox's couriers were made void.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Generation(u64);

/// Fills an outbox from outside the hub, until the hub makes it void.
#[derive(Clone, Debug)]
pub struct Courier {
    shared: Arc<Shared>,
    until: Until,
}

/// How long a courier may bring something.
#[derive(Clone, Debug)]
enum Until {
    /// Until couriers are made void.
    Void(Generation),
    /// Until its leash is gone.
    Cut(Arc<AtomicBool>),
}

/// Who holds it lets one courier go on, whatever becomes of the others.
#[derive(Debug)]
pub struct Leash {
    shared: Arc<Shared>,
    is_cut: Arc<AtomicBool>,
}

impl Drop for Leash {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        self.is_cut.store(true, Ordering::Relaxed);
        let couriers = state.couriers.take_all();
        drop(state);
        couriers.into_iter().for_each(Waker::wake);
    }
}

/// What a courier brings, and of which feed it is; what is of none is for the connection.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub feed: Option<Feed>,
    pub delivery: Delivery,
}

/// Why a courier has no more to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the hub has made the courier void")]
    Void,
    #[error("the connection is gone")]
    Gone,
}

/// What couriers had done when they were made void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voided {
    /// They have brought a part of something, whose end won't come from them.
    pub is_within: bool,
    /// The place of the last commit that they brought, if they brought one.
    pub arrived: Option<Arc<Cursor>>,
}

impl Outbox {
    /// A courier that may fill the outbox until couriers are made void.
    pub fn courier(&self) -> Courier {
        let mut state = self.0.state();
        // Of one that broke off, the feeds have started anew.
        (state.arrived, state.is_within) = (None, false);
        let generation = state.generation;
        drop(state);
        Courier { shared: Arc::clone(&self.0), until: Until::Void(generation) }
    }

    /// A courier that may fill the outbox as long as its leash is held.
    pub fn leashed(&self) -> (Courier, Leash) {
        let is_cut = Arc::new(AtomicBool::new(false));
        let until = Until::Cut(Arc::clone(&is_cut));
        let leash = Leash { shared: Arc::clone(&self.0), is_cut };
        (Courier { shared: Arc::clone(&self.0), until }, leash)
    }

    /// Makes all couriers void that were made before: nothing of theirs gets in from now on. What they had brought is told once.
    #[must_use]
    pub fn void_couriers(&self) -> Voided {
        let mut state = self.0.state();
        state.generation.0 += 1;
        let is_within = std::mem::take(&mut state.is_within);
        let voided = Voided { is_within, arrived: state.arrived.take() };
        state.muted = Vec::new();
        let couriers = state.couriers.take_all();
        drop(state);
        couriers.into_iter().for_each(Waker::wake);
        voided
    }

    /// No courier brings anything any more of the feeds that were muted.
    pub fn unmute(&self) {
        self.0.state().muted = Vec::new();
    }

    /// Leaves out what couriers bring of this feed, until they are void: what is of others goes on.
    pub fn mute(&self, feed: Feed) {
        let mut state = self.0.state();
        if !state.muted.contains(&feed) {
            state.muted.push(feed);
        }
    }
}

impl Courier {
    /// Brings a part: waits until there is room for all of it. Nothing was brought if it is cancelled.
    pub async fn push(&mut self, parcels: Vec<Parcel>) -> Result<(), Refused> {
        self.bring(parcels, self.room(), Piece::Part).await
    }

    /// The same with what completes the parts before it, or is complete: it ends with the commit of this place.
    pub async fn push_last(
        &mut self,
        parcels: Vec<Parcel>,
        place: &Arc<Cursor>,
    ) -> Result<(), Refused> {
        self.bring(parcels, self.room(), Piece::Last(Arc::clone(place))).await
    }

    /// Brings rows of a snapshot: waits until little waits in the outbox. They don't count as a part of something.
    pub async fn push_paced(&mut self, parcels: Vec<Parcel>) -> Result<(), Refused> {
        self.bring(parcels, self.room().min(PACED_MAX_BYTES), Piece::Row).await
    }

    /// Whether what it brings would be taken, some time.
    pub fn is_wanted(&self) -> bool {
        let state = self.shared.state();
        self.refused(&state).is_none()
    }

    /// Ready once nothing of it is wanted any more.
    pub async fn unwanted(&self) -> Refused {
        poll_fn(|cx| {
            let mut state = self.shared.state();
            match self.refused(&state) {
                Some(refused) => Poll::Ready(refused),
                None => {
                    state.couriers.wait(cx, None);
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn room(&self) -> usize {
        self.shared.max_bytes - self.shared.max_bytes / HUBS_PART
    }

    /// Waits until all of it fits below `room`, or, if it never would, until nothing else waits.
    async fn bring(
        &mut self,
        mut parcels: Vec<Parcel>,
        room: usize,
        piece: Piece,
    ) -> Result<(), Refused> {
        let cost: usize = parcels.iter().map(|parcel| cost_bytes(&parcel.delivery)).sum();
        let most = match &piece {
            Piece::Row => room,
            Piece::Part | Piece::Last(_) => room.saturating_sub(cost),
        };
        poll_fn(|cx| {
            let mut state = self.shared.state();
            if let Some(refused) = self.refused(&state) {
                return Poll::Ready(Err(refused));
            }
            if !state.has_room(most) {
                state.couriers.wait(cx, Some(most));
                return Poll::Pending;
            }
            state.note(&piece);
            let waker = state.add_parcels(std::mem::take(&mut parcels));
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn refused(&self, state: &State) -> Option<Refused> {
        if state.inbox_gone || state.ended.is_some() {
            return Some(Refused::Gone);
        }
        let is_void = match &self.until {
            Until::Void(generation) => state.generation != *generation,
            Until::Cut(is_cut) => is_cut.load(Ordering::Relaxed),
        };
        is_void.then_some(Refused::Void)
    }
}

enum Piece {
    Part,
    Last(Arc<Cursor>),
    Row,
}

impl State {
    /// Whether a courier may add something where `most` bytes may wait already. The hub comes first.
    fn has_room(&self, most: usize) -> bool {
        self.bytes == 0 || (self.wanted_bytes == 0 && self.bytes <= most)
    }

    fn note(&mut self, piece: &Piece) {
        match piece {
            Piece::Part => self.is_within = true,
            Piece::Last(place) => {
                self.is_within = false;
                self.arrived = Some(Arc::clone(place));
            }
            Piece::Row => {}
        }
    }

    /// Puts in what isn't muted; returns whom to wake, without the lock.
    fn add_parcels(&mut self, parcels: Vec<Parcel>) -> Option<Waker> {
        let is_heard = |parcel: &Parcel| parcel.feed.is_none_or(|of| !self.muted.contains(&of));
        let heard = parcels.into_iter().filter(is_heard).map(|parcel| parcel.delivery);
        let mut deliveries: Vec<Delivery> = heard.collect();
        if deliveries.is_empty() {
            return None;
        }
        let cost = deliveries.iter().map(cost_bytes).sum();
        self.add(&mut deliveries, cost)
    }
}

/// The couriers that wait, each with how much may be left in the outbox when it is woken; without, it waits for the end only.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<(Waker, Option<usize>)>);

impl Waiting {
    fn wait(&mut self, cx: &Context<'_>, most: Option<usize>) {
        let same = |of: &&mut (Waker, Option<usize>)| {
            of.1.is_some() == most.is_some() && of.0.will_wake(cx.waker())
        };
        let known = self.0.iter_mut().find(same);
        match known {
            Some((_, of)) => *of = most,
            None => self.0.push((cx.waker().clone(), most)),
        }
    }

    /// Those who have room now that so many bytes are left.
    pub fn take_ready(&mut self, left: usize) -> Vec<Waker> {
        let is_ready =
            |of: &mut (Waker, Option<usize>)| of.1.is_some_and(|most| left == 0 || left <= most);
        self.0.extract_if(.., is_ready).map(|(waker, _)| waker).collect()
    }

    pub fn take_all(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.0).into_iter().map(|(waker, _)| waker).collect()
    }
}
