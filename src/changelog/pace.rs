//! When to read next, when to hold the doorbell and when to let go of it. Pure: the clock is passed in.
//!
//! ```text
//!            reads bring changes often             idle for IDLE
//!   Asleep ───────────────────────────→ Awake ───────────────────→ Releasing
//!     ↑ waits for the bell                ↑ reads every ms or so       │ the first read after the release
//!     │                                   └───────── often ────────┐   ↓ is snapshot R
//!     └───────────────────── all that R found in progress ended ── Draining
//! ```
//!
//! The reader may sleep only when no writer can still be silent; `sql/170_capture.sql` has the argument. It holds for the holds
//! of other readers too, and for those that came and went between two reads: `held_until` tells, as each hold leaves
//! another value (`sql/320_release.sql`), and a value that has changed is taken as a release.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Wake;
use super::read::Header;
use crate::cursor::Snapshot;

/// How long a hold lasts; it is renewed when half of it is over.
pub(super) const HOLD_MS: i32 = 500;
/// An awake reader that has read nothing for so long lets go of the bell.
const IDLE: Duration = Duration::from_millis(25);
/// A sleeping reader looks at least this often, as if the bell had rung.
const SLOW: Duration = Duration::from_secs(1);
/// The pauses between reads of an awake reader.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(5);
/// The longest pause while transactions may end silently, and without a bell.
const LONGEST_SILENT: Duration = Duration::from_millis(50);
const LONGEST_POLL: Duration = Duration::from_millis(25);
/// So many reads that brought changes, within so long, and the bell costs writers more than reading costs.
const OFTEN: usize = 8;
const OFTEN_WITHIN: Duration = Duration::from_millis(8);

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read when the bell rings, or after this long.
    Wait(Duration),
    /// Take or renew the hold, then tell `held`.
    Hold,
    /// Let go of a hold until this time (milliseconds of the database's clock), then tell `released`.
    Release(i64),
}

#[derive(Debug)]
enum State {
    Asleep,
    /// `mine`: until when this reader's hold lasts, 0 if it has none.
    Awake {
        mine: i64,
        renew_at: Instant,
    },
    Releasing,
    /// Waits for the transactions that `since` found in progress.
    Draining {
        since: Snapshot,
        pause: Duration,
    },
}

/// The reader's side of the doorbell.
#[derive(Debug)]
pub(super) struct Pace {
    wake: Wake,
    state: State,
    news: VecDeque<Instant>,
    last_news: Instant,
    pause: Duration,
    /// What `held_until` was at the last read.
    held_until: Option<i64>,
}

impl Pace {
    /// Begins as after a release: some other reader's hold, or this one's from before, may have kept writers silent.
    pub fn new(wake: Wake, now: Instant) -> Self {
        let state = match wake {
            Wake::Listen => State::Releasing,
            Wake::Poll => State::Awake { mine: 0, renew_at: now },
        };
        Self {
            wake,
            state,
            news: VecDeque::new(),
            last_news: now,
            pause: SHORTEST,
            held_until: None,
        }
    }

    /// A read has ended, after `took`.
    pub fn after_read(
        &mut self,
        now: Instant,
        took: Duration,
        brought: bool,
        header: &Header,
    ) -> Step {
        if brought {
            self.last_news = now;
            self.news.push_back(now);
            if self.news.len() > OFTEN {
                self.news.pop_front();
            }
        }
        let was_held = self.held_until.replace(header.held_until) != Some(header.held_until);
        match self.state {
            State::Awake { .. } => self.stay_awake(now, took),
            _ if header.held_ms > 0 => self.follow(now),
            State::Asleep | State::Draining { .. } if self.is_busy(now) => Step::Hold,
            _ if was_held => {
                self.state = State::Releasing;
                Step::Wait(Duration::ZERO)
            }
            State::Releasing => {
                self.state = State::Draining { since: header.snapshot.clone(), pause: SHORTEST };
                self.sleep_if_drained(header)
            }
            State::Draining { .. } => self.sleep_if_drained(header),
            State::Asleep => Step::Wait(SLOW),
        }
    }

