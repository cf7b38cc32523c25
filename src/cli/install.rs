//! `rowcast install`: the schema and the triggers, put in place.

use super::{Global, not_built};

/// Put the schema and the triggers in place
///
/// Creates or upgrades the schema `rowcast`, and the triggers on the tables of the configuration.
/// Repeatable: what is already as it should be stays untouched.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print the SQL and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Let this role run the daemon
    ///
    /// The role gets what `rowcast serve --no-install` needs, and nothing more.
    #[arg(long, value_name = "ROLE")]
    pub grant_to: Option<String>,
}

pub async fn run(_arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    global.checked().await?;
    not_built("install").await
}
