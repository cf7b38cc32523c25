//! The reader's place in the log: how it is found, kept, and given up.
//!
//! A read brings along all that decides whether the place still means what it meant, as of the read's own snapshot. What
//! is handed on has passed every check in the same read.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::types::Type;

use super::ask::ask;
use super::hand_on::Batch;
use super::read::{Header, ReadError, Rows};
use super::reader::{Connected, End, Reader};
use super::trail::{Mark, Trail};
use super::{Reading, ResetReason};
use crate::cursor::Cursor;

/// How often to look whether a new epoch can begin.
const EPOCH_PAUSE: Duration = Duration::from_millis(50);
/// After so many looks it is said what is waited for.
const EPOCH_REPORT_EVERY: u32 = 200;

/// Where the reader is.
#[derive(Clone)]
pub(super) struct Place {
    cursor: Cursor,
    /// The server's cluster and database.
    server: String,
    /// The server's life.
    life: i64,
    /// How many of the log's tables had been emptied when the log was last known to reach the cursor; none if it isn't known.
    truncations: Option<i64>,
    /// What must be found after the cursor, or the server went back in time.
    missing: Option<HashSet<Mark>>,
}

/// What a read says about the place.
enum Verdict {
    GoesOn,
    Reset(ResetReason),
    /// The log has lost a table since the cursor was known to be within it.
    Truncated,
    /// The server has crashed in between.
    Crashed,
    /// What was handed on before a crash is to be looked for.
    Unproven(HashSet<Mark>),
}

impl Place {
    fn judge(&self, header: &Header, life: i64) -> Verdict {
        if header.timeline != self.cursor.era.timeline {
            Verdict::Reset(ResetReason::Failover)
        } else if header.has_skipped || header.epoch != self.cursor.era.epoch {
            Verdict::Reset(ResetReason::CursorExpired)
        } else if life != self.life {
            Verdict::Crashed
        } else if header.snapshot.xmax() < self.cursor.snapshot.xmax() {
            Verdict::Reset(ResetReason::Failover)
        } else if self.truncations != Some(header.truncations) {
            Verdict::Truncated
        } else if let Some(missing) = &self.missing {
            Verdict::Unproven(missing.clone())
        } else {
            Verdict::GoesOn
        }
    }

    fn is_on(&self, on: &Connected<'_>) -> bool {
        self.cursor.era.timeline == on.server.timeline && self.server == on.server.id
    }
}

impl Reader {
    /// One read of the log, handed on. `None` if the place had to be found anew, and nothing was read.
    pub(super) async fn read(&mut self, on: &Connected<'_>) -> Result<Option<(Header, bool)>, End> {
        let Some(place) = self.place.clone() else {
            return self.begin(on).await.map(|()| None);
        };
        if !place.is_on(on) {
            return self.start_anew(ResetReason::Failover).await.map(|()| None);
        }
        let (header, mut rows) = on.log.after(on.client, Some(&place.cursor.snapshot)).await?;
        let life = header.life.ok_or(ReadError::Malformed("the server's life has no name"))?;
        match place.judge(&header, life) {
            Verdict::GoesOn => {
                let brought = self.hand_on(&header, &mut rows).await?;
                on.log.done(on.client, rows).await?;
                self.arrive(&header, place).await?;
                return Ok(Some((header, brought)));
            }
            Verdict::Unproven(missing) => self.prove(missing, &mut rows).await?,
            Verdict::Truncated => {
                on.log.done(on.client, rows).await?;
                self.recheck(on, place, header.truncations).await?;
                return Ok(None);
            }
            Verdict::Crashed => self.go_back(&header, place, life).await?,
            Verdict::Reset(reason) => self.start_anew(reason).await?,
        }
        on.log.done(on.client, rows).await?;
        Ok(None)
    }

    async fn recheck(
        &mut self,
        on: &Connected<'_>,
        place: Place,
        truncations: i64,
    ) -> Result<(), End> {
        let cursor = place.cursor.snapshot.to_string();
        let query = "select rowcast.reaches($1::text::pg_snapshot)";
        if !ask::<bool>(on.client, on.way, query, &[(&cursor, Type::TEXT)]).await? {
            return self.start_anew(ResetReason::CursorExpired).await;
        }
        self.place = Some(Place { truncations: Some(truncations), ..place });
        Ok(())
    }

    /// Goes back to what a crash of the server can't have undone.
    async fn go_back(&mut self, header: &Header, place: Place, life: i64) -> Result<(), End> {
        match self.trail.after_crash() {
            Some((durable, since)) if durable.written <= header.written => {
                tracing::info!("the server has crashed: looking whether it has kept all");
                let cursor = Cursor::new(place.cursor.era, durable.snapshot);
                self.place =
                    Some(Place { cursor, life, truncations: None, missing: Some(since), ..place });
                Ok(())
            }
            _ => self.start_anew(ResetReason::Failover).await,
        }
    }

    /// Looks for all that was handed on before a crash.
    async fn prove(&mut self, handed_on: HashSet<Mark>, rows: &mut Rows) -> Result<(), End> {
        let mut missing = handed_on.clone();
        while let Some(change) = rows.next().await? {
            missing.remove(&Mark::from(&change));
        }
        if !missing.is_empty() {
            return self.start_anew(ResetReason::Failover).await;
        }
        self.batch = Batch::without(handed_on);
        if let Some(place) = &mut self.place {
            place.missing = None;
        }
        Ok(())
    }

    async fn start_anew(&mut self, reason: ResetReason) -> Result<(), End> {
        tracing::warn!(?reason, "what happened in between is not known: readers start anew");
        self.send(Reading::Reset(reason)).await?;
        self.place = None;
        self.batch = Batch::default();
        self.trail = Trail::default();
        Ok(())
    }

    /// Finds the place to begin at: now, in an epoch in which nothing has been skipped.
    async fn begin(&mut self, on: &Connected<'_>) -> Result<(), End> {
        self.wait_for_epoch(on).await?;
        let (header, rows) = on.log.after(on.client, None).await?;
        on.log.done(on.client, rows).await?;
        let life = header.life.ok_or(ReadError::Malformed("the server's life has no name"))?;
        if header.has_skipped {
            return Ok(());
        }
        let era = header.era();
        let cursor = Cursor::new(era, header.snapshot.clone());
        let truncations = Some(header.truncations);
        let server = on.server.id.clone();
        self.arrive(&header, Place { cursor, server, life, truncations, missing: None }).await
    }

    async fn wait_for_epoch(&mut self, on: &Connected<'_>) -> Result<(), End> {
        let (query, server) = ("select rowcast.renew_epoch($1)", &on.server.id);
        for look in 1_u32.. {
            if ask(on.client, on.way, query, &[(server, Type::TEXT)]).await? {
                break;
            }
            if look % EPOCH_REPORT_EVERY == 0 {
                tracing::warn!(
                    "the capture is stopped, or a transaction from when it was is still running"
                );
            }
            sleep(EPOCH_PAUSE).await;
        }
        Ok(())
    }

    /// All before the header's snapshot has been handed on.
    async fn arrive(&mut self, header: &Header, place: Place) -> Result<(), End> {
        let life = header.may_lose().then_some(place.life);
        let snapshot = header.snapshot.clone();
        let cursor = Cursor { life, ..Cursor::new(place.cursor.era, snapshot) };
        self.send(Reading::Commit(cursor.clone())).await?;
        self.place = Some(Place { cursor, ..place });
        self.batch = Batch::default();
        self.trail.arrived(header);
        Ok(())
    }
}
