//! What `/metrics` shows.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::{shape, snapshot};

/// The daemon's counters, in OpenMetrics text.
pub struct Metrics {
    registry: Registry,
    pub connections: Gauge,
    pub refused_connections: Counter,
}

impl Metrics {
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    pub fn new(hub: &shape::Observed, snapshots: &snapshot::Observed) -> Self {
        let mut registry = Registry::with_prefix("rowcast");
        hub.register(&mut registry);
        snapshots.register(&mut registry);
        let (connections, refused_connections) = (Gauge::default(), Counter::default());
        registry.register("connections", "Open connections", connections.clone());
        registry.register(
            "refused_connections",
            "Connections refused because there were too many",
            refused_connections.clone(),
        );
        Self { registry, connections, refused_connections }
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string can always be written to");
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
