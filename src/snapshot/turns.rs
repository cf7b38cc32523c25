//! Connections for reads, and who has one.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{MAX_READS, SnapshotError};
use crate::database::{Database, Session};

/// The connections that may be open for reads.
#[derive(Debug)]
pub struct Turns {
    database: Database,
    places: Semaphore,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle(Vec<Session>);

/// One read's turn, with a connection.
pub struct Turn<'t> {
    turns: &'t Turns,
    pub session: Session,
    /// It was used before, and may have ended meanwhile.
    pub is_used: bool,
    _place: SemaphorePermit<'t>,
}

impl Turns {
    pub fn new(database: Database) -> Self {
        Self { database, places: Semaphore::new(MAX_READS), idle: Mutex::default() }
    }

    /// Waits for a turn.
    pub async fn next(&self) -> Result<Turn<'_>, SnapshotError> {
        let place = self.places.acquire().await.map_err(|_| SnapshotError::Unavailable)?;
        let idle = self.idle().0.pop().filter(|session| !session.closed.is_closed());
        let (session, is_used) = match idle {
            Some(session) => (session, true),
            None => (self.connect().await?, false),
        };
        Ok(Turn { turns: self, session, is_used, _place: place })
    }

    /// Closes the connections that nobody uses.
    pub fn close_idle(&self) {
        let idle = std::mem::take(&mut self.idle().0);
        drop(idle);
    }

    async fn connect(&self) -> Result<Session, SnapshotError> {
        self.database.connect("snapshot").await.map_err(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "can't connect for a read");
            error.into()
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Takes a new connection.
    pub async fn reconnect(&mut self) -> Result<(), SnapshotError> {
        self.session = self.turns.connect().await?;
        self.is_used = false;
        Ok(())
    }

    /// Keeps the connection for whoever comes next.
    pub fn keep(self) {
        self.turns.idle().0.push(self.session);
    }
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} idle", self.0.len())
    }
}
