//! `rowcast uninstall`: every trace removed from the database.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Global, checked, print};
use crate::changelog;

/// Remove every trace from the database
///
/// Drops the triggers and the schema `rowcast`, with all that is in the log. The tables and their
/// rows stay as they are. Which tables the configuration lists doesn't matter.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub async fn run(_arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    let database = global.load()?.settings.database;
    let session = checked::session(&database, Duration::ZERO).await?;
    if changelog::status(&session.client).await.is_ok_and(|status| status.has_audience) {
        tracing::warn!("a daemon is running: its readers get nothing more, and it can't go on");
    }
    match changelog::uninstall(&session.client).await? {
        None => print(&format!("nothing to remove: rowcast is not installed in {database}\n")),
        Some(tables) => print(&report(&tables)),
    }
}

fn report(tables: &[String]) -> String {
    let mut text = String::new();
    for table in tables {
        let _ = writeln!(text, "{table}: not captured any more");
    }
    text.push_str("schema rowcast: removed, with the change log\n");
    text
}
