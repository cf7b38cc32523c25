//! What handlers share.

use super::origin::Origins;
use super::quota::{Limits, Quotas};
use super::{Metrics, Settings, Timing};
use crate::identity::Authority;
use crate::policy::Current;
use crate::shape::Handle;
use crate::snapshot::Snapshots;

/// What every request may need.
#[derive(Debug)]
pub struct App {
    pub served: Current,
    pub hub: Handle,
    pub snapshots: Snapshots,
    pub metrics: Metrics,
    pub authority: Authority,
    pub origins: Origins,
    pub quotas: Quotas,
    /// The largest message that a client may send.
    pub max_message_bytes: usize,
    pub max_messages_per_second: usize,
    pub timing: Timing,
}

impl App {
    pub fn new(
        settings: &Settings,
        served: Current,
        hub: Handle,
        snapshots: Snapshots,
        metrics: Metrics,
        authority: Authority,
        timing: Timing,
    ) -> Self {
        let limits = Limits {
            connections: settings.max_connections_per_identity,
            subscriptions: settings.max_subscriptions_per_identity,
        };
        Self {
            served,
            hub,
            snapshots,
            metrics,
            authority,
            origins: Origins::new(&settings.allowed_origins, &settings.hosts),
            quotas: Quotas::new(limits),
            max_message_bytes: settings.max_message_bytes,
            max_messages_per_second: settings.max_messages_per_second,
            timing,
        }
    }
}
