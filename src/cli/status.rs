//! `rowcast status`: what is watched, and who reads it.

use std::future::Future;

use super::{Global, not_built};

/// Shows the watched tables, the log's size and age, the readers and how far they are behind.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_arguments: Arguments, _global: &Global) -> impl Future<Output = anyhow::Result<()>> {
    not_built("status")
}
