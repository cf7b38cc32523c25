//! Rounds over the log: one read after the smallest place of all who take part.

use std::cmp::Ordering;
use std::future::Future;
use std::sync::Arc;

use super::round::{Ended, Round};
use super::{Behind, CatchUp, Outcome};
use crate::changelog::{Replay, ReplayError, Replays, ResetReason, Unavailable};
use crate::cursor::{Cursor, Snapshot};
use crate::event::Change;
use crate::spool::Budget;

/// Where changes are read from.
pub trait Log: Clone + Send + Sync + 'static {
    type Read: Read;

    /// Everything that the cursor doesn't have.
    fn after(
        &self,
        cursor: &Cursor,
    ) -> impl Future<Output = Result<Self::Read, ReplayError>> + Send;
}

/// A read of the log.
pub trait Read: Send {
    fn end(&self) -> &Cursor;
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<Change>>, ReplayError>> + Send;
}

impl Log for Replays {
    type Read = Replay;

    async fn after(&self, cursor: &Cursor) -> Result<Replay, ReplayError> {
        Replays::after(self, cursor).await
    }
}

/// Without a log, nothing is known but what is remembered.
impl Log for Option<Replays> {
    type Read = Replay;

    async fn after(&self, cursor: &Cursor) -> Result<Replay, ReplayError> {
        match self {
            Some(replays) => replays.after(cursor).await,
            None => Err(ReplayError::Expired(ResetReason::CursorExpired)),
        }
    }
}

impl Read for Replay {
    fn end(&self) -> &Cursor {
        Replay::end(self)
    }

    async fn next(&mut self) -> Result<Option<Vec<Change>>, ReplayError> {
        Replay::next(self).await
    }
}

/// What became of a round's readers.
#[derive(Debug, Default)]
pub struct Results {
    pub ended: Vec<Ended>,
    /// They are to take part in another round.
    pub again: Vec<CatchUp>,
    /// Why, if the log can't be read now.
    pub unavailable: Option<Unavailable>,
}

/// A reader, and the first of the places of its feeds.
#[derive(Debug)]
struct From {
    place: Cursor,
    reader: CatchUp,
}

/// Reads the log for these; their views are of the same state of the tables.
pub async fn read<L: Log>(log: &L, readers: Vec<CatchUp>, budget: &Budget) -> Results {
    let mut results = Results::default();
    let mut together = results.take_together(readers);
    while let Some(first) = together.first() {
        match log.after(&first.place).await {
            Ok(read) => {
                results.read(read, together, budget).await;
                break;
            }
            Err(ReplayError::Unavailable(error)) => {
                results.put_off(together, error);
                break;
            }
            Err(ReplayError::Expired(reason)) => {
                together = results.leave_expired(log, together, reason).await;
            }
        }
    }
    results
}

impl Results {
    /// Those for whom one read will do, by their places. The others are put off.
    fn take_together(&mut self, readers: Vec<CatchUp>) -> Vec<From> {
        let mut together: Vec<From> = Vec::new();
        for reader in readers {
            let Some(place) = first_place(&reader) else {
                // Its places aren't of one history.
                self.expired(reader, ResetReason::Failover);
                continue;
            };
            // By the same life, or each for itself: what one's refusal says must be true of all.
            let fits =
                |of: &From| of.place.life == place.life && order(&of.place, &place).is_some();
            match together.iter().all(fits) {
                true => together.push(From { place, reader }),
                false => self.again.push(reader),
            }
        }
        together.sort_by(|a, b| order(&a.place, &b.place).unwrap_or(Ordering::Equal));
        together
    }

    /// The log doesn't tell what comes after the first place. If it tells what comes after a place, it does for all later ones.
    async fn leave_expired<L: Log>(
        &mut self,
        log: &L,
        mut readers: Vec<From>,
        reason: ResetReason,
    ) -> Vec<From> {
        let (mut expired, mut good) = (1, readers.len());
        // Most often all are.
        let mut probe = good - 1;
        while expired < good {
            match log.after(&readers[probe].place).await {
                Ok(_) => good = probe,
                Err(ReplayError::Expired(_)) => expired = probe + 1,
                Err(ReplayError::Unavailable(error)) => {
                    self.put_off(readers, error);
                    return Vec::new();
                }
            }
            probe = expired + (good - expired) / 2;
        }
        let left = readers.split_off(expired);
        readers.into_iter().for_each(|of| self.expired(of.reader, reason));
        left
    }

    async fn read(&mut self, mut read: impl Read, readers: Vec<From>, budget: &Budget) {
        let end = Arc::new(read.end().clone());
        let (good, ahead): (Vec<From>, _) =
            readers.into_iter().partition(|of| is_before(&of.reader, &end));
        ahead.into_iter().for_each(|of| self.expired(of.reader, ResetReason::Failover));
        let readers = good.into_iter().map(|of| of.reader).collect();
        let Some(mut round) = Round::new(readers, budget.clone()) else { return };
        loop {
            match read.next().await {
                Ok(Some(changes)) => round.add(&changes).await,
                Ok(None) => return self.ended.extend(round.finish(end).await),
                Err(ReplayError::Unavailable(error)) => {
                    self.unavailable = Some(error);
                    return self.again.extend(round.into_readers());
                }
                Err(ReplayError::Expired(reason)) => {
                    return round
                        .into_readers()
                        .into_iter()
                        .for_each(|of| self.expired(of, reason));
                }
            }
            if !round.is_wanted() {
                return round
                    .into_readers()
                    .into_iter()
                    .for_each(|of| self.ended.push(Err(Box::new((of, Outcome::Over)))));
            }
        }
    }

    fn put_off(&mut self, readers: Vec<From>, error: Unavailable) {
        self.unavailable = Some(error);
        self.again.extend(readers.into_iter().map(|of| of.reader));
    }

    fn expired(&mut self, reader: CatchUp, reason: ResetReason) {
        self.ended.push(Err(Box::new((reader, Outcome::Expired(reason)))));
    }
}

/// The smallest of its feeds' places, within the life that they name; none if they aren't of one history.
fn first_place(reader: &CatchUp) -> Option<Cursor> {
    let mut places = reader.feeds.iter().map(|behind| &*behind.place);
    let mut first = places.next()?.clone();
    // Each leaves out what its place has.
    first.part = None;
    for place in places {
        if order(&first, place)? == Ordering::Greater {
            first.snapshot = place.snapshot.clone();
        }
        match (first.life, place.life) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => first.life = one.or(other),
        }
    }
    Some(first)
}

/// Which place comes first; none if they can't be compared.
fn order(one: &Cursor, other: &Cursor) -> Option<Ordering> {
    if one.era != other.era {
        return None;
    }
    match (one.snapshot.includes(&other.snapshot), other.snapshot.includes(&one.snapshot)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Greater),
        (false, true) => Some(Ordering::Less),
        (false, false) => None,
    }
}

/// Whether the end has all that the reader's places have.
fn is_before(reader: &CatchUp, end: &Cursor) -> bool {
    let within = |seen: &Snapshot| end.snapshot.includes(seen);
    reader.feeds.iter().all(|Behind { place, .. }| {
        within(&place.snapshot) && place.part.as_ref().is_none_or(|part| within(&part.snapshot))
    })
}
