//! A connection as the hub sees it: what it subscribed to, and what waits to go to it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Asked;
use super::outbox::{Leash, Outbox, Pushed};
use crate::cursor::Cursor;
use crate::event::Seq;
use crate::policy::View;
use crate::wire::{Delivery, Feed, Format, Framed, ResetCause};

/// The most answers that may queue behind a reader's backlog.
const MAX_BACKLOG_ANSWERS: usize = 64;

#[derive(Debug)]
pub struct Subscription {
    pub id: String,
    pub asked: Asked,
    pub state: State,
}

#[derive(Debug)]
pub enum State {
    /// Until it can be told where it begins.
    Waiting(Arc<View>),
    On {
        feed: Feed,
        at: At,
    },
}

/// How far a feed has been sent.
#[derive(Debug)]
pub enum At {
    /// It is sent what comes, and has what came.
    Live,
    /// It has all before this place.
    Behind(Arc<Cursor>),
    /// Of the batch under way it has what is up to this change.
    Within(Option<Seq>),
    /// It is to begin with rows, which must have what is before this place.
    Unsynced { after: Option<Arc<Cursor>> },
    /// Its rows are on their way.
    Syncing { number: u64, _courier: Leash },
    /// It has the rows as of this place, and hasn't been told so.
    Synced(Arc<Cursor>),
    /// It is to be told to start anew.
    Reset(ResetCause),
}

impl Subscription {
    pub fn feed(&self) -> Option<Feed> {
        match self.state {
            State::On { feed, .. } => Some(feed),
            State::Waiting(_) => None,
        }
    }

    pub fn at(&self) -> Option<&At> {
        match &self.state {
            State::On { at, .. } => Some(at),
            State::Waiting(_) => None,
        }
    }

    pub fn is_live(&self) -> bool {
        matches!(self.at(), Some(At::Live))
    }

    /// Whether a commit may be sent that isn't about it.
    fn lets_commits_pass(&self) -> bool {
        match &self.state {
            State::Waiting(_) => true,
            State::On { at, .. } => {
                matches!(at, At::Live | At::Unsynced { .. } | At::Syncing { .. } | At::Synced(_))
            }
        }
    }
}

/// What a delivery is, should there be no room for it.
#[derive(Clone, Debug)]
pub enum Of {
    /// It has to go out.
    Answer,
    /// Events of a feed which had everything before this.
    Feed(Feed, Before),
    /// Other news make up for it.
    Commit,
}

/// What a feed has had.
#[derive(Clone, Debug)]
pub enum Before {
    /// Of the batch, what is up to this change.
    Within(Option<Seq>),
    At(Arc<Cursor>),
}