    /// The hold was taken until then, or could not be: `None`.
    pub fn held(&mut self, now: Instant, until: Option<i64>) -> Step {
        let Some(mine) = until else {
            if self.wake == Wake::Poll {
                self.state = State::Awake { mine: 0, renew_at: now + SLOW };
                return Step::Wait(LONGEST_POLL);
            }
            self.state = State::Releasing;
            return Step::Wait(LONGEST_SILENT);
        };
        let renew_at = now + Duration::from_millis(HOLD_MS.unsigned_abs().into()) / 2;
        self.state = State::Awake { mine, renew_at };
        Step::Wait(SHORTEST)
    }

    /// The hold was let go; writers stay silent for so much longer because of other readers.
    pub fn released(&mut self, now: Instant, silent_ms: i64) -> Step {
        if silent_ms > 0 {
            return self.follow(now);
        }
        self.state = State::Releasing;
        Step::Wait(Duration::ZERO)
    }

    /// Reads on while another reader holds the bell.
    fn follow(&mut self, now: Instant) -> Step {
        self.state = State::Awake { mine: 0, renew_at: now + SLOW };
        Step::Wait(LONGEST)
    }

    fn is_busy(&self, now: Instant) -> bool {
        self.news.len() == OFTEN && self.news.front().is_some_and(|&at| now - at <= OFTEN_WITHIN)
    }

    fn stay_awake(&mut self, now: Instant, took: Duration) -> Step {
        let State::Awake { mine, renew_at } = self.state else { return Step::Wait(SLOW) };
        let idle = now - self.last_news > IDLE;
        if idle && self.wake == Wake::Listen {
            return Step::Release(mine);
        }
        if now >= renew_at {
            return Step::Hold;
        }
        // Reading is given a fifth of a core, and what there is to read doesn't get more by waiting.
        self.pause = match idle {
            false => (took * 4).clamp(SHORTEST, LONGEST),
            true => (self.pause * 2).min(LONGEST_POLL),
        };
        Step::Wait(self.pause)
    }

