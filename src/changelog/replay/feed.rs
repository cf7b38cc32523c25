//! Handing a replay's changes on, as fast as they are taken.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::timeout;
use tokio_postgres::Client;

use super::super::hand_on::Chunk;
use super::super::read::{ReadError, Rows};
use super::Piece;
use crate::cursor::Cursor;

/// How long a chunk may wait to be taken. Past it the connection is given up: it keeps the log from being rotated.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Why a replay breaks off.
enum Break {
    /// Nobody takes what is read, or not in time.
    Stalled,
    Failed(ReadError),
}

/// Hands on what the cursor doesn't have, and says whether the connection can be used again.
pub(super) async fn hand_on(
    client: &Client,
    rows: Rows,
    cursor: &Cursor,
    out: &Sender<Piece>,
) -> bool {
    let end = tokio::select! {
        end = read(rows, cursor, out) => end,
        () = out.closed() => Err(Break::Stalled),
    };
    if let Err(end) = end {
        if let Break::Failed(error) = end {
            // Nobody may be there to hear it.
            let _ = give(out, Err(error.into())).await;
        }
        return false;
    }
    client.batch_execute("commit").await.is_ok()
}

async fn read(mut rows: Rows, cursor: &Cursor, out: &Sender<Piece>) -> Result<(), Break> {
    let mut chunk = Chunk::default();
    while let Some(change) = rows.next().await.map_err(Break::Failed)? {
        if !cursor.has(change.txid, change.seq.0) && chunk.push(change) {
            give(out, Ok(Some(chunk.take()))).await?;
        }
    }
    let rest = chunk.take();
    if !rest.is_empty() {
        give(out, Ok(Some(rest))).await?;
    }
    give(out, Ok(None)).await
}

async fn give(out: &Sender<Piece>, piece: Piece) -> Result<(), Break> {
    match timeout(MAX_WAIT, out.send(piece)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Break::Stalled),
    }
}
