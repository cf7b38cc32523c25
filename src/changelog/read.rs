//! One read of the log: the statement of `read.sql`, its header, and its rows as `Change`s.

use std::error::Error;
use std::pin::Pin;
use std::time::SystemTime;

use futures_util::StreamExt as _;
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, Row, RowStream, Statement};

use crate::catalog::TableId;
use crate::cursor::{Era, Snapshot};
use crate::event::{Change, Op, RowText, Seq};

use super::{Wake, ask};

/// What the plan of `read.sql` depends on. The tables have no statistics, and a generic plan that scans them would read
/// all of the log.
const PLAN: &str = "
    set enable_seqscan = off; set enable_bitmapscan = off; set jit = off; set work_mem = '32MB';
    set plan_cache_mode = force_generic_plan";

/// The same for one transaction.
pub(super) const LOCAL_PLAN: &str = "
    set local enable_seqscan = off; set local enable_bitmapscan = off; set local jit = off;
    set local work_mem = '32MB'";

const READ: &str = include_str!("read.sql");

const CUT_OLD: i16 = 1;
const CUT_NEW: i16 = 2;

/// The log, ready to be read.
pub(super) enum Log {
    Prepared(Statement),
    /// Each read is a transaction for itself, and nothing is prepared: behind a pooler it may come to any session.
    Anew,
}

/// What every read brings along, as of its snapshot.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub snapshot: Snapshot,
    pub epoch: u64,
    /// The server that the epoch was drawn on, and the timeline that it is on.
    pub server: String,
    pub timeline: u32,
    /// The server's life, see `sql/070_life.sql`; none until somebody has named it.
    pub life: Option<i64>,
    /// How much had been written to the WAL, after the snapshot was taken, and how much of it was on disk, in bytes.
    pub written: u64,
    pub flushed: u64,
    pub truncations: i64,
    /// Changes have passed unlogged since the epoch began.
    pub has_skipped: bool,
    pub held_until: i64,
    /// For how long writers stay silent because some reader holds the doorbell; not positive if none does.
    pub held_ms: i64,
}

impl Header {
    pub fn era(&self) -> Era {
        Era { epoch: self.epoch, timeline: self.timeline }
    }

    /// Whether a crash of the server may still undo something that the snapshot has seen.
    pub fn may_lose(&self) -> bool {
        self.written > self.flushed
    }
}

#[cfg(test)]
impl Header {
    /// A header of nothing but a snapshot.
    pub fn at(snapshot: &str) -> Self {
        Self {
            snapshot: snapshot.parse().unwrap(),
            epoch: 1,
            server: String::new(),
            timeline: 1,
            life: None,
            written: 0,
            flushed: 0,
            truncations: 0,
            has_skipped: false,
            held_until: 0,
            held_ms: 0,
        }
    }
}

#[derive(serde::Deserialize)]
struct HeaderText {
    snapshot: String,
    epoch: u64,
    server: String,
    timeline: String,
    truncations: i64,
    life: Option<i64>,
    wal: u64,
    flushed: u64,
    skipped_before: i64,
    skipped: Option<i64>,
    held_until: Option<i64>,
    held_ms: Option<i64>,
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the database didn't answer")]
    Database(#[from] tokio_postgres::Error),
    #[error("the log doesn't look as it should: {0}")]
    Malformed(&'static str),
}

impl Log {
    pub async fn prepare(client: &Client, wake: Wake) -> Result<Self, tokio_postgres::Error> {
        if wake == Wake::Poll {
            return Ok(Self::Anew);
        }
        client.batch_execute(&format!("{} {PLAN}", ask::SETTINGS)).await?;
        let types = [Type::TEXT, Type::TEXT_ARRAY];
        Ok(Self::Prepared(client.prepare_typed(READ, &types).await?))
    }

    /// Everything after a snapshot; with `None` nothing but the header, which is where to begin.
    pub async fn after(
        &self,
        client: &Client,
        cursor: Option<&Snapshot>,
    ) -> Result<(Header, Rows), ReadError> {
        match self {
            Self::Prepared(statement) => {
                let (xmax, in_progress) = unseen(cursor);
                let parameters: [&(dyn ToSql + Sync); 2] = [&xmax, &in_progress];
                begun(client.query_raw(statement, parameters).await?).await
            }
            Self::Anew => {
                client.batch_execute(&format!("{} {LOCAL_PLAN}", ask::BEGIN)).await?;
                within(client, cursor).await
            }
        }
    }

    /// Ends a read whose rows have all been taken, or are not wanted.
    pub async fn done(&self, client: &Client, rows: Rows) -> Result<(), tokio_postgres::Error> {
        drop(rows);
        match self {
            Self::Anew => client.batch_execute("commit").await,
            Self::Prepared(_) => Ok(()),
        }
    }
}

/// One read in a transaction that has begun, with the settings of `LOCAL_PLAN`.
pub(super) async fn within(
    client: &Client,
    cursor: Option<&Snapshot>,
) -> Result<(Header, Rows), ReadError> {
    let (xmax, in_progress) = unseen(cursor);
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&xmax, Type::TEXT), (&in_progress, Type::TEXT_ARRAY)];
    begun(client.query_typed_raw(READ, parameters).await?).await
}

