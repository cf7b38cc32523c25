//! `rowcast serve`: runs the daemon until it is told to stop.

use std::time::Duration;

use super::{Checked, Global, Keys, warn};
use crate::daemon::{self, Objects};

/// How long the start waits for a database that isn't up yet.
const DATABASE_PATIENCE: Duration = Duration::from_secs(60);

/// Run the daemon
///
/// Installs or upgrades what it needs in the database first, then serves the tables of the
/// configuration until it is told to stop. A database that isn't up yet is waited for, up to a
/// minute.
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
    let objects = if arguments.no_install { Objects::Verify } else { Objects::Install };
    let Some(start) = stop.run_until_cancelled(Box::pin(start(objects, global))).await else {
        tracing::info!("stopped before the start was done");
        return Ok(());
    };
    let (settings, served, listener) = start?;
    daemon::run(settings, served, objects, axum::Router::new(), listener, stop).await?;
    Ok(())
}

type Started = (crate::config::Settings, crate::policy::Served, tokio::net::TcpListener);

/// All that comes before the first connection is served.
async fn start(objects: Objects, global: &Global) -> anyhow::Result<Started> {
    let Checked { config, session, found } =
        global.checked(DATABASE_PATIENCE, Keys::Needed).await?;
    warn(&config.warnings, global.log_format);
    let served = daemon::prepare(&config.settings, &session.client, &found, objects).await?;
    drop(session);
    let listener = daemon::listen(&config.settings)?;
    tracing::info!(tables = found.len(), "serving on http://{}", listener.local_addr()?);
    Ok((config.settings, served, listener))
}
