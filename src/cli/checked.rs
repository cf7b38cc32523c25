//! A configuration that agrees with its database: what the commands begin with.

use std::time::Duration;

use super::Global;
use crate::catalog::Found;
use crate::config::{self, Config, Draft};
use crate::database::{ConnectError, Session};

/// How long a configuration with faults waits for the database to show more of them.
const PATIENCE: Duration = Duration::from_secs(3);

/// A configuration without faults, a session on its database, and the tables found there.
pub struct Checked {
    pub config: Config,
    pub session: Session,
    /// In the order of the settings.
    pub found: Vec<Found>,
}

impl Global {
    /// Reads the configuration and compares it with the database. All faults of both come in one error.
    ///
    /// Warnings are left in the configuration. A database that can't be reached is an error of its own, unless the
    /// configuration has faults anyway.
    pub async fn checked(&self) -> anyhow::Result<Checked> {
        let mut draft = config::read(self.config.as_deref(), &config::environment())?;
        let session = match connect(&draft).await {
            Ok(session) => session,
            Err(_) if draft.has_faults() => None,
            Err(error) => return Err(error.into()),
        };
        let Some(session) = session else {
            draft.finish()?;
            anyhow::bail!("the database did not answer in time");
        };
        let found = draft.find_tables(&session.client).await?;
        Ok(Checked { config: draft.finish()?, session, found })
    }
}

async fn connect(draft: &Draft) -> Result<Option<Session>, ConnectError> {
    let Some(database) = draft.database() else { return Ok(None) };
    let connecting = database.connect("check");
    if draft.has_faults() {
        return tokio::time::timeout(PATIENCE, connecting).await.ok().transpose();
    }
    connecting.await.map(Some)
}
