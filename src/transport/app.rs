//! What handlers share.

use super::{Metrics, Timing};
use crate::identity::Authority;
use crate::policy::Current;
use crate::shape::Handle;

/// What every request may need.
#[derive(Debug)]
pub struct App {
    pub served: Current,
    pub hub: Handle,
    pub metrics: Metrics,
    pub authority: Authority,
    pub allowed_origins: Vec<String>,
    pub timing: Timing,
}
