//! What was handed on lately, for as long as a crash of the server can still undo it. Pure.
//!
//! A transaction that others see has ended, but need not be on disk: its writer may not wait for that, and nobody waits
//! for the end of one that was rolled back. A crash then loses it, and the server uses its id again for another one, which a
//! cursor from before the crash takes for seen: its changes would never come.
//!
//! So a reader that finds the server in another life (`sql/070_life.sql`) goes back to the last snapshot of which it knows that
//! all was on disk: one that was taken when not more had been written to the WAL than has been flushed since. No id that it
//! has seen can be used again. If all that was handed on since is still in the log, the reader goes on, leaving that out; if
//! something is missing, the server went back in time.

use std::collections::{HashSet, VecDeque};
use std::time::SystemTime;

use crate::cursor::Snapshot;
use crate::event::Change;

use super::read::Header;

/// The most changes that are remembered. If more come before the disk has caught up, a crash means to start anew.
const MAX_MARKS: usize = 100_000;

/// Identifies a change also if a crash let its transaction's id and its number be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    seq: i64,
    txid: u64,
    at: SystemTime,
}

impl From<&Change> for Mark {
    fn from(change: &Change) -> Self {
        Self { seq: change.seq.0, txid: change.txid, at: change.at }
    }
}

/// A place of which everything is on disk.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    pub snapshot: Snapshot,
    /// How much WAL there was. Less of it now is another history.
    pub written: u64,
}

#[derive(Debug)]
struct Arrival {
    at: Durable,
    handed_on: Vec<Mark>,
}

/// The reader's memory of what isn't certain yet.
#[derive(Debug, Default)]
pub(super) struct Trail {
    durable: Option<Durable>,
    arrivals: VecDeque<Arrival>,
    /// What was handed on since the last arrival.
    pending: Vec<Mark>,
    marks: usize,
    overflowed: bool,
}

impl Trail {
    /// Changes were handed on.
    pub fn handed_on(&mut self, marks: Vec<Mark>) {
        if self.overflowed {
            return;
        }
        self.marks += marks.len();
        self.pending.extend(marks);
        if self.marks > MAX_MARKS {
            *self = Self { overflowed: true, ..Self::default() };
        }
    }

    /// A batch was handed on whole.
    pub fn arrived(&mut self, header: &Header) {
        self.overflowed = false;
        let handed_on = std::mem::take(&mut self.pending);
        if !handed_on.is_empty() || self.arrivals.is_empty() {
            let at = Durable { snapshot: header.snapshot.clone(), written: header.written };
            self.arrivals.push_back(Arrival { at, handed_on });
        }
        while self.arrivals.front().is_some_and(|first| first.at.written <= header.flushed) {
            let Some(first) = self.arrivals.pop_front() else { break };
            self.marks -= first.handed_on.len();
            self.durable = Some(first.at);
        }
    }

    /// Where to go back to after a crash, and what has been handed on since; none if that isn't known.
    pub fn after_crash(&self) -> Option<(Durable, HashSet<Mark>)> {
        let durable = self.durable.clone()?;
        let since = self.arrivals.iter().flat_map(|arrival| &arrival.handed_on);
        Some((durable, since.chain(&self.pending).copied().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(xmax: u64, written: u64, flushed: u64) -> Header {
        Header { written, flushed, ..Header::at(&format!("{xmax}:{xmax}:")) }
    }

    fn mark(seq: i64) -> Mark {
        Mark { seq, txid: 1, at: SystemTime::UNIX_EPOCH }
    }

    fn where_to_begin(trail: &Trail) -> Option<(u64, usize)> {
        trail.after_crash().map(|(durable, marks)| (durable.snapshot.xmax(), marks.len()))
    }

    #[test]
    fn nothing_is_certain_before_the_disk_has_caught_up() {
        let mut trail = Trail::default();
        trail.arrived(&header(5, 100, 99));
        assert_eq!(where_to_begin(&trail), None);
        trail.arrived(&header(6, 120, 110));
        assert_eq!(where_to_begin(&trail), Some((5, 0)));
    }

    #[test]
    fn what_was_handed_on_is_remembered_until_it_is_on_disk() {
        let mut trail = Trail::default();
        trail.arrived(&header(5, 100, 100));
        trail.handed_on(vec![mark(1), mark(2)]);
        trail.arrived(&header(6, 200, 150));
        trail.handed_on(vec![mark(3)]);
        assert_eq!(where_to_begin(&trail), Some((5, 3)));
        trail.arrived(&header(7, 300, 200));
        assert_eq!(where_to_begin(&trail), Some((6, 1)));
        trail.arrived(&header(7, 300, 300));
        assert_eq!(where_to_begin(&trail), Some((7, 0)));
    }

    #[test]
    fn too_much_to_remember_means_not_to_know_until_it_is_on_disk() {
        let mut trail = Trail::default();
        trail.arrived(&header(5, 100, 100));
        trail.handed_on((0..=MAX_MARKS as i64).map(mark).collect());
        assert_eq!(where_to_begin(&trail), None);
        trail.handed_on(vec![mark(-1)]);
        trail.arrived(&header(6, 200, 150));
        assert_eq!(where_to_begin(&trail), None);
        trail.arrived(&header(6, 200, 200));
        assert_eq!(where_to_begin(&trail), Some((6, 0)));
    }
}