    fn sleep_if_drained(&mut self, header: &Header) -> Step {
        let State::Draining { since, pause } = &mut self.state else { return Step::Wait(SLOW) };
        if header.snapshot.all_ended_of(since) {
            self.state = State::Asleep;
            return Step::Wait(SLOW);
        }
        let wait = *pause;
        *pause = (wait * 2).min(LONGEST_SILENT);
        Step::Wait(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const AT_ONCE: Step = Step::Wait(Duration::ZERO);

    fn header(snapshot: &str, held_ms: i64) -> Header {
        let held_until = if held_ms > 0 { 1000 } else { 7 };
        Header { held_until, held_ms, ..Header::at(snapshot) }
    }

    fn asleep(now: Instant) -> Pace {
        let mut pace = Pace::new(Wake::Listen, now);
        assert_eq!(pace.after_read(now, MS, false, &header("5:5:", 0)), AT_ONCE);
        assert_eq!(pace.after_read(now, MS, false, &header("5:5:", 0)), Step::Wait(SLOW));
        pace
    }

    #[test]
    fn a_new_reader_sleeps_only_after_the_transactions_that_it_found_have_ended() {
        let now = Instant::now();
        let mut pace = Pace::new(Wake::Listen, now);
        assert_eq!(pace.after_read(now, MS, false, &header("5:5:", 0)), AT_ONCE);
        let first = pace.after_read(now, MS, false, &header("5:9:5,7", 0));
        assert_ne!(first, Step::Wait(SLOW));
        let second = pace.after_read(now, MS, false, &header("7:12:7", 0));
        assert_ne!(second, Step::Wait(SLOW));
        assert_eq!(pace.after_read(now, MS, false, &header("10:12:10", 0)), Step::Wait(SLOW));
    }

    #[test]
    fn while_transactions_may_end_silently_it_looks_at_least_twenty_times_a_second() {
        let now = Instant::now();
        let mut pace = Pace::new(Wake::Listen, now);
        for _ in 0..100 {
            match pace.after_read(now, MS, false, &header("5:9:5,7", 0)) {
                Step::Wait(pause) => assert!(pause <= Duration::from_millis(50)),
                step => panic!("{step:?}"),
            }
        }
    }

    #[test]
    fn seldom_changes_leave_the_bell_to_the_writers() {
        let start = Instant::now();
        let mut pace = asleep(start);
        for i in 0..100 {
            let step = pace.after_read(start + 20 * MS * i, MS, true, &header("5:5:", 0));
            assert_eq!(step, Step::Wait(SLOW));
        }
    }

    #[test]
    fn many_changes_take_the_hold_and_idleness_gives_it_back() {
        let start = Instant::now();
        let mut pace = asleep(start);
        let steps: Vec<Step> =
            (0..8).map(|_| pace.after_read(start, MS, true, &header("5:5:", 0))).collect();
        assert_eq!(steps.last(), Some(&Step::Hold));
        assert_eq!(pace.held(start, Some(777)), Step::Wait(SHORTEST));
        let later = start + IDLE + MS;
        assert_eq!(pace.after_read(later, MS, false, &header("5:5:", 100)), Step::Release(777));
        assert_eq!(pace.released(later, 0), AT_ONCE);
        let read_since = pace.after_read(later, MS, false, &header("4:4:", 0));
        assert_eq!(read_since, AT_ONCE, "another reader may have held meanwhile");
        let step = pace.after_read(later, MS, false, &header("5:6:5", 0));
        assert_eq!(step, Step::Wait(SHORTEST), "a writer may have stayed silent");
        assert_eq!(pace.after_read(later, MS, false, &header("6:6:", 0)), Step::Wait(SLOW));
    }

    #[test]
    fn the_hold_is_renewed_before_it_runs_out() {
        let start = Instant::now();
        let mut pace = asleep(start);
        pace.held(start, Some(777));
        let halfway = start + Duration::from_millis(250);
        assert_eq!(pace.after_read(halfway, MS, true, &header("5:5:", 250)), Step::Hold);
    }

    #[test]
    fn another_readers_hold_keeps_this_one_awake() {
        let now = Instant::now();
        let mut pace = asleep(now);
        assert_eq!(pace.after_read(now, MS, false, &header("5:5:", 300)), Step::Wait(LONGEST));
        let later = now + IDLE + MS;
        assert_eq!(pace.after_read(later, MS, false, &header("5:5:", 200)), Step::Release(0));
        assert_eq!(pace.released(later, 190), Step::Wait(LONGEST));
    }

    #[test]
    fn a_hold_that_came_and_went_unseen_is_taken_as_a_release() {
        let now = Instant::now();
        let mut pace = asleep(now);
        let after_a_hold = |snapshot: &str| Header { held_until: 8, ..header(snapshot, 0) };
        assert_eq!(pace.after_read(now, MS, false, &after_a_hold("5:5:")), AT_ONCE);
        let step = pace.after_read(now, MS, false, &after_a_hold("5:6:5"));
        assert_eq!(step, Step::Wait(SHORTEST), "a writer may have stayed silent");
        assert_eq!(pace.after_read(now, MS, false, &after_a_hold("6:6:")), Step::Wait(SLOW));
    }

    #[test]
    fn without_a_bell_it_looks_often_also_after_it_could_not_hold() {
        let start = Instant::now();
        let mut pace = Pace::new(Wake::Poll, start);
        for i in 0..1000 {
            let now = start + 20 * MS * i;
            let step = match pace.after_read(now, MS, false, &header("5:9:5", 0)) {
                Step::Hold => pace.held(now, None),
                step => step,
            };
            assert!(matches!(step, Step::Wait(pause) if pause <= LONGEST_POLL), "{step:?}");
        }
    }

    #[test]
    fn without_a_bell_it_never_lets_go() {
        let start = Instant::now();
        let mut pace = Pace::new(Wake::Poll, start);
        assert_eq!(pace.after_read(start, MS, false, &header("5:5:", 0)), Step::Hold);
        for i in 0..1000 {
            match pace.after_read(start + MS * i, MS, false, &header("5:9:5", 0)) {
                Step::Wait(pause) => assert!(pause <= LONGEST_POLL),
                Step::Hold => drop(pace.held(start + MS * i, Some(1))),
                step => panic!("{step:?}"),
            }
        }
    }
}
