//! Whether the log still has everything that comes after a cursor, decided by the read itself.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::super::read::{self, Header, LOCAL_PLAN, Rows};
use super::super::server_id::Server;
use super::super::{ResetReason, ask};
use super::{ReplayError, Unavailable};
use crate::cursor::Cursor;

/// How long the server may take for a replay. The time that it waits for the changes to be taken doesn't end it.
const STATEMENT_TIMEOUT_SECS: u32 = 300;
/// How often the log may be truncated between the look at what it has lost and the read.
const MAX_LOOKS: u32 = 10;

/// Begins a transaction, and in it the read of all that comes after the cursor's snapshot.
pub(super) async fn read(client: &Client, cursor: &Cursor) -> Result<(Header, Rows), ReplayError> {
    let settings =
        format!("{LOCAL_PLAN}; set local statement_timeout = '{STATEMENT_TIMEOUT_SECS}s'");
    client.batch_execute(&format!("{} {settings}", ask::BEGIN)).await?;
    let server = Server::identify(client).await?;
    // Where the cursor is no good, nothing is to be read.
    let (header, _) = read::within(client, None).await?;
    judge(&header, cursor, &server)?;
    for _ in 0..MAX_LOOKS {
        let reach = look(client, cursor).await?;
        if !reach.is_enough {
            return Err(ReplayError::Expired(ResetReason::CursorExpired));
        }
        let (header, rows) = read::within(client, Some(&cursor.snapshot)).await?;
        judge(&header, cursor, &server)?;
        if header.truncations == reach.truncations {
            return Ok((header, rows));
        }
    }
    Err(Unavailable::Restless.into())
}

/// What the log has lost.
struct Reach {
    truncations: i64,
    /// It has everything after the cursor.
    is_enough: bool,
}

/// One statement, so both are of one snapshot.
async fn look(client: &Client, cursor: &Cursor) -> Result<Reach, tokio_postgres::Error> {
    let query = "select truncations, rowcast.reaches($1::text::pg_snapshot) from rowcast.meta";
    let snapshot = cursor.snapshot.to_string();
    let row = client.query_typed_one(query, &[(&snapshot, Type::TEXT)]).await?;
    Ok(Reach { truncations: row.try_get(0)?, is_enough: row.try_get(1)? })
}

/// Whether the cursor's snapshot means on this server, now, what it meant when it was taken.
fn judge(header: &Header, cursor: &Cursor, server: &Server) -> Result<(), ReplayError> {
    let part = cursor.part.as_ref().map_or(0, |part| part.snapshot.xmax());
    let xmax = cursor.snapshot.xmax().max(part);
    if header.timeline != cursor.era.timeline || header.server != server.id {
        Err(ReplayError::Expired(ResetReason::Failover))
    } else if header.has_skipped || header.epoch != cursor.era.epoch {
        Err(ReplayError::Expired(ResetReason::CursorExpired))
    } else if cursor.life.is_some() && cursor.life != header.life {
        Err(ReplayError::Expired(ResetReason::Failover))
    } else if header.snapshot.xmax() < xmax {
        Err(ReplayError::Expired(ResetReason::Failover))
    } else if header.life.is_none() && header.may_lose() {
        Err(Unavailable::Unnamed.into())
    } else {
        Ok(())
    }
}
