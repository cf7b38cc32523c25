//! `rowcast uninstall`: every trace removed from the database.

use super::{Global, not_built};

/// Remove every trace from the database
///
/// Drops the triggers and the schema `rowcast`, with all that is in the log. The tables and their
/// rows stay as they are.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub async fn run(_arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    global.load()?;
    not_built("uninstall").await
}