/// The statement's parameters: which transactions the cursor has not seen.
fn unseen(cursor: Option<&Snapshot>) -> (String, Vec<String>) {
    // No transaction has an id this high: nothing comes after it.
    let beyond = i64::MAX.unsigned_abs();
    let xmax = cursor.map_or(beyond, Snapshot::xmax).to_string();
    let in_progress = cursor.map(|c| c.in_progress().iter().map(u64::to_string).collect());
    (xmax, in_progress.unwrap_or_default())
}

async fn begun(rows: RowStream) -> Result<(Header, Rows), ReadError> {
    let mut rows = Rows(Box::pin(rows));
    let first = rows.0.next().await.ok_or(ReadError::Malformed("there is no header"))??;
    Ok((header(&first)?, rows))
}

/// The changes of a read, in the order of `seq`.
pub(super) struct Rows(Pin<Box<RowStream>>);

impl Rows {
    pub async fn next(&mut self) -> Result<Option<Change>, ReadError> {
        while let Some(row) = self.0.next().await {
            if let Some(change) = change(&row?)? {
                return Ok(Some(change));
            }
        }
        Ok(None)
    }
}

fn header(row: &Row) -> Result<Header, ReadError> {
    let text: Option<Text> = row.try_get(6)?;
    let text = text.ok_or(ReadError::Malformed("the header is empty"))?.0;
    let text: HeaderText =
        serde_json::from_str(&text).map_err(|_| ReadError::Malformed("the header isn't JSON"))?;
    let snapshot = text.snapshot.parse().map_err(|_| ReadError::Malformed("not a snapshot"))?;
    Ok(Header {
        snapshot,
        epoch: text.epoch,
        server: text.server,
        timeline: u32::from_str_radix(&text.timeline, 16)
            .map_err(|_| ReadError::Malformed("the timeline isn't a number"))?,
        truncations: text.truncations,
        has_skipped: text.skipped.unwrap_or(0) != text.skipped_before,
        life: text.life,
        written: text.wal,
        flushed: text.flushed,
        held_until: text.held_until.unwrap_or(0),
        held_ms: text.held_ms.unwrap_or(0),
    })
}

/// `None` for a row that came and went while its own statement's triggers ran.
fn change(row: &Row) -> Result<Option<Change>, ReadError> {
    let Txid(txid) = row.try_get(1)?;
    let op: Option<i8> = row.try_get(4)?;
    let cut: i16 = row.try_get::<_, Option<i16>>(5)?.unwrap_or(0);
    let text = |column: usize, bit: i16| -> Result<Option<RowText>, ReadError> {
        let json: Option<Text> = row.try_get(column)?;
        Ok(json.map(|Text(json)| RowText { json, key_only: cut & bit != 0 }))
    };
    let (old, new) = (text(6, CUT_OLD)?, text(7, CUT_NEW)?);
    let too_large_for_its_key =
        (cut & CUT_OLD != 0 && old.is_none()) || (cut & CUT_NEW != 0 && new.is_none());
    let op = match (op.map(i8::cast_unsigned), &old, &new) {
        (Some(b'T'), ..) => Op::Truncate,
        (Some(b'R'), ..) => Op::Reset,
        (Some(_), ..) => return Err(ReadError::Malformed("an operation of a newer version")),
        (None, ..) if too_large_for_its_key => Op::Reset,
        (None, None, Some(_)) => Op::Insert,
        (None, Some(_), Some(_)) => Op::Update,
        (None, Some(_), None) => Op::Delete,
        (None, None, None) => return Ok(None),
    };
    let origin: Option<Text> = row.try_get(8)?;
    Ok(Some(Change {
        seq: Seq(row.try_get(0)?),
        txid,
        table: TableId(row.try_get(3)?),
        op,
        old,
        new,
        at: row.try_get::<_, SystemTime>(2)?,
        origin: origin.map(|Text(name)| name).filter(|name| !name.is_empty()),
    }))
}

/// A transaction id, `xid8`.
struct Txid(u64);

impl<'a> FromSql<'a> for Txid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(u64::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::XID8
    }
}

/// Text that may hold bytes which aren't UTF-8, in a database whose encoding is `SQL_ASCII`.
struct Text(String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TEXT
    }
}
