//! What the hub counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// From where a subscription that came back went on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct From {
    from: &'static str,
}

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
    pub catchups: Counter,
    pub slow_readers: Counter,
    pub readers_behind: Gauge,
    resumes: Family<From, Counter>,
    pub resets: Counter,
    pub lag_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Observed {
    pub fn resumed_from_memory(&self) {
        self.resumes.get_or_create(&From { from: "memory" }).inc();
    }

    pub fn resumed_from_log(&self) {
        self.resumes.get_or_create(&From { from: "log" }).inc();
    }

    pub fn resumed_expired(&self) {
        self.resumes.get_or_create(&From { from: "expired" }).inc();
    }

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
        add("catchups", "Readers that were brought nearer outside the hub", &self.catchups);
        add("slow_readers", "Readers that had no room for what was live", &self.slow_readers);
        let resumes = self.resumes.clone();
        registry.register("resumes", "Subscriptions that began after a cursor", resumes);
        let behind = self.readers_behind.clone();
        registry.register("readers_behind", "Connections that are not live yet", behind);
        registry.register("readers", "Connections with a live feed open", self.readers.clone());
        registry.register("feeds", "Different shapes subscribed to", self.feeds.clone());
        let help =
            "From the newest change's time to its delivery, both by the clocks of their machines";
        registry.register_with_unit("lag", help, Unit::Seconds, self.lag_seconds.clone());
    }
}
