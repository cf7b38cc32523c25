//! A configuration that agrees with its database: what the commands begin with.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::Global;
use crate::catalog::Found;
use crate::config::{self, Config, Draft};
use crate::database::{ConnectError, Database, Session};

/// How long a configuration with faults waits for the database to show more of them.
const PATIENCE: Duration = Duration::from_secs(3);

/// The pauses between attempts to reach a database that isn't up yet.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// As `server_version_num` has it.
const OLDEST_SERVER: u32 = 130_000;

/// A server that lacks what the capture needs.
#[derive(Debug, thiserror::Error)]
#[error(
    "{database} is PostgreSQL {}.{}: rowcast needs {} or newer",
    .version / 10_000, .version % 10_000, OLDEST_SERVER / 10_000
)]
pub struct TooOld {
    database: String,
    version: u32,
}

/// Whether the keys of `[auth]` have to be readable: only the machine of the daemon needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Needed,
    NotNeeded,
}

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
    /// Warnings are left in the configuration. A database that can't be reached within `patience`
    /// is an error of its own, unless the configuration has faults anyway.
    pub async fn checked(&self, patience: Duration, keys: Keys) -> anyhow::Result<Checked> {
        let mut draft = config::read(self.config.as_deref(), &config::environment())?;
        if keys == Keys::Needed {
            draft.check_keys();
        }
        let session = match draft.database().cloned() {
            Some(database) if !draft.has_faults() => Some(session(&database, patience).await?),
            Some(database) => patiently(&database, &mut draft).await,
            None => None,
        };
        let Some(session) = session else {
            draft.finish()?;
            anyhow::bail!("no database to compare the configuration with");
        };
        draft.check_session(&session.client).await?;
        let found = draft.find_tables(&session.client).await?;
        Ok(Checked { config: draft.finish()?, session, found })
    }
}

/// A session on a server that is new enough.
pub async fn session(database: &Database, patience: Duration) -> anyhow::Result<Session> {
    let session = reach(database, patience).await?;
    check_version(database, session.server_version)?;
    Ok(session)
}

/// Connects, and while nobody answers tries again and says so.
async fn reach(database: &Database, patience: Duration) -> Result<Session, ConnectError> {
    let deadline = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    loop {
        let error = match database.connect("check").await {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if !error.is_transient() || left.is_zero() {
            return Err(error);
        }
        let reason = error.explain();
        if reason != said {
            tracing::warn!("waiting up to {} s for the database: {reason}", left.as_secs() + 1);
            said = reason;
        }
        sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// 0 is a pooler that doesn't say: the installation will show.
fn check_version(database: &Database, version: u32) -> Result<(), TooOld> {
    if version == 0 || version >= OLDEST_SERVER {
        return Ok(());
    }
    Err(TooOld { database: database.to_string(), version })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_named_with_its_version() {
        let database = Database::resolve(Some("postgres://u@h/d"), &|_| None).unwrap();
        let said = |version| check_version(&database, version).map_err(|error| error.to_string());
        assert_eq!(said(0), Ok(()));
        assert_eq!(said(130_000), Ok(()));
        assert_eq!(
            said(120_022),
            Err("u@h:5432/d is PostgreSQL 12.22: rowcast needs 13 or newer".into())
        );
    }
}
