//! `rowcast status`: what is watched, and who reads it.

mod print;
mod report;

use std::time::Duration;

use super::{Global, checked};
use crate::catalog::TableName;
use crate::changelog::{self, InstallError};
use crate::config::Config;

pub(super) use report::Report;

/// Show what is watched, the log's size and age, and who reads it
///
/// Asks the database: the daemon need not run. For each reader it says how far behind it is. Ends
/// with 1 if rowcast is not installed.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub async fn run(arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let session = checked::session(&config.settings.database, Duration::ZERO).await?;
    let status = match changelog::status(&session.client).await {
        Ok(status) => status,
        Err(error) => {
            if arguments.json && matches!(error, InstallError::Missing) {
                super::print("{\"installed\":false}\n")?;
            }
            return Err(error.into());
        }
    };
    let listed = listed(&config);
    let report = Report::new(&status, &listed);
    super::print(&if arguments.json { report.json() } else { report.text() })
}

/// The tables that the configuration lists.
pub(super) fn listed(config: &Config) -> Vec<TableName> {
    let tables = config.settings.tables.iter();
    tables.filter_map(|table| table.name.parse().ok()).collect()
}
