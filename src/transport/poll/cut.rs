//! The first changes of a batch that is larger than an answer, by their `seq`: a cursor within the batch says that all
//! changes up to one have been seen.

use bytes::Bytes;

use crate::event::Seq;
use crate::wire::poll::Events;

/// What is kept of a batch.
#[derive(Debug)]
pub struct Cut {
    bound: Bound,
    /// In the order in which they came.
    kept: Vec<(Seq, Bytes)>,
    bytes: usize,
    /// Of what is later nothing is kept.
    until: Seq,
}

/// How much an answer may have.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub events: usize,
    /// But for the first change, which is always kept.
    pub bytes: usize,
    /// What is kept at any rate: what was seen before reaches as far.
    pub at_least: Option<Seq>,
}

impl Cut {
    pub fn new(bound: Bound) -> Self {
        Self { bound, kept: Vec::new(), bytes: 0, until: Seq(i64::MAX) }
    }

    pub fn add(&mut self, events: &Events) {
        for (seq, event) in events.each() {
            if seq > self.until {
                continue;
            }
            self.bytes += event.len();
            // A few events must not keep the memory of a whole frame.
            self.kept.push((seq, Bytes::copy_from_slice(&event)));
            if self.kept.len() > 2 * self.bound.events || self.bytes > 2 * self.bound.bytes {
                self.shorten();
            }
        }
    }

    pub fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// The events, and the last change that they tell; none if that is the batch's.
    pub fn finish(mut self) -> (Vec<Bytes>, Option<Seq>) {
        self.shorten();
        let events = self.kept.into_iter().map(|(_, event)| event).collect();
        (events, (self.until < Seq(i64::MAX)).then_some(self.until))
    }

    /// Leaves what fits into an answer.
    fn shorten(&mut self) {
        let mut sizes: Vec<(Seq, usize)> =
            self.kept.iter().map(|(seq, event)| (*seq, event.len() + 1)).collect();
        sizes.sort_unstable_by_key(|(seq, _)| *seq);
        let (mut count, mut bytes, mut last) = (0, 0, None);
        for change in sizes.chunk_by(|one, other| one.0 == other.0) {
            count += change.len();
            bytes += change.iter().map(|(_, len)| len).sum::<usize>();
            let seq = change[0].0;
            let fits = count <= self.bound.events && bytes <= self.bound.bytes;
            if !fits && last.is_some() && Some(seq) > self.bound.at_least {
                break;
            }
            last = Some(seq);
        }
        let Some(until) = last else { return };
        if sizes.last().is_some_and(|(newest, _)| *newest > until) {
            self.until = until;
        }
        self.kept.retain(|(seq, _)| *seq <= until);
        self.bytes = self.kept.iter().map(|(_, event)| event.len()).sum();
    }
}
