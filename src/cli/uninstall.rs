//! `rowcast uninstall`: every trace removed from the database.

use std::future::Future;

use super::{Global, not_built};

/// Drops the triggers and the schema `rowcast`, with all that is in the log.
///
/// The tables and their rows stay as they are.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_arguments: Arguments, _global: &Global) -> impl Future<Output = anyhow::Result<()>> {
    not_built("uninstall")
}
