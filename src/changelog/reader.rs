//! The reader: follows the log from now on, over every loss of its connections, and hands batches on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use tokio_util::sync::CancellationToken;

use super::ask::{self, ask};
use super::hand_on::Batch;
use super::maintain::{PulseError, Unwatched};
use super::pace::{HOLD_MS, Pace, Step};
use super::place::Place;
use super::read::{Log, ReadError};
use super::server_id::{Server, ServerError};
use super::trail::Trail;
use super::{Reading, Settings, Wake, maintain};
use crate::catalog::TableId;
use crate::database::{Bell, ConnectError, Database, Session};

/// The pauses between attempts to connect; they start over once something could be read.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a life of the reader's connections ended.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    #[error("can't connect")]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("can't read the log")]
    Read(#[from] ReadError),
    #[error("the database didn't answer")]
    Database(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Pulse(#[from] PulseError),
    #[error("the connection that listens ended")]
    Bell(#[from] crate::database::Disconnected),
}

/// Nobody takes what is read any more.
pub(super) struct Unwanted;

pub(super) enum End {
    Failed(ReaderError),
    Unwanted,
}

impl<E: Into<ReaderError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Unwanted> for End {
    fn from(_: Unwanted) -> Self {
        Self::Unwanted
    }
}

/// Reads the log until `shutdown`, or until nobody takes what is read. Failures are logged and tried again, but for
/// one: that `tables` are no longer captured under the numbers by which they are served.
pub async fn run(
    database: Database,
    settings: Settings,
    tables: Vec<TableId>,
    out: mpsc::Sender<Reading>,
    shutdown: CancellationToken,
) -> Result<(), Unwatched> {
    let mut reader = Reader {
        database,
        settings,
        tables: tables.into(),
        out,
        place: None,
        batch: Batch::default(),
        trail: Trail::default(),
        has_read: false,
    };
    tokio::select! {
        ended = reader.live() => ended,
        () = shutdown.cancelled() => Ok(()),
    }
}

pub(super) struct Reader {
    database: Database,
    settings: Settings,
    tables: Arc<[TableId]>,
    pub(super) out: mpsc::Sender<Reading>,
    pub(super) place: Option<Place>,
    pub(super) batch: Batch,
    pub(super) trail: Trail,
    /// Whether something could be read in this life.
    pub(super) has_read: bool,
}

/// The connections of one life, and what they were found to lead to.
pub(super) struct Connected<'a> {
    pub client: &'a Client,
    pub log: Log,
    pub server: Server,
    /// How the connections are to be used.
    pub way: Wake,
}

impl Reader {
    /// One life after the other.
    async fn live(&mut self) -> Result<(), Unwatched> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.life().await {
                Err(End::Failed(ReaderError::Pulse(PulseError::Unwatched(ended)))) => {
                    return Err(ended);
                }
                Err(End::Failed(error)) => error,
                Err(End::Unwanted) => return Ok(()),
                Ok(never) => match never {},
            };
            tracing::warn!(error = &error as &dyn std::error::Error, "lost the database");
            if let Err(Unwanted) = self.send(Reading::Lost).await {
                return Ok(());
            }
            pause = match std::mem::take(&mut self.has_read) {
                true => FIRST_PAUSE,
                false => (pause * 2).min(LONGEST_PAUSE),
            };
            let share = rand::rng().random_range(0.5..1.0);
            sleep(pause.mul_f64(share)).await;
        }
    }

    /// Connects, and reads until something fails.
    async fn life(&mut self) -> Result<Infallible, End> {
        let way = self.settings.wake;
        let reading = self.database.connect("reader").await?;
        let server = Server::identify(&reading.client).await?;
        let wake = if server.prepares_transactions { Wake::Poll } else { way };
        if wake != way {
            tracing::info!("max_prepared_transactions isn't 0: polling instead of listening");
        }
        let listening = self.listen(&server).await?;
        let log = Log::prepare(&reading.client, way).await?;
        maintain::configure(&listening.client, &self.settings).await?;
        let connected = Connected { client: &reading.client, log, server, way };
        let mut bell = listening.bell.clone();
        let tables = Arc::clone(&self.tables);
        tokio::select! {
            error = maintain::pulse(&listening.client, way, &tables) => {
                Err(ReaderError::from(error).into())
            }
            end = self.follow(connected, &mut bell, wake) => end,
        }
    }

    /// The connection that hears the bell, to the same server: hosts of one name may be several, and at a failover
    /// one is followed by the next.
    async fn listen(&self, server: &Server) -> Result<Session, ReaderError> {
        let listening = self.database.connect("listener").await?;
        if Server::identify(&listening.client).await? != *server {
            return Err(ServerError::Several.into());
        }
        if self.settings.wake == Wake::Listen {
            let settings = format!("{} listen rowcast", ask::SETTINGS);
            listening.client.batch_execute(&settings).await?;
        }
        Ok(listening)
    }

    /// The loop: read, then wait as `pace` says.
    async fn follow(
        &mut self,
        connected: Connected<'_>,
        bell: &mut Bell,
        wake: Wake,
    ) -> Result<Infallible, End> {
        let mut pace = Pace::new(wake, Instant::now());
        loop {
            let begun = Instant::now();
            let Some((header, brought)) = self.read(&connected).await? else { continue };
            self.has_read = true;
            let now = Instant::now();
            let mut step = pace.after_read(now, now - begun, brought, &header);
            let pause = loop {
                step = match step {
                    Step::Wait(pause) => break pause,
                    Step::Hold => pace.held(Instant::now(), hold(&connected).await?),
                    Step::Release(mine) => {
                        let silent_ms = release(&connected, mine).await?;
                        pace.released(Instant::now(), silent_ms)
                    }
                }
            };
            if let Ok(rung) = timeout(pause, bell.rung()).await {
                rung.map_err(ReaderError::from)?;
            }
        }
    }

    pub(super) async fn send(&self, reading: Reading) -> Result<(), Unwanted> {
        self.out.send(reading).await.map_err(|_| Unwanted)
    }
}

async fn hold(on: &Connected<'_>) -> Result<Option<i64>, tokio_postgres::Error> {
    ask(on.client, on.way, "select rowcast.hold($1)", &[(&HOLD_MS, Type::INT4)]).await
}

async fn release(on: &Connected<'_>, mine: i64) -> Result<i64, tokio_postgres::Error> {
    ask(on.client, on.way, "select rowcast.release($1)", &[(&mine, Type::INT8)]).await
}
