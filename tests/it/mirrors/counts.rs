//! What a run has seen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub struct Count(AtomicU64);

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl Count {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub struct Counts {
    pub rounds: Count,
    pub copies: Count,
    pub transactions: Count,
    pub sessions: Count,
    pub resumes: Count,
    pub snapshots: Count,
    pub events: Count,
    pub snapshot_rows: Count,
    pub commits: Count,
    pub oversize: Count,
    pub comparisons: Count,
    pub compared_rows: Count,
    pub script_comparisons: Count,
    pub renewals: Count,
    /// By their names: what was done to everybody, why feeds were reset, how connections were closed.
    pub named: Mutex<BTreeMap<String, u64>>,
}

impl Counts {
    pub fn name(&self, what: &str) {
        *self.named.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }
}

/// Metrics whose names have one of these tell where resumes were served from.
const TOLD: [&str; 3] = ["resume", "replay", "catch"];

impl Counts {
    /// Adds what a daemon has counted so far; it is asked before it ends.
    pub fn add_metrics(&self, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            if TOLD.iter().any(|word| name.contains(word)) {
                let more = value.parse::<f64>().unwrap_or_default() as u64;
                *self.named.lock().unwrap().entry(name.to_owned()).or_default() += more;
            }
        }
    }
}
