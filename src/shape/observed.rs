//! What the hub counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// The hub's counters; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub readers: Gauge,
    pub feeds: Gauge,
    pub changes: Counter,
    pub batches: Counter,
    pub events_encoded: Counter,
    pub deliveries: Counter,
    pub delivered_bytes: Counter,
    pub too_slow: Counter,
    pub resets: Counter,
    pub lag_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Observed {
    /// Adds the counters under the names that `/metrics` shows.
    pub fn register(&self, registry: &mut Registry) {
        let mut add = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        add("changes_read", "Changes taken from the log", &self.changes);
        add("batches", "Complete batches taken from the log", &self.batches);
        add("events_encoded", "Events encoded, once per feed", &self.events_encoded);
        add("deliveries", "Buffers handed to connections", &self.deliveries);
        add("delivered_bytes", "Bytes handed to connections", &self.delivered_bytes);
        add("readers_too_slow", "Connections closed because they did not drain", &self.too_slow);
        add("resets", "Feeds told to start anew", &self.resets);
        registry.register("readers", "Connections with a live feed open", self.readers.clone());
        registry.register("feeds", "Different shapes subscribed to", self.feeds.clone());
        let help =
            "From the newest change's time to its delivery, both by the clocks of their machines";
        registry.register_with_unit("lag", help, Unit::Seconds, self.lag_seconds.clone());
    }
}
