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
/// Begins a transaction, and in it the read of all that comes after the cursor's snapshot.
///
/// The first read, of nothing but the header, locks the log's tables until the transaction ends: from then on none of them is
/// truncated, and what is found out about the log holds for the second one.
pub(super) async fn read(client: &Client, cursor: &Cursor) -> Result<(Header, Rows), ReplayError> {
    let timeout = format!("set local statement_timeout = '{STATEMENT_TIMEOUT_SECS}s'");
    client.batch_execute(&format!("{} {LOCAL_PLAN}; {timeout}", ask::BEGIN)).await?;
    let server = Server::identify(client).await?;
    let (locked, _) = read::within(client, None).await?;
    judge(&locked, cursor, &server)?;
    if !reaches(client, cursor).await? {
        return Err(ReplayError::Expired(ResetReason::CursorExpired));
    }
    let (header, rows) = read::within(client, Some(&cursor.snapshot)).await?;
    judge(&header, cursor, &server)?;
    match header.truncations == locked.truncations {
        true => Ok((header, rows)),
        false => Err(Unavailable::Truncated.into()),
    }
}

async fn reaches(client: &Client, cursor: &Cursor) -> Result<bool, tokio_postgres::Error> {
    let query = "select rowcast.reaches($1::text::pg_snapshot)";
    let snapshot = cursor.snapshot.to_string();
    client.query_typed_one(query, &[(&snapshot, Type::TEXT)]).await?.try_get(0)
}

/// Whether the cursor's snapshot means on this server, now, what it meant when it was taken.
fn judge(header: &Header, cursor: &Cursor, server: &Server) -> Result<(), ReplayError> {
    let part = cursor.part.as_ref().map_or(0, |part| part.snapshot.xmax());
    let xmax = cursor.snapshot.xmax().max(part);
    if header.timeline != cursor.era.timeline || header.server != server.id {
        Err(ReplayError::Expired(ResetReason::Failover))
    } else if header.has_skipped || header.epoch != cursor.era.epoch {
        Err(ReplayError::Expired(ResetReason::CursorExpired))
    } else if cursor.life.is_some_and(|life| header.life != Some(life))
        || header.snapshot.xmax() < xmax
    {
        Err(ReplayError::Expired(ResetReason::Failover))
    } else if header.life.is_none() && header.may_lose() {
        Err(Unavailable::Unnamed.into())
    } else {
        Ok(())
    }
}
