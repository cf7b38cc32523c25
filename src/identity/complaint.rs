//! Warnings that many requests would repeat.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The same warning is logged no more often.
const PAUSE: Duration = Duration::from_secs(30);

/// A warning of one kind.
#[derive(Debug, Default)]
pub struct Complaint(Mutex<Option<(String, Instant)>>);

impl Complaint {
    /// Logs it, unless it was logged a short while ago for the same reason.
    pub fn say(&self, what: &str, reason: &str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.as_ref().is_some_and(|(last, at)| last == reason && at.elapsed() < PAUSE) {
            return;
        }
        tracing::warn!("{what}: {reason}");
        *said = Some((reason.to_owned(), Instant::now()));
    }
}
