//! Replays: what comes after any cursor, read from the log once, up to now.
//!
//! A replay says nothing about what comes after its end: whoever follows the log live goes on from there, or asks for
//! another one. It refuses a cursor of which it can't show that the log has everything since.

mod check;
mod feed;
mod turns;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::ResetReason;
use super::read::{Header, ReadError, Rows};
use super::server_id::ServerError;
use crate::cursor::Cursor;
use crate::database::{ConnectError, Database, Session};
use crate::event::Change;

use turns::{Turn, Turns};

/// How many chunks may be read ahead of who takes them.
const MAX_CHUNKS: usize = 4;
/// How long a connection is kept for the next replay.
const KEEP: Duration = Duration::from_secs(30);

/// Reads the log after cursors, a few at a time. Clones share their connections.
#[derive(Clone)]
pub struct Replays(Arc<Shared>);

struct Shared {
    database: Database,
    turns: Turns,
    idle: Mutex<Vec<(Session, Instant)>>,
}

/// What comes after a cursor. It is to be taken without a pause; a connection isn't held for long.
#[derive(Debug)]
pub struct Replay {
    end: Cursor,
    pieces: mpsc::Receiver<Piece>,
    is_over: bool,
}

/// No changes: that was all.
type Piece = Result<Option<Vec<Change>>, ReplayError>;

/// Why there is no replay, or it broke off.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// What came after the cursor isn't known any more, or never was: start anew.
    #[error("the log doesn't tell what comes after the cursor")]
    Expired(ResetReason),
    /// Try again later.
    #[error("the log can't be read now")]
    Unavailable(#[source] Unavailable),
}

/// Why the log can't be read now.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    #[error("can't connect")]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("can't read the log")]
    Read(#[from] ReadError),
    #[error("the database didn't answer")]
    Database(#[from] tokio_postgres::Error),
    #[error("the server has crashed, and no daemon has come back to it yet")]
    Unnamed,
    #[error("the log was truncated while it was read")]
    Truncated,
    #[error("the changes were taken too slowly")]
    Stalled,
}

impl<E: Into<Unavailable>> From<E> for ReplayError {
    fn from(error: E) -> Self {
        Self::Unavailable(error.into())
    }
}

impl Replays {
    pub fn new(database: Database) -> Self {
        let (turns, idle) = (Turns::default(), Mutex::default());
        Self(Arc::new(Shared { database, turns, idle }))
    }

    /// Everything that is visible now and that the cursor doesn't have.
    ///
    /// It waits for its turn: no more than `MAX_REPLAYS` are read at once.
    pub async fn after(&self, cursor: &Cursor) -> Result<Replay, ReplayError> {
        let mut turn = self.0.turns.take().await;
        if let Some(session) = self.0.kept() {
            match self.start(session, &mut turn, cursor).await {
                // It may have ended while nobody needed it.
                Err(ReplayError::Unavailable(_)) => {}
                Err(expired) => return Err(expired),
                Ok(started) => return Ok(self.hand_on(started, turn, cursor)),
            }
        }
        let session = self.0.database.connect("replay").await?;
        let started = self.start(session, &mut turn, cursor).await?;
        Ok(self.hand_on(started, turn, cursor))
    }

    async fn start(
        &self,
        session: Session,
        turn: &mut Turn,
        cursor: &Cursor,
    ) -> Result<Started, ReplayError> {
        turn.rotate(&session.client).await?;
        match check::read(&session.client, cursor).await {
            Ok((header, rows)) => Ok(Started { session, header, rows }),
            Err(ReplayError::Expired(reason)) => {
                session.client.batch_execute("rollback").await?;
                self.keep(session);
                Err(ReplayError::Expired(reason))
            }
            Err(unavailable) => Err(unavailable),
        }
    }

    fn hand_on(&self, started: Started, turn: Turn, cursor: &Cursor) -> Replay {
        let Started { session, header, rows } = started;
        let life = header.life.filter(|_| header.may_lose());
        let end = Cursor { life, ..Cursor::new(header.era(), header.snapshot) };
        let (out, pieces) = mpsc::channel(MAX_CHUNKS);
        let (replays, cursor) = (self.clone(), cursor.clone());
        tokio::spawn(async move {
            if feed::hand_on(&session.client, rows, &cursor, &out).await {
                replays.keep(session);
            }
            drop(turn);
        });
        Replay { end, pieces, is_over: false }
    }

    fn keep(&self, session: Session) {
        lock(&self.0.idle).push((session, Instant::now()));
        let shared = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            sleep(KEEP).await;
            Shared::drop_old(&shared);
        });
    }
}

/// A read whose header is good.
struct Started {
    session: Session,
    header: Header,
    rows: Rows,
}

impl Shared {
    fn kept(&self) -> Option<Session> {
        let mut idle = lock(&self.idle);
        idle.retain(|(session, _)| !session.closed.is_closed());
        idle.pop().map(|(session, _)| session)
    }

    fn drop_old(shared: &Weak<Self>) {
        let Some(shared) = shared.upgrade() else { return };
        lock(&shared.idle).retain(|(_, since)| since.elapsed() < KEEP);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Replay {
    /// Where it ends: known from the start, true once everything has been taken.
    pub fn end(&self) -> &Cursor {
        &self.end
    }

    /// The next changes, in the order of `seq`; none after the last. Safe to cancel.
    pub async fn next(&mut self) -> Result<Option<Vec<Change>>, ReplayError> {
        if self.is_over {
            return Ok(None);
        }
        let piece = self.pieces.recv().await.unwrap_or(Err(Unavailable::Stalled.into()));
        self.is_over = !matches!(piece, Ok(Some(_)));
        piece
    }
}

impl fmt::Debug for Replays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replays").finish_non_exhaustive()
    }
}
