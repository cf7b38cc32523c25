//! Where the log stands as of a transaction's snapshot: what a read of a table goes on with.
//!
//! The cursor is the transaction's own snapshot. What the transaction sees of a table and what the log has after the cursor
//! belong together: each change is in exactly one of both.
//!
//! It doesn't ask as the reader does: a transaction that reads a table for a minute must not hold a lock on the log's
//! tables, which are truncated.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::catalog::TableId;
use crate::cursor::{Cursor, Era};

/// Where the log stood when a transaction took its snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    pub cursor: Cursor,
    /// The watched table's oid.
    pub relation: u32,
}

/// Why nothing could follow the snapshot.
#[derive(Debug, thiserror::Error)]
pub enum StandError {
    #[error("the database didn't answer")]
    Database(#[from] tokio_postgres::Error),
    /// Changes have passed unlogged, the server is a standby or another one, or the log isn't in order: until the reader
    /// has begun a new epoch.
    #[error("the log isn't ready for a snapshot")]
    NotReady,
    #[error("the table isn't watched")]
    Unwatched,
}

/// The count of what was skipped is newer than the snapshot: what it counts in addition comes after the cursor, and is
/// noticed there. So is what is written to the WAL: that more is on disk than was written when the snapshot was taken
/// says that all it sees is.
const STAND: &str = "
    select pg_catalog.pg_current_snapshot()::text, m.epoch,
           m.skipped operator(pg_catalog.<>) coalesce(pg_catalog.pg_sequence_last_value('rowcast.skipped'), 0) as has_skipped,
           m.server,
           (select id from rowcast.life) as life,
           case when not pg_catalog.pg_is_in_recovery()
                then pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) end as timeline,
           (select system_identifier from pg_catalog.pg_control_system())::text || '/' ||
           (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())::text as this_server,
           case when not pg_catalog.pg_is_in_recovery()
                then pg_catalog.pg_current_wal_insert_lsn() <= pg_catalog.pg_current_wal_flush_lsn() end as is_durable,
           (select relation::pg_catalog.oid from rowcast.watched where id = $1) as relation
      from rowcast.meta as m";

/// To be asked first in a transaction that is `repeatable read` or `serializable`: this takes its snapshot.
pub async fn stand(client: &Client, table: TableId) -> Result<Stand, StandError> {
    let row = client.query_typed(STAND, &[(&table.0, Type::INT4)]).await?;
    let row = row.first().ok_or(StandError::NotReady)?;
    let cursor = cursor(row)?.ok_or(StandError::NotReady)?;
    let relation: Option<u32> = row.try_get("relation")?;
    Ok(Stand { cursor, relation: relation.ok_or(StandError::Unwatched)? })
}

/// None if nothing can follow it.
fn cursor(row: &Row) -> Result<Option<Cursor>, tokio_postgres::Error> {
    let (server, this_server): (&str, &str) = (row.try_get("server")?, row.try_get("this_server")?);
    let (timeline, life): (Option<&str>, Option<i64>) =
        (row.try_get("timeline")?, row.try_get("life")?);
    let timeline = timeline.and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let snapshot = row.try_get::<_, &str>(0)?.parse();
    let epoch = u64::try_from(row.try_get::<_, i64>("epoch")?);
    let has_skipped: bool = row.try_get("has_skipped")?;
    let is_durable: Option<bool> = row.try_get("is_durable")?;
    let (Some(timeline), Some(life), Ok(snapshot), Ok(epoch)) = (timeline, life, snapshot, epoch)
    else {
        return Ok(None);
    };
    let is_ready = !has_skipped && server == this_server;
    let life = (is_durable != Some(true)).then_some(life);
    let era = Era { epoch, timeline };
    Ok(is_ready.then(|| Cursor { life, ..Cursor::new(era, snapshot) }))
}
