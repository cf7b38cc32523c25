//! How long the feed waits for readers whose outbox is full.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that the feed waits at a time.
pub const MAX_WAIT: Duration = Duration::from_millis(20);
/// The longest that it waits in a second, in all.
pub const MAX_SHARE: Duration = Duration::from_millis(100);
const PER: Duration = Duration::from_secs(1);

/// What is left of the time that the feed may wait.
#[derive(Debug)]
pub struct Lenience {
    left: Duration,
    as_of: Instant,
    /// Since when it waits.
    since: Option<Instant>,
}

impl Lenience {
    pub fn new(now: Instant) -> Self {
        Self { left: MAX_SHARE, as_of: now, since: None }
    }

    /// Begins to wait, if it doesn't already.
    pub fn begin(&mut self, now: Instant) {
        if self.since.is_none() {
            let gained = (now - self.as_of).mul_f64(MAX_SHARE.as_secs_f64() / PER.as_secs_f64());
            self.left = (self.left + gained).min(MAX_SHARE);
            (self.as_of, self.since) = (now, Some(now));
        }
    }

    /// Ends the wait.
    pub fn end(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(now - since);
            self.as_of = now;
        }
    }

    /// When the wait that is under way is over.
    pub fn until(&self) -> Option<Instant> {
        Some(self.since? + self.left.min(MAX_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_waits_a_little_and_not_often() {
        let start = Instant::now();
        let mut lenience = Lenience::new(start);
        let mut now = start;
        let mut waited = Duration::ZERO;
        for _ in 0..8 {
            lenience.begin(now);
            let until = lenience.until().unwrap();
            assert!(until - now <= MAX_WAIT);
            waited += until - now;
            now = until;
            lenience.end(now);
        }
        assert!(waited >= MAX_SHARE && waited < MAX_SHARE + MAX_WAIT, "{waited:?}");
        lenience.begin(now + PER);
        assert_eq!(lenience.until(), Some(now + PER + MAX_WAIT));
    }
}
