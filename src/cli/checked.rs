//! A configuration that agrees with its database: what the commands begin with.

use std::time::Duration;

use tokio::time::timeout;

use super::Global;
use crate::catalog::Found;
use crate::config::{self, Config, Draft};
use crate::database::{Database, Session};

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
    /// Reads the configuration and compares it with the database. All faults of both come in one
    /// error.
    ///
    /// Warnings are left in the configuration. A database that can't be reached is an error of its
    /// own, unless the configuration has faults anyway.
    pub async fn checked(&self) -> anyhow::Result<Checked> {
        let mut draft = config::read(self.config.as_deref(), &config::environment())?;
        let session = match draft.database().cloned() {
            Some(database) if !draft.has_faults() => Some(database.connect("check").await?),
            Some(database) => patiently(&database, &mut draft).await,
            None => None,
        };
        let Some(session) = session else {
            draft.finish()?;
            anyhow::bail!("no database to compare the configuration with");
        };
        let found = draft.find_tables(&session.client).await?;
        Ok(Checked { config: draft.finish()?, session, found })
    }
}

/// Connects for the sake of more faults; without success there is one warning more.
async fn patiently(database: &Database, draft: &mut Draft) -> Option<Session> {
    let reason = match timeout(PATIENCE, database.connect("check")).await {
        Ok(Ok(session)) => return Some(session),
        Ok(Err(error)) => error.explain(),
        Err(_) => format!("{database} did not answer within {} s", PATIENCE.as_secs()),
    };
    draft.not_compared(&reason);
    None
}
