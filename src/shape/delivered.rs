//! Which changes of the batch under way have been passed on: after the database was lost, the batch comes again
//! from its start, possibly with more in it, and nothing may be passed on twice.

use std::collections::BTreeMap;

use crate::event::Seq;

/// The most ranges that are remembered; consecutive changes are one range.
const MAX_RANGES: usize = 500_000;

/// A set of changes, as ranges of their numbers.
#[derive(Debug, Default)]
pub struct Delivered {
    closed: BTreeMap<i64, i64>,
    open: Option<(i64, i64)>,
    overflowed: bool,
}

impl Delivered {
    pub fn insert(&mut self, Seq(seq): Seq) {
        match &mut self.open {
            Some((_, last)) if last.checked_add(1) == Some(seq) => *last = seq,
            open => {
                if let Some((first, last)) = open.replace((seq, seq)) {
                    self.close(first, last);
                }
            }
        }
    }

    fn close(&mut self, first: i64, last: i64) {
        if self.closed.len() < MAX_RANGES {
            self.closed.insert(first, last);
        } else {
            self.overflowed = true;
        }
    }

    pub fn contains(&self, Seq(seq): Seq) -> bool {
        let in_open = self.open.is_some_and(|(first, last)| (first..=last).contains(&seq));
        in_open || self.closed.range(..=seq).next_back().is_some_and(|(_, last)| seq <= *last)
    }

    /// Whether the bound was reached, so that `contains` may say no wrongly.
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_contained_and_nothing_else() {
        let mut delivered = Delivered::default();
        let inserted = [1, 2, 3, 7, 8, 20, 5, i64::MAX];
        inserted.into_iter().for_each(|seq| delivered.insert(Seq(seq)));
        for seq in (0..30).chain([i64::MAX - 1, i64::MAX]) {
            assert_eq!(delivered.contains(Seq(seq)), inserted.contains(&seq), "{seq}");
        }
    }
}
