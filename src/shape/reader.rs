//! A connection as the hub sees it: what it subscribed to, and what waits to go to it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::Asked;
use super::outbox::{Outbox, Pushed};
use crate::policy::View;
use crate::wire::{Delivery, Feed, Format, Framed};

/// The most answers that may queue behind a reader's backlog.
const MAX_BACKLOG_ANSWERS: usize = 64;

#[derive(Clone, Debug)]
pub struct Subscription {
    pub id: String,
    pub asked: Asked,
    pub state: State,
}

#[derive(Clone, Debug)]
pub enum State {
    /// Until the place in the log from which it is live is known.
    Waiting(Arc<View>),
    Live(Feed),
}

impl State {
    pub fn is_live_on(&self, feed: Feed) -> bool {
        matches!(self, Self::Live(live) if *live == feed)
    }
}

#[derive(Debug)]
pub struct Reader {
    pub format: Format,
    pub subscriptions: Vec<Subscription>,
    pub last_commit: Instant,
    /// It has got events of a batch whose commit it hasn't.
    pub within_batch: bool,
    /// What is to go as one.
    staged: Vec<Delivery>,
    /// The frames that the batch's commit goes with.
    last: Option<Framed>,
    /// What the outbox had no room for.
    backlog: VecDeque<Delivery>,
    progress_at: Instant,
    outbox: Outbox,
}

impl Reader {
    pub fn new(format: Format, outbox: Outbox, now: Instant) -> Self {
        Self {
            format,
            // Most connections have one, for which the first push would make room for four.
            subscriptions: Vec::with_capacity(1),
            last_commit: now,
            within_batch: false,
            staged: Vec::new(),
            last: None,
            backlog: VecDeque::new(),
            progress_at: now,
            outbox,
        }
    }

    pub fn has_subscription(&self, id: &str) -> bool {
        self.subscriptions.iter().any(|known| known.id == id)
    }

    pub fn subscription_mut(&mut self, id: &str) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|known| known.id == id)
    }

    /// The ids of the subscriptions that aren't live yet.
    pub fn waiting(&self) -> impl Iterator<Item = &str> {
        let waits = |of: &&Subscription| matches!(of.state, State::Waiting(_));
        self.subscriptions.iter().filter(waits).map(|of| of.id.as_str())
    }

    pub fn has_feed(&self, feed: Feed) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.state.is_live_on(feed))
    }

    /// Adds to what goes out together at the next `send_staged`.
    pub fn stage(&mut self, delivery: Delivery) {
        self.staged.push(delivery);
    }

    /// Stages a feed's last frames of the batch; true if it is the reader's first feed.
    pub fn stage_last(&mut self, framed: Framed) -> bool {
        match self.last.replace(framed) {
            None => true,
            Some(before) => {
                self.staged.push(before.without_commit());
                false
            }
        }
    }

    /// Ends the batch with a commit behind the last feed's frames.
    pub fn end_batch(&mut self, now: Instant) {
        self.staged.extend(self.last.take().map(|framed| framed.with_commit()));
        self.within_batch = false;
        self.last_commit = now;
    }

    pub fn staged_bytes(&self) -> usize {
        self.staged.iter().map(Delivery::len_bytes).sum()
    }

    /// Sends what was staged, in one piece if there is room.
    pub fn send_staged(&mut self, now: Instant) -> Pushed {
        if !self.backlog.is_empty() {
            self.backlog.extend(self.staged.drain(..));
            return Pushed::Full;
        }
        let pushed = self.outbox.push(&mut self.staged);
        match pushed {
            Pushed::Taken => {}
            Pushed::Full => {
                self.backlog.extend(self.staged.drain(..));
                self.progress_at = now;
                return self.relieve(now);
            }
            Pushed::Gone => self.staged.clear(),
        }
        pushed
    }

    /// Sends an answer; `Full` if the reader asks more than it reads.
    pub fn answer(&mut self, delivery: Delivery) -> Pushed {
        if self.backlog.is_empty() {
            return self.outbox.push(&mut vec![delivery]);
        }
        if self.backlog.len() >= MAX_BACKLOG_ANSWERS {
            return Pushed::Full;
        }
        self.backlog.push_back(delivery);
        Pushed::Taken
    }

    /// Moves as much of the backlog into the outbox as there is room for.
    pub fn relieve(&mut self, now: Instant) -> Pushed {
        while let Some(delivery) = self.backlog.pop_front() {
            let mut one = vec![delivery];
            match self.outbox.push(&mut one) {
                Pushed::Taken => self.progress_at = now,
                Pushed::Full => {
                    self.backlog.extend(one);
                    self.backlog.rotate_right(1);
                    return Pushed::Full;
                }
                Pushed::Gone => return Pushed::Gone,
            }
        }
        Pushed::Taken
    }

    /// When it last took something while more was waiting.
    pub fn progress_at(&self) -> Instant {
        self.progress_at
    }

    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}
