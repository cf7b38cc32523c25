//! The reader: follows the log from now on, over every loss of its connections, and hands batches on.

use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::pace::{HOLD_MS, Pace, Step};
use super::read::{Header, Log, ReadError, Rows};
use super::server_id::{Server, ServerError};
use super::{Reading, ResetReason, Settings, Wake, maintain};
use crate::cursor::{Cursor, Era, Snapshot};
use crate::database::{Bell, ConnectError, Database};
use crate::event::{Change, Seq};

/// The pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A life that lasted so long starts the pauses over.
const STEADY: Duration = Duration::from_secs(10);
/// How much is handed on at once, in bytes of JSON text and in changes.
const CHUNK_BYTES: usize = 256 << 10;
const CHUNK_CHANGES: usize = 1000;
/// How often to look whether a new epoch can begin.
const EPOCH_PAUSE: Duration = Duration::from_millis(50);
/// After so many looks it is said what is waited for.
const EPOCH_REPORT_EVERY: u32 = 200;

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
    Pulse(#[from] maintain::PulseError),
    #[error("the connection that listens ended")]
    Bell(#[from] crate::database::Disconnected),
}

/// Nobody takes what is read any more.
struct Unwanted;

enum End {
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

/// Reads the log until `shutdown`, or until nobody takes what is read. Failures are logged and tried again.
pub async fn run(
    database: Database,
    settings: Settings,
    out: mpsc::Sender<Reading>,
    shutdown: CancellationToken,
) {
    let mut reader = Reader { database, settings, out, place: None, handed_on: Vec::new() };
    let mut pause = FIRST_PAUSE;
    loop {
        let born = Instant::now();
        let end = tokio::select! {
            end = reader.life() => end,
            () = shutdown.cancelled() => return,
        };
        let End::Failed(error) = end else { return };
        tracing::warn!(error = &error as &dyn std::error::Error, "lost the database");
        if reader.out.send(Reading::Lost).await.is_err() {
            return;
        }
        pause = if born.elapsed() > STEADY { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        tokio::select! {
            () = sleep(pause.mul_f64(rand::rng().random_range(0.5..1.0))) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Where the reader is. `truncations` is how many of the log's tables had been emptied when the log was last known to reach it.
#[derive(Clone)]
struct Place {
    cursor: Cursor,
    truncations: i64,
}

/// What has been handed on of the batch that is being read: changes up to `last`, of those that `snapshot` sees.
struct HandedOn {
    snapshot: Snapshot,
    last: Seq,
}

impl HandedOn {
    fn has(&self, change: &Change) -> bool {
        change.seq <= self.last && self.snapshot.has_seen(change.txid)
    }
}

struct Reader {
    database: Database,
    settings: Settings,
    out: mpsc::Sender<Reading>,
    place: Option<Place>,
    /// More than one if a batch broke off more than once; the newer go less far.
    handed_on: Vec<HandedOn>,
}

/// The connections of one life, and what they were found to lead to.
struct Connected<'a> {
    client: &'a Client,
    log: Log,
    server: Server,
    capturing: watch::Receiver<bool>,
}

impl Reader {
    /// Connects, and reads until something fails.
    async fn life(&mut self) -> End {
        match self.connected_life().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn connected_life(&mut self) -> Result<std::convert::Infallible, End> {
        let reading = self.database.connect("reader").await?;
        let server = Server::identify(&reading.client).await?;
        let wake = match self.settings.wake {
            Wake::Listen if server.prepares_transactions => Wake::Poll,
            wake => wake,
        };
        if wake != self.settings.wake {
            tracing::info!("max_prepared_transactions isn't 0: polling instead of listening");
        }
        let listening = self.database.connect("listener").await?;
        if self.settings.wake == Wake::Listen {
            listening.client.batch_execute("set synchronous_commit = off; listen rowcast").await?;
        }
        let log = Log::prepare(&reading.client, self.settings.wake).await?;
        maintain::configure(&listening.client, &self.settings).await?;
        let (capturing, seen) = watch::channel(true);
        let connected = Connected { client: &reading.client, log, server, capturing: seen };
        let mut bell = listening.bell.clone();
        tokio::select! {
            error = maintain::pulse(&listening.client, &capturing) => Err(ReaderError::from(error).into()),
            end = self.follow(connected, &mut bell, wake) => end,
        }
    }

    /// The loop: read, then wait as `pace` says.
    async fn follow(
        &mut self,
        connected: Connected<'_>,
        bell: &mut Bell,
        wake: Wake,
    ) -> Result<std::convert::Infallible, End> {
        let mut capturing = connected.capturing.clone();
        // The first beat of the pulse: until then the capture may be stopped.
        capturing.changed().await.map_err(|_| ReadError::Malformed("the pulse stopped"))?;
        let mut pace = Pace::new(wake, Instant::now());
        loop {
            let begun = Instant::now();
            let Some((header, brought)) = self.read(&connected).await? else { continue };
            let now = Instant::now();
            let mut step = pace.after_read(now, now - begun, brought, &header);
            let pause = loop {
                step = match step {
                    Step::Wait(pause) => break pause,
                    Step::Hold => pace.held(Instant::now(), hold(connected.client).await?),
                    Step::Release(mine) => {
                        let silent_ms = release(connected.client, mine).await?;
                        pace.released(Instant::now(), silent_ms)
                    }
                }
            };
            if let Ok(rung) = timeout(pause, bell.rung()).await {
                rung.map_err(ReaderError::from)?;
            }
        }
    }

    /// One read of the log, handed on. `None` if the place had to be found anew, and nothing was read.
    async fn read(&mut self, on: &Connected<'_>) -> Result<Option<(Header, bool)>, End> {
        let Some(place) = self.place.clone() else {
            return self.begin(on).await.map(|()| None);
        };
        if place.cursor.era.timeline != on.server.timeline {
            return self.start_anew(ResetReason::Failover).await.map(|()| None);
        }
        let (header, mut rows) = on.log.after(on.client, Some(&place.cursor.snapshot)).await?;
        if header.has_skipped || header.epoch != place.cursor.era.epoch {
            drop(rows);
            on.log.done(on.client).await?;
            return self.start_anew(ResetReason::CursorExpired).await.map(|()| None);
        }
        if header.truncations != place.truncations {
            drop(rows);
            on.log.done(on.client).await?;
            return self.recheck(on, &place, header.truncations).await.map(|()| None);
        }
        let brought = self.hand_on(&header, &mut rows).await?;
        on.log.done(on.client).await?;
        let cursor = Cursor { era: place.cursor.era, snapshot: header.snapshot.clone() };
        self.arrive(cursor, place.truncations).await?;
        Ok(Some((header, brought)))
    }

    /// Hands a batch's changes on, but for those that were before it broke off.
    ///
    /// It may be cancelled wherever it waits: what was handed on is noted as soon as it was, and not before.
    async fn hand_on(&mut self, header: &Header, rows: &mut Rows) -> Result<bool, End> {
        let before = self.handed_on.len();
        let mut chunk = Chunk::default();
        let mut brought = false;
        while let Some(change) = rows.next().await? {
            if self.handed_on[..before].iter().any(|part| part.has(&change)) {
                continue;
            }
            brought = true;
            if chunk.push(change) {
                self.hand_on_chunk(&mut chunk, header, before).await?;
            }
        }
        self.hand_on_chunk(&mut chunk, header, before).await?;
        Ok(brought)
    }

    async fn hand_on_chunk(
        &mut self,
        chunk: &mut Chunk,
        header: &Header,
        before: usize,
    ) -> Result<(), Unwanted> {
        let Some(last) = chunk.changes.last().map(|change| change.seq) else { return Ok(()) };
        self.send(Reading::Changes(chunk.take())).await?;
        self.handed_on.truncate(before);
        self.handed_on.push(HandedOn { snapshot: header.snapshot.clone(), last });
        Ok(())
    }

    /// The log has lost a table since the cursor was known to be within it.
    async fn recheck(
        &mut self,
        on: &Connected<'_>,
        place: &Place,
        truncations: i64,
    ) -> Result<(), End> {
        let cursor = place.cursor.snapshot.to_string();
        let row = on
            .client
            .query_one("select rowcast.reaches($1::text::pg_snapshot)", &[&cursor])
            .await?;
        if !row.try_get::<_, bool>(0)? {
            return self.start_anew(ResetReason::CursorExpired).await;
        }
        self.place = Some(Place { truncations, ..place.clone() });
        Ok(())
    }

    async fn start_anew(&mut self, reason: ResetReason) -> Result<(), End> {
        tracing::warn!(?reason, "what happened in between is not known: readers start anew");
        self.send(Reading::Reset(reason)).await?;
        self.place = None;
        self.handed_on.clear();
        Ok(())
    }

    /// Finds the place to begin at: now, in an epoch in which nothing has been skipped.
    async fn begin(&mut self, on: &Connected<'_>) -> Result<(), End> {
        let mut capturing = on.capturing.clone();
        for look in 1_u32.. {
            let captures = *capturing.borrow_and_update();
            let renewal = "select rowcast.renew_epoch($1)";
            if captures && on.client.query_one(renewal, &[&on.server.id]).await?.try_get(0)? {
                break;
            }
            if look % EPOCH_REPORT_EVERY == 0 {
                tracing::warn!("capture had stopped; a transaction from before is still running");
            }
            sleep(EPOCH_PAUSE).await;
        }
        let (header, rows) = on.log.after(on.client, None).await?;
        drop(rows);
        on.log.done(on.client).await?;
        if header.has_skipped {
            return Ok(());
        }
        let era = Era { epoch: header.epoch, timeline: on.server.timeline };
        self.arrive(Cursor { era, snapshot: header.snapshot }, header.truncations).await
    }

    async fn arrive(&mut self, cursor: Cursor, truncations: i64) -> Result<(), End> {
        self.send(Reading::Commit(cursor.clone())).await?;
        self.place = Some(Place { cursor, truncations });
        self.handed_on.clear();
        Ok(())
    }

    async fn send(&self, reading: Reading) -> Result<(), Unwanted> {
        self.out.send(reading).await.map_err(|_| Unwanted)
    }
}

async fn hold(client: &Client) -> Result<Option<i64>, tokio_postgres::Error> {
    client.query_one("select rowcast.hold($1)", &[&HOLD_MS]).await?.try_get(0)
}

async fn release(client: &Client, mine: i64) -> Result<i64, tokio_postgres::Error> {
    client.query_one("select rowcast.release($1)", &[&mine]).await?.try_get(0)
}

/// Changes on their way to be handed on together.
#[derive(Default)]
struct Chunk {
    changes: Vec<Change>,
    bytes: usize,
}

impl Chunk {
    /// Says whether the chunk is full.
    fn push(&mut self, change: Change) -> bool {
        let rows = [&change.old, &change.new];
        self.bytes += rows.into_iter().flatten().map(|row| row.json.len()).sum::<usize>();
        self.changes.push(change);
        self.bytes >= CHUNK_BYTES || self.changes.len() >= CHUNK_CHANGES
    }

    fn take(&mut self) -> Vec<Change> {
        self.bytes = 0;
        std::mem::take(&mut self.changes)
    }
}
