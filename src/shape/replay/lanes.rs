//! Who waits for a round, and the rounds themselves, one after the other: those over what is remembered never wait for those over
//! the log.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use rand::Rng as _;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::log::{self, Log, Results};
use super::round::{Ended, Round};
use super::{CatchUp, Outcome, Report, drain};
use crate::changelog::Unavailable;
use crate::shape::command::ReaderId;
use crate::shape::recent::Tail;
use crate::spool::Budget;

/// How many rounds may read the log at once.
const MAX_READS: usize = 2;
/// The pauses while the log can't be read; they start over once it could.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Readers that wait for a round: one place each, so they are no more than there are connections.
#[derive(Debug, Default)]
struct Lane {
    waiting: Mutex<IndexMap<ReaderId, CatchUp>>,
    bell: Notify,
}

#[derive(Debug, Default)]
pub struct Lanes {
    memory: Lane,
    log: Lane,
}

impl Lanes {
    /// Takes a reader, instead of what waited for it before.
    pub fn take(&self, catch_up: CatchUp) {
        let (lane, other) = match catch_up.tail {
            Some(_) => (&self.memory, &self.log),
            None => (&self.log, &self.memory),
        };
        other.waiting().shift_remove(&catch_up.reader);
        lane.waiting().insert(catch_up.reader, catch_up);
        lane.bell.notify_one();
    }
}

impl Lane {
    fn waiting(&self) -> MutexGuard<'_, IndexMap<ReaderId, CatchUp>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for somebody, and takes all who fit with the first, in the order in which they came.
    async fn next(&self, fit: impl Fn(&CatchUp, &CatchUp) -> bool) -> Vec<CatchUp> {
        loop {
            let taken = self.take(&fit);
            if !taken.is_empty() {
                return taken;
            }
            self.bell.notified().await;
        }
    }

    fn take(&self, fit: impl Fn(&CatchUp, &CatchUp) -> bool) -> Vec<CatchUp> {
        let mut waiting = self.waiting();
        let (mut taken, mut left) = (Vec::new(), IndexMap::new());
        for (id, reader) in waiting.drain(..) {
            match taken.first().is_none_or(|first| fit(first, &reader)) {
                true => taken.push(reader),
                false => drop(left.insert(id, reader)),
            }
        }
        *waiting = left;
        taken
    }

    /// Takes those again who are still there and haven't been sent anew. They come before those who came meanwhile: with the
    /// first one, each round serves somebody who has waited longest.
    fn put_back(&self, readers: Vec<CatchUp>) {
        let mut waiting = self.waiting();
        let later = std::mem::take(&mut *waiting);
        let wanted =
            |reader: &CatchUp| reader.courier.is_wanted() && !later.contains_key(&reader.reader);
        waiting.extend(readers.into_iter().filter(wanted).map(|reader| (reader.reader, reader)));
        waiting.extend(later);
        drop(waiting);
        self.bell.notify_one();
    }
}

/// What rounds work with.
#[derive(Clone, Debug)]
pub struct Works<L> {
    pub lanes: Arc<Lanes>,
    pub log: L,
    pub budget: Budget,
    pub reports: mpsc::UnboundedSender<Report>,
    pub failures: Arc<AtomicU32>,
}

impl<L: Log> Works<L> {
    /// Works as long as it is polled; a round that panics ends it.
    pub async fn run(self) {
        tokio::join!(self.over_memory(), self.over_log());
    }

    async fn over_memory(&self) {
        loop {
            let readers = self.lanes.memory.next(is_of_one_tail).await;
            let tail = |reader: &CatchUp| reader.tail.clone();
            let Some(longest) = readers.iter().filter_map(tail).max_by_key(|of| of.batches.len())
            else {
                continue;
            };
            self.deliver(over_tail(readers, &longest, &self.budget).await);
        }
    }

    async fn over_log(&self) {
        let turns = Arc::new(Semaphore::new(MAX_READS));
        let mut reads = JoinSet::new();
        loop {
            let turn = Arc::clone(&turns).acquire_owned().await;
            while let Some(read) = reads.try_join_next() {
                read.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
            }
            let readers = self.lanes.log.next(is_of_one_state).await;
            let works = self.clone();
            reads.spawn(async move {
                let results = log::read(&works.log, readers, &works.budget).await;
                works.settle(results).await;
                drop(turn);
            });
        }
    }

    async fn settle(&self, results: Results) {
        let Results { ended, again, unavailable } = results;
        self.deliver(ended);
        match unavailable {
            None => self.failures.store(0, Ordering::Relaxed),
            Some(error) => self.pause(&error).await,
        }
        if !again.is_empty() {
            self.lanes.log.put_back(again);
        }
    }

    async fn pause(&self, error: &Unavailable) {
        tracing::warn!(%error, "can't read the log for those who are behind; trying again");
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(10);
        let pause = (FIRST_PAUSE * 2_u32.pow(failures)).min(LONGEST_PAUSE);
        let part = rand::rng().random_range(0.5..1.0);
        tokio::time::sleep(pause.mul_f64(part)).await;
    }

    fn deliver(&self, ended: Vec<Ended>) {
        for of in ended {
            match of {
                Err(refused) => {
                    let (reader, outcome) = *refused;
                    self.reporter(&reader).report(outcome)
                }
                Ok(mut share) => {
                    let reporter = self.reporter(&share.catch_up);
                    tokio::spawn(async move {
                        let outcome = drain::bring(&mut share).await;
                        reporter.report(outcome);
                    });
                }
            }
        }
    }

    fn reporter(&self, reader: &CatchUp) -> Reporter {
        let (reader, generation) = (reader.reader, reader.generation);
        Reporter { reports: self.reports.downgrade(), reader, generation }
    }
}

/// Says what became of a reader.
#[derive(Debug)]
struct Reporter {
    /// The hub is to learn if the rounds have ended.
    reports: mpsc::WeakUnboundedSender<Report>,
    reader: ReaderId,
    generation: u64,
}

impl Reporter {
    fn report(self, outcome: Outcome) {
        let Self { reports, reader, generation } = self;
        if let Some(reports) = reports.upgrade() {
            // A hub that is gone needs to know nothing.
            let _ = reports.send(Report { reader, generation, outcome });
        }
    }
}

async fn over_tail(readers: Vec<CatchUp>, tail: &Tail, budget: &Budget) -> Vec<Ended> {
    let Some(mut round) = Round::new(readers, budget.clone()) else { return Vec::new() };
    for (at, batch) in (1..).zip(&*tail.batches) {
        for chunk in &batch.chunks {
            round.add(chunk).await;
        }
        if at < tail.batches.len() {
            round.commit_between(&batch.end).await;
        }
    }
    round.finish(Arc::clone(&tail.end)).await
}

/// Tails with the same end are the ends of one row of batches.
fn is_of_one_tail(one: &CatchUp, other: &CatchUp) -> bool {
    let end = |of: &CatchUp| of.tail.as_ref().map(|tail| Arc::as_ptr(&tail.end));
    end(one) == end(other) && is_of_one_state(one, other)
}

fn is_of_one_state(one: &CatchUp, other: &CatchUp) -> bool {
    Arc::ptr_eq(&one.served, &other.served)
}
