//! A few sessions on the database that look up sessions of the application.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join3;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Row, Statement};

use super::query::AsText;
use crate::database::{ConnectError, Database, Session};
use crate::identity::complaint::Complaint;
use crate::identity::{Claims, Refused};

/// The most sessions that are open at once.
const MAX_SESSIONS: usize = 4;

/// How long an answer may take, with the wait for a session and the connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nothing is written, and nobody waits for long. The limits hold in this transaction alone, also behind a pooler.
const BEGIN: &str = "begin transaction read only; \
                     set local statement_timeout = '3s'; set local lock_timeout = '3s'";

/// Runs the query.
#[derive(Debug)]
pub struct Pool {
    database: Database,
    query: String,
    permits: Semaphore,
    idle: Mutex<Vec<Ready>>,
    complaint: Complaint,
}

/// A session with the query prepared.
struct Ready {
    session: Session,
    statement: Statement,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Query(#[from] tokio_postgres::Error),
    #[error("no answer within {PATIENCE:?}")]
    TooLate,
}

impl Pool {
    pub fn new(database: Database, query: String) -> Self {
        let permits = Semaphore::new(MAX_SESSIONS);
        let (idle, complaint) = (Mutex::default(), Complaint::default());
        Self { database, query, permits, idle, complaint }
    }

    /// The claims of the session with this name.
    pub async fn look_up(&self, id: &str) -> Result<Claims, Refused> {
        let answer = timeout(PATIENCE, self.rows(id)).await;
        match answer.unwrap_or(Err(Failed::TooLate)) {
            Ok(rows) => self.claims(&rows),
            Err(Failed::Query(error)) if is_about_the_value(&error) => Err(UNKNOWN),
            Err(failed) => {
                self.complaint.say("sessions can't be looked up", &reason(&failed));
                Err(Refused::Unavailable)
            }
        }
    }

    async fn rows(&self, id: &str) -> Result<Vec<Row>, Failed> {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        // A session that has waited may have been closed meanwhile: that is no failure yet.
        while let Some(ready) = self.take() {
            match self.run(ready, id).await {
                Err(error) if is_lost(&error) => {}
                rows => return Ok(rows?),
            }
        }
        let ready = self.open().await?;
        Ok(self.run(ready, id).await?)
    }

    async fn run(&self, ready: Ready, id: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let rows = ready.run(id).await;
        // After a failure a session may be left in any state.
        if rows.as_ref().map_or_else(is_about_the_value, |_| true) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(ready);
        }
        rows
    }

    fn claims(&self, rows: &[Row]) -> Result<Claims, Refused> {
        let claims = match rows {
            [] => return Err(UNKNOWN),
            [row] => row.try_get::<_, &str>(0).ok().and_then(Claims::parse),
            _ => None,
        };
        claims.ok_or_else(|| {
            let reason = match rows.len() {
                1 => "a session's claims are too large",
                _ => "the query gives more than one row for a session",
            };
            self.complaint.say("[auth.session]", reason);
            UNKNOWN
        })
    }

    fn take(&self) -> Option<Ready> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|ready| !ready.session.closed.is_closed());
        idle.pop()
    }

    async fn open(&self) -> Result<Ready, Failed> {
        let session = self.database.connect("sessions").await?;
        let statement = session.client.prepare(&self.query).await?;
        Ok(Ready { session, statement })
    }
}

impl Ready {
    /// All three statements are sent at once, so that giving up leaves no transaction open.
    async fn run(&self, id: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let client = &self.session.client;
        let id = AsText(id);
        let (begun, rows, ended) = join3(
            client.batch_execute(BEGIN),
            client.query(&self.statement, &[&id]),
            client.batch_execute("rollback"),
        )
        .await;
        begun?;
        let rows = rows?;
        ended?;
        Ok(rows)
    }
}

const UNKNOWN: Refused = Refused::Bad("the session is unknown or has ended");

/// A value that isn't one of the parameter's type (class 22), and so no session's name.
fn is_about_the_value(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("22"))
}

/// Whether the connection ended, by itself or by the server's word.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|code| *code == SqlState::ADMIN_SHUTDOWN)
}

/// What went wrong, without the server's words, which may quote a value.
fn reason(failed: &Failed) -> String {
    match failed {
        Failed::Connect(error) => error.explain(),
        Failed::TooLate => failed.to_string(),
        Failed::Query(error) => match error.code() {
            Some(&SqlState::QUERY_CANCELED) => "the query takes too long".to_owned(),
            Some(code) => format!("the query fails with SQLSTATE {}", code.code()),
            None => "the connection broke off".to_owned(),
        },
    }
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ready")
    }
}
