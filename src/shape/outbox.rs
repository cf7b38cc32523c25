//! What waits for one connection: a queue bounded in bytes, filled by the hub and by couriers, drained by the connection's
//! task.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::End;
use crate::cursor::Cursor;
use crate::wire::{Delivery, Feed};

mod courier;

pub use courier::{Courier, Leash, Parcel, Refused, Voided};
use courier::{Generation, Waiting};

/// What an entry costs besides its bytes, which are shared.
const ENTRY_BYTES: usize = 64;
/// How much is handed to the connection at once.
const TAKE_MAX_BYTES: usize = 256 << 10;
const TAKE_MAX_ENTRIES: usize = 64;
/// A queue that has grown past this gives its memory back once it is empty.
const KEPT_ENTRIES: usize = 64;

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Delivery>,
    bytes: usize,
    ended: Option<End>,
    inbox_gone: bool,
    /// The connection's task, and whether it wants deliveries or only the end.
    waker: Option<Waker>,
    wants_deliveries: bool,
    /// The hub waits for this much room.
    wanted_bytes: usize,
    couriers: Waiting,
    generation: Generation,
    /// A courier has brought a part of something that it hasn't completed.
    is_within: bool,
    /// The last commit that a courier has brought.
    arrived: Option<Arc<Cursor>>,
    /// Of these, couriers bring nothing any more.
    muted: Vec<Feed>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    max_bytes: usize,
    /// Rung when the room that the hub waits for is there.
    relief: Arc<Notify>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

/// The hub's end.
#[derive(Debug)]
pub struct Outbox(Arc<Shared>);

/// The connection's end; dropping it is how a connection leaves.
#[derive(Debug)]
pub struct Inbox(Arc<Shared>);

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Taken,
    /// There is no room; nothing was pushed, and `relief` rings when there is.
    Full,
    /// The connection is gone.
    Gone,
}

/// What a connection finds in its outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Deliveries,
    Ended(End),
}

/// An outbox of at most `max_bytes`; a larger delivery is taken when nothing else waits.
pub fn outbox(max_bytes: usize, relief: Arc<Notify>) -> (Outbox, Inbox) {
    let shared = Arc::new(Shared { state: Mutex::default(), max_bytes, relief });
    (Outbox(Arc::clone(&shared)), Inbox(shared))
}

impl Outbox {
    /// Moves everything from `deliveries` into the outbox, or nothing.
    pub fn push(&self, deliveries: &mut Vec<Delivery>) -> Pushed {
        let cost: usize = deliveries.iter().map(cost_bytes).sum();
        let mut state = self.0.state();
        if state.inbox_gone || state.ended.is_some() {
            return Pushed::Gone;
        }
        if state.bytes > 0 && state.bytes + cost > self.0.max_bytes {
            state.wanted_bytes = cost;
            return Pushed::Full;
        }
        let waker = state.add(deliveries, cost);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Pushed::Taken
    }

    /// Ends the connection. One that is too slow loses what waits for it; otherwise that still goes out.
    pub fn end(&self, end: End) {
        let mut state = self.0.state();
        if state.ended.is_none() {
            state.ended = Some(end);
        }
        if end == End::TooSlow {
            state.queue = VecDeque::new();
            state.bytes = 0;
        }
        let waker = state.waker.take();
        let couriers = state.couriers.take_all();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        couriers.into_iter().for_each(Waker::wake);
    }

    /// How much waits, in bytes.
    #[cfg(test)]
    pub fn waiting_bytes(&self) -> usize {
        self.0.state().bytes
    }

    pub fn is_gone(&self) -> bool {
        self.0.state().inbox_gone
    }
}

/// A hub that is gone without a word stops, too: whoever connected in its last moment must not wait for it.
impl Drop for Outbox {
    fn drop(&mut self) {
        self.end(End::Restarting);
    }
}

impl Inbox {
    /// Moves what waits, up to a bound, to the end of `into`; when nothing does, says whether the hub has ended.
    pub fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut VecDeque<Delivery>,
    ) -> Poll<Taken> {
        let mut state = self.0.state();
        if state.queue.is_empty() {
            return match state.ended {
                Some(end) => Poll::Ready(Taken::Ended(end)),
                None => state.wait(cx, true),
            };
        }
        let mut taken = 0;
        for _ in 0..TAKE_MAX_ENTRIES {
            let Some(delivery) = state.queue.pop_front() else { break };
            taken += cost_bytes(&delivery);
            into.push_back(delivery);
            if taken >= TAKE_MAX_BYTES {
                break;
            }
        }
        let couriers = state.release(taken, &self.0);
        drop(state);
        couriers.into_iter().for_each(Waker::wake);
        Poll::Ready(Taken::Deliveries)
    }

    /// Whether nothing waits just now.
    pub fn is_empty(&self) -> bool {
        self.0.state().queue.is_empty()
    }

    /// Ready once the hub has ended a connection that must not be written to the end: one that is too slow.
    pub fn poll_cut_off(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let mut state = self.0.state();
        match state.ended {
            Some(end) => Poll::Ready(end),
            None => state.wait(cx, false),
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.inbox_gone = true;
        state.queue = VecDeque::new();
        let bytes = state.bytes;
        let couriers = state.couriers.take_all();
        let none_left = state.release(bytes, &self.0);
        drop(state);
        couriers.into_iter().chain(none_left).for_each(Waker::wake);
    }
}

impl State {
    fn wait<T>(&mut self, cx: &Context<'_>, wants_deliveries: bool) -> Poll<T> {
        self.wants_deliveries = wants_deliveries;
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Puts them in; returns whom to wake, without the lock.
    fn add(&mut self, deliveries: &mut Vec<Delivery>, cost: usize) -> Option<Waker> {
        self.bytes += cost;
        self.queue.extend(deliveries.drain(..));
        if self.wants_deliveries { self.waker.take() } else { None }
    }

    /// Gives room back; returns the couriers to wake, without the lock.
    #[must_use]
    fn release(&mut self, bytes: usize, shared: &Shared) -> Vec<Waker> {
        self.bytes -= bytes;
        if self.queue.is_empty() && self.queue.capacity() > KEPT_ENTRIES {
            self.queue = VecDeque::new();
        }
        let enough = self.bytes == 0 || self.bytes + self.wanted_bytes <= shared.max_bytes;
        if self.wanted_bytes > 0 && enough {
            self.wanted_bytes = 0;
            shared.relief.notify_one();
        }
        if self.wanted_bytes > 0 { Vec::new() } else { self.couriers.take_ready(self.bytes) }
    }
}

fn cost_bytes(delivery: &Delivery) -> usize {
    delivery.len_bytes() + ENTRY_BYTES
}

#[cfg(test)]
mod tests;
