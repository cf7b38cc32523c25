//! `rowcast serve`: runs the daemon until it is told to stop.

use super::{Checked, Global, warn};
use crate::daemon::{self, Objects};

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

pub async fn run(arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    let stop = daemon::stop_signal()?;
    let Checked { config, session, found } = global.checked().await?;
    warn(&config.warnings, global.log_format);
    let objects = if arguments.no_install { Objects::Verify } else { Objects::Install };
    let served = daemon::prepare(&config.settings, &session.client, &found, objects).await?;
    drop(session);
    let listener = daemon::listen(&config.settings).await?;
    tracing::info!(tables = found.len(), "serving on http://{}", listener.local_addr()?);
    daemon::run(config.settings, served, listener, stop).await?;
    Ok(())
}
