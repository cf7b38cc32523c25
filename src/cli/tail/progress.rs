//! How far the output has got: where to go on when the connection is lost, and what of a broken batch has been printed.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The most events of one batch that are remembered; of a larger one that breaks off, some are printed again.
const MAX_REMEMBERED: usize = 1_000_000;

#[derive(Debug)]
pub struct Progress {
    cursor: Option<String>,
    /// Whether commits speak for the feed: not while its rows are on their way.
    follows: bool,
    /// The events of the batch under way by their `seq`, of which a change of the key has two.
    printed: HashMap<i64, u8>,
    /// Those of a batch that broke off, which comes again.
    repeated: HashMap<i64, u8>,
}

#[derive(Deserialize)]
struct Identified {
    seq: Option<i64>,
}

impl Progress {
    pub fn after(cursor: Option<String>) -> Self {
        let (printed, repeated) = (HashMap::new(), HashMap::new());
        Self { cursor, follows: false, printed, repeated }
    }

    /// Where the next connection is to go on.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The feed has begun, at the place where it was or at this one; with `rows`, at neither before they have come.
    pub fn begin(&mut self, cursor: String, rows: bool) {
        self.follows = self.cursor.is_some() || !rows;
        if self.follows {
            self.cursor.get_or_insert(cursor);
        }
        self.repeated = std::mem::take(&mut self.printed);
    }

    /// The feed begins with rows, whatever was asked for: until they have come there is no place to go on.
    pub fn rows(&mut self) {
        if self.follows {
            self.reset(true);
        }
    }

    /// The rows are complete.
    pub fn synced(&mut self, cursor: String) {
        self.follows = true;
        self.complete(cursor);
    }

    /// What came before it is complete.
    pub fn complete(&mut self, cursor: String) {
        if self.follows {
            self.cursor = Some(cursor);
            self.printed.clear();
            self.repeated.clear();
        }
    }

    /// The feed starts anew; with `rows`, they come by themselves.
    pub fn reset(&mut self, rows: bool) {
        *self = Self { follows: !rows, ..Self::after(None) };
    }

    /// Whether the event hasn't been printed yet; it is taken for printed from now on.
    pub fn is_new(&mut self, event: &RawValue) -> bool {
        let read = serde_json::from_str::<Identified>(event.get());
        let Some(seq) = read.ok().and_then(|event| event.seq) else { return true };
        if self.printed.len() < MAX_REMEMBERED {
            *self.printed.entry(seq).or_default() += 1;
        }
        match self.repeated.get_mut(&seq) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(progress: &mut Progress, seqs: &[i64]) -> Vec<bool> {
        let event = |seq: &i64| RawValue::from_string(format!(r#"{{"seq":{seq}}}"#)).unwrap();
        seqs.iter().map(|seq| progress.is_new(&event(seq))).collect()
    }

    #[test]
    fn a_batch_that_broke_off_is_printed_once() {
        let mut progress = Progress::after(None);
        progress.begin("a".to_owned(), false);
        assert_eq!(new(&mut progress, &[1]), [true]);
        progress.complete("b".to_owned());
        assert_eq!(new(&mut progress, &[2, 3, 3]), [true, true, true]);
        assert_eq!(progress.cursor(), Some("b"));
        progress.begin("z".to_owned(), false);
        assert_eq!(progress.cursor(), Some("b"));
        assert_eq!(new(&mut progress, &[2, 3]), [false, false]);
        progress.begin("z".to_owned(), false);
        assert_eq!(new(&mut progress, &[2, 3, 3, 4]), [false, false, true, true]);
        progress.complete("c".to_owned());
        assert_eq!(progress.cursor(), Some("c"));
        assert_eq!(new(&mut progress, &[2]), [true]);
    }

    #[test]
    fn commits_before_the_rows_are_complete_are_no_place_to_go_on() {
        let mut progress = Progress::after(None);
        progress.begin("a".to_owned(), true);
        progress.complete("b".to_owned());
        assert_eq!(progress.cursor(), None);
        progress.synced("c".to_owned());
        assert_eq!(progress.cursor(), Some("c"));
        progress.complete("d".to_owned());
        progress.reset(true);
        progress.complete("e".to_owned());
        assert_eq!(progress.cursor(), None);
        progress.reset(false);
        progress.complete("f".to_owned());
        assert_eq!(progress.cursor(), Some("f"));
    }
}
