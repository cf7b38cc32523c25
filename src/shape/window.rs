//! Windows: readers that want but one delivery in some time get it when the window ends. Windows of one length end together,
//! so that what is merged for one is merged for all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::command::ReaderId;
use super::hub::Hub;

/// Lengths up to this are multiples of the fine step, others of the other.
const FINE: Duration = Duration::from_secs(1);
const FINE_STEP: Duration = Duration::from_millis(10);
const STEP: Duration = Duration::from_millis(250);

/// The readers by the length of their windows.
#[derive(Debug)]
pub struct Windows {
    since: Instant,
    by_length: BTreeMap<Duration, Window>,
}

#[derive(Debug)]
struct Window {
    readers: BTreeSet<ReaderId>,
    ends_at: Instant,
}

impl Windows {
    pub fn new(now: Instant) -> Self {
        Self { since: now, by_length: BTreeMap::new() }
    }

    /// Moves a reader from windows of one length to those of another; of none, if that is zero.
    pub fn change(&mut self, id: ReaderId, from: Duration, to: Duration, now: Instant) {
        if let Some(window) = self.by_length.get_mut(&from) {
            window.readers.remove(&id);
            if window.readers.is_empty() {
                self.by_length.remove(&from);
            }
        }
        if !to.is_zero() {
            let ends_at = self.end_after(now, to);
            let window = Window { readers: BTreeSet::new(), ends_at };
            self.by_length.entry(to).or_insert(window).readers.insert(id);
        }
    }

    /// When the next window ends.
    pub fn next_end(&self) -> Option<Instant> {
        self.by_length.values().map(|window| window.ends_at).min()
    }

    /// The readers whose windows have ended.
    pub fn take_ended(&mut self, now: Instant) -> Vec<ReaderId> {
        let mut ended = Vec::new();
        let lengths: Vec<Duration> = self.by_length.keys().copied().collect();
        for length in lengths {
            let next = self.end_after(now, length);
            let Some(window) = self.by_length.get_mut(&length) else { continue };
            if window.ends_at <= now {
                window.ends_at = next;
                ended.extend(&window.readers);
            }
        }
        ended
    }

    /// The next multiple of the length.
    fn end_after(&self, now: Instant, length: Duration) -> Instant {
        let length_ns = length.as_nanos().max(1);
        let passed = (now - self.since).as_nanos() / length_ns + 1;
        let nanos = u64::try_from(passed * length_ns).unwrap_or(u64::MAX);
        self.since + Duration::from_nanos(nanos)
    }
}

impl Hub {
    /// Notes how long the windows of a reader are: the longest that it asked for, for a commit speaks for all of its
    /// feeds.
    pub(super) fn set_window(&mut self, id: ReaderId) {
        let Some(reader) = self.readership.registry.readers.get_mut(&id) else { return };
        let longest = reader.subscriptions.iter().map(|of| of.asked.coalesce).max();
        let to = rounded(longest.unwrap_or_default());
        let from = std::mem::replace(&mut reader.window, to);
        if from != to {
            self.windows.change(id, from, to, Instant::now());
        }
    }

    /// Brings those what came whose windows have ended.
    pub(super) fn end_windows(&mut self, now: Instant) {
        let mut has_gone = false;
        for id in self.windows.take_ended(now) {
            match self.readership.registry.readers.get_mut(&id) {
                None => has_gone = true,
                Some(reader) => {
                    reader.is_due = true;
                    self.bring_on(id);
                }
            }
        }
        if has_gone {
            let registry = &self.readership.registry;
            self.windows.forget(|id| !registry.readers.contains_key(id));
        }
    }
}

/// Somewhat longer, so that there are few lengths and many end together.
fn rounded(length: Duration) -> Duration {
    let step = if length <= FINE { FINE_STEP } else { STEP };
    let steps = length.as_nanos().div_ceil(step.as_nanos());
    step * u32::try_from(steps).unwrap_or(u32::MAX)
}

impl Windows {
    fn forget(&mut self, is_gone: impl Fn(&ReaderId) -> bool) {
        for window in self.by_length.values_mut() {
            window.readers.retain(|id| !is_gone(id));
        }
        self.by_length.retain(|_, window| !window.readers.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_few() {
        let ms = Duration::from_millis;
        for (asked, length) in [(0, 0), (1, 10), (100, 100), (995, 1_000), (1_001, 1_250)] {
            assert_eq!(rounded(ms(asked)), ms(length), "{asked}");
        }
    }

    #[test]
    fn windows_of_one_length_end_together() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut windows = Windows::new(start);
        let [a, b, c] = [1, 2, 3].map(ReaderId);
        windows.change(a, Duration::ZERO, ms(100), start + ms(10));
        windows.change(b, Duration::ZERO, ms(100), start + ms(90));
        windows.change(c, Duration::ZERO, ms(250), start + ms(90));
        assert_eq!(windows.next_end(), Some(start + ms(100)));
        assert_eq!(windows.take_ended(start + ms(99)), []);
        assert_eq!(windows.take_ended(start + ms(130)), [a, b]);
        assert_eq!(windows.next_end(), Some(start + ms(200)));
        windows.change(a, ms(100), Duration::ZERO, start + ms(130));
        windows.change(b, ms(100), ms(250), start + ms(130));
        assert_eq!(windows.take_ended(start + ms(250)), [b, c]);
    }
}
