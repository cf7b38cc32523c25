//! How fast a client may speak.

use std::time::Duration;

use tokio::time::Instant;

/// How many seconds' worth of messages may come at once: who comes back subscribes to everything again.
const BURST: Duration = Duration::from_secs(10);
/// How many more are refused before it is called a flood.
const GRACE: Duration = Duration::from_secs(2);

/// Counts a client's messages by the time that each may take.
#[derive(Debug)]
pub struct Pace {
    each: Duration,
    /// When those that came would all have been due.
    due: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    InTime,
    /// To be refused.
    TooFast,
    /// It goes on although it was refused.
    Flood,
}

impl Pace {
    pub fn new(max_per_second: usize, now: Instant) -> Self {
        let each =
            Duration::from_secs(1) / u32::try_from(max_per_second).unwrap_or(u32::MAX).max(1);
        Self { each, due: now }
    }

    /// Counts what costs as much as this many messages.
    pub fn charge(&mut self, messages: u32, now: Instant) {
        self.due = self.due.max(now) + self.each * messages;
    }

    /// Counts one message.
    pub fn hear(&mut self, now: Instant) -> Heard {
        self.charge(1, now);
        let ahead = self.due - now;
        match () {
            () if ahead <= BURST => Heard::InTime,
            () if ahead <= BURST + GRACE => Heard::TooFast,
            () => Heard::Flood,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_more_is_refused_and_a_flood_ends_it() {
        let now = Instant::now();
        let mut pace = Pace::new(5, now);
        let mut heard = |at| pace.hear(at);
        assert!((0..50).all(|_| heard(now) == Heard::InTime));
        assert!((0..10).all(|_| heard(now) == Heard::TooFast));
        assert_eq!(heard(now), Heard::Flood);
        assert_eq!(heard(now + Duration::from_secs(3)), Heard::InTime);
        let mut charged = Pace::new(5, now);
        charged.charge(50, now);
        assert_eq!(charged.hear(now), Heard::TooFast);
    }
}
