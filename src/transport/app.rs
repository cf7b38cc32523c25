//! What handlers share.

use std::sync::Arc;

use super::{Metrics, Timing};
use crate::policy::Served;
use crate::shape::Handle;

/// What every request may need.
#[derive(Debug)]
pub struct App {
    pub served: Arc<Served>,
    pub hub: Handle,
    pub metrics: Metrics,
    pub anonymous: bool,
    pub allowed_origins: Vec<String>,
    pub timing: Timing,
}
