//! `rowcast status`: what is watched, and who reads it.

use super::{Global, not_built};

/// Show what is watched, the log's size and age, and who reads it
///
/// Asks the database: the daemon need not run. For each reader it says how far behind it is.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub async fn run(_arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    global.load()?;
    not_built("status").await
}
