//! `rowcast serve`: runs the daemon until it is told to stop.

use std::future::Future;

use super::{Global, not_built};

/// Installs or upgrades what it needs in the database, then serves the tables of the configuration until it is told to stop.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Change nothing in the database: only check that `rowcast install` was run for this configuration
    ///
    /// For daemons whose database role may not create anything.
    #[arg(long)]
    pub no_install: bool,
}

pub fn run(_arguments: Arguments, _global: &Global) -> impl Future<Output = anyhow::Result<()>> {
    not_built("serve")
}
