//! What is counted of reads.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// The counters; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub reads: Counter,
    pub shared: Counter,
    pub failed: Counter,
}

impl Observed {
    /// Adds the counters under the names that `/metrics` shows.
    pub fn register(&self, registry: &mut Registry) {
        let mut add = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        add("snapshot_reads", "Tables read for first reads", &self.reads);
        add("snapshot_reads_shared", "First reads that took part in another one", &self.shared);
        add("snapshot_reads_failed", "Reads of tables that failed", &self.failed);
    }
}