#[derive(Debug)]
pub struct Reader {
    pub format: Format,
    pub subscriptions: Vec<Subscription>,
    pub last_commit: Instant,
    /// It has got events of a batch whose commit it hasn't.
    pub within_batch: bool,
    /// The catch-up that is under way.
    pub away: Option<u64>,
    /// The feeds of subscriptions that have ended during the catch-up, of which nothing more is sent.
    pub muted: Vec<Feed>,
    /// It had no room for what was live: what it missed is brought by a courier, who waits.
    pub is_congested: bool,
    /// A commit must tell it that what it was promised has come.
    pub owes_commit: bool,
    /// Since when it has waited for the hub to get to where it is.
    pub ahead_since: Option<Instant>,
    /// The longest time in which it wants but one delivery.
    pub window: Duration,
    /// Its window has ended.
    pub is_due: bool,
    /// What is to go as one, and what it is.
    staged: Vec<Delivery>,
    staged_of: Vec<Of>,
    /// The frames that the batch's commit goes with.
    last: Option<(Framed, Feed, Before)>,
    /// What the outbox had no room for.
    backlog: VecDeque<(Delivery, Of)>,
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
            away: None,
            muted: Vec::new(),
            is_congested: false,
            owes_commit: false,
            ahead_since: None,
            window: Duration::ZERO,
            is_due: false,
            staged: Vec::new(),
            staged_of: Vec::new(),
            last: None,
            backlog: VecDeque::new(),
            outbox,
        }
    }

    pub fn has_subscription(&self, id: &str) -> bool {
        self.subscriptions.iter().any(|known| known.id == id)
    }

    pub fn position(&self, id: &str) -> Option<usize> {
        self.subscriptions.iter().position(|known| known.id == id)
    }

    pub fn position_of(&self, feed: Feed) -> Option<usize> {
        self.subscriptions.iter().position(|known| known.feed() == Some(feed))
    }

    pub fn at_mut(&mut self, index: usize) -> Option<&mut At> {
        match &mut self.subscriptions.get_mut(index)?.state {
            State::On { at, .. } => Some(at),
            State::Waiting(_) => None,
        }
    }

    /// The feeds that are somewhere but not live: which, at what place, and whether that is as of their rows.
    pub fn places(&self) -> Vec<(usize, Feed, Arc<Cursor>, bool)> {
        let place = |(index, of): (usize, &Subscription)| match of.at()? {
            At::Behind(from) => Some((index, of.feed()?, Arc::clone(from), false)),
            At::Synced(from) => Some((index, of.feed()?, Arc::clone(from), true)),
            _ => None,
        };
        self.subscriptions.iter().enumerate().filter_map(place).collect()
    }

    pub fn has_synced(&self) -> bool {
        self.subscriptions.iter().any(|of| matches!(of.at(), Some(At::Synced(_))))
    }

    /// Whether it wants but one delivery in some time.
    pub fn is_windowed(&self) -> bool {
        !self.window.is_zero()
    }

    pub fn has_live(&self) -> bool {
        self.subscriptions.iter().any(Subscription::is_live)
    }

    pub fn is_settled(&self) -> bool {
        self.subscriptions.iter().all(Subscription::is_live)
    }

    /// Whether the hub's place may be told to it when there is nothing else to tell. An event stream's commits speak
    /// for its only feed.
    pub fn takes_commits(&self) -> bool {
        let passes = |of: &Subscription| match self.format {
            Format::WebSocket => of.lets_commits_pass(),
            Format::EventStream | Format::Poll => of.is_live(),
        };
        self.away.is_none() && !self.within_batch && self.subscriptions.iter().all(passes)
    }

    /// Whether a commit that is owed may be told. An event stream's speaks for its only feed: not while that lacks rows, or
    /// the browser would come back behind them.
    pub fn may_be_told(&self) -> bool {
        let lacks_rows = |of: &Subscription| {
            matches!(of.at(), Some(At::Unsynced { .. } | At::Syncing { .. } | At::Reset(_)))
        };
        self.format == Format::WebSocket || !self.subscriptions.iter().any(lacks_rows)
    }

    /// Adds to what goes out together at the next `send_staged`.
    pub fn stage(&mut self, delivery: Delivery, of: Of) {
        self.staged.push(delivery);
        self.staged_of.push(of);
    }

    /// Stages a feed's last frames before a commit; true if it is the reader's first feed.
    pub fn stage_last(&mut self, framed: Framed, feed: Feed, before: Before) -> bool {
        match self.last.replace((framed, feed, before)) {
            None => true,
            Some((framed, feed, before)) => {
                self.stage(framed.without_commit(), Of::Feed(feed, before));
                false
            }
        }
    }

    /// Ends what is staged with a commit behind the last feed's frames. Says whether there are any.
    pub fn end_batch(&mut self, now: Instant) -> bool {
        let Some((framed, feed, before)) = self.last.take() else { return false };
        self.stage(framed.with_commit(), Of::Feed(feed, before));
        self.within_batch = false;
        self.owes_commit = false;
        self.last_commit = now;
        true
    }

    pub fn staged_bytes(&self) -> usize {
        self.staged.iter().map(Delivery::len_bytes).sum()
    }

    pub fn has_staged(&self) -> bool {
        !self.staged.is_empty()
    }

    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Sends what was staged, in one piece if there is room.
    pub fn send_staged(&mut self) -> Pushed {
        if self.staged.is_empty() {
            return if self.has_backlog() { Pushed::Full } else { Pushed::Taken };
        }
        let pushed = match self.has_backlog() {
            true => Pushed::Full,
            false => self.outbox.push(&mut self.staged),
        };
        match pushed {
            Pushed::Taken => self.staged_of.clear(),
            Pushed::Full => {
                let had_backlog = self.has_backlog();
                self.backlog.extend(self.staged.drain(..).zip(self.staged_of.drain(..)));
                if !had_backlog {
                    return self.relieve();
                }
            }
            Pushed::Gone => {
                self.staged.clear();
                self.staged_of.clear();
            }
        }
        pushed
    }

    /// Sends an answer; `Full` if the reader asks more than it reads.
    pub fn answer(&mut self, delivery: Delivery) -> Pushed {
        let answers = self.backlog.iter().filter(|(_, of)| matches!(of, Of::Answer)).count();
        if answers >= MAX_BACKLOG_ANSWERS {
            return Pushed::Full;
        }
        if self.backlog.is_empty() {
            let mut one = vec![delivery];
            let pushed = self.outbox.push(&mut one);
            self.backlog.extend(one.into_iter().map(|delivery| (delivery, Of::Answer)));
            return if pushed == Pushed::Gone { pushed } else { Pushed::Taken };
        }
        self.backlog.push_back((delivery, Of::Answer));
        Pushed::Taken
    }

    /// Moves as much of the backlog into the outbox as there is room for.
    pub fn relieve(&mut self) -> Pushed {
        while let Some((delivery, of)) = self.backlog.pop_front() {
            let mut one = vec![delivery];
            let pushed = self.outbox.push(&mut one);
            if pushed != Pushed::Taken {
                self.backlog.extend(one.into_iter().map(|delivery| (delivery, of.clone())));
                self.backlog.rotate_right(1);
                return pushed;
            }
        }
        Pushed::Taken
    }

    /// Forgets the events that wait. Of each feed, says what it had had before the first of them.
    pub fn drop_events(&mut self) -> Vec<(Feed, Before)> {
        let mut dropped: Vec<(Feed, Before)> = Vec::new();
        for (delivery, of) in std::mem::take(&mut self.backlog) {
            match of {
                Of::Answer => self.backlog.push_back((delivery, of)),
                Of::Commit => {}
                Of::Feed(feed, before) => {
                    if !dropped.iter().any(|(known, _)| *known == feed) {
                        dropped.push((feed, before));
                    }
                }
            }
        }
        dropped
    }

    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}
