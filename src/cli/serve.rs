//! `rowcast serve`: runs the daemon until it is told to stop.

use super::{Global, not_built};

/// Run the daemon
///
/// Installs or upgrades what it needs in the database first, then serves the tables of the
/// configuration until it is told to stop.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Change nothing in the database: only check that `rowcast install` was run for this
    /// configuration
    ///
    /// For daemons whose database role may not create anything.
    #[arg(long)]
    pub no_install: bool,
}

pub async fn run(_arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    global.checked().await?;
    not_built("serve").await
}
