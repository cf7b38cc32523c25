//! One read: a transaction, its snapshot's cursor, and its rows into a spool.

use std::borrow::Cow;
use std::error::Error;
use std::pin::pin;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::try_join;
use tokio_postgres::Client;
use tokio_postgres::types::{FromSql, Type};

use super::chunk::Chunks;
use super::statement::{self, Statement};
use super::{Settings, SnapshotError, Want, check};
use crate::changelog::{StandError, stand};
use crate::cursor::Cursor;
use crate::spool::Writer;

/// Whether the connection can be used again.
pub enum Left {
    Clean,
    /// It's in the middle of something.
    Busy,
}

/// Begins the transaction and takes its snapshot.
pub async fn open(
    client: &Client,
    want: &Want,
    settings: &Settings,
) -> Result<Cursor, SnapshotError> {
    let begun = client.batch_execute(&statement::begin(want, settings)).await;
    begun.map_err(|error| failed(want, error))?;
    let stand = stand(client, want.view.table_id()).await.map_err(|error| match error {
        StandError::Database(error) => failed(want, error),
        error => error.into(),
    })?;
    let known = async {
        // One behind the other: types' names depend on the path, and the catalog knows them by the role's.
        let known = check::is_as_known(client, &want.view, stand.relation);
        let (known, ()) = try_join(known, client.batch_execute(statement::SEARCH_PATH)).await?;
        Ok::<_, tokio_postgres::Error>(known)
    };
    match known.await.map_err(|error| failed(want, error))? {
        true => Ok(stand.cursor),
        false => Err(SnapshotError::Altered),
    }
}

/// Reads the rows into the spool, and ends the transaction.
pub async fn rows(client: &Client, want: &Want, spool: &mut Writer) -> Result<Left, SnapshotError> {
    if let Some(statement) = Statement::new(want)
        && let Left::Busy = run(client, want, &statement, spool).await?
    {
        return Ok(Left::Busy);
    }
    client.batch_execute("commit").await?;
    Ok(Left::Clean)
}

async fn run(
    client: &Client,
    want: &Want,
    statement: &Statement,
    spool: &mut Writer,
) -> Result<Left, SnapshotError> {
    let params = statement.params.iter().map(|param| (param, Type::TEXT));
    let read = client.query_typed_raw(&statement.text, params).await;
    let mut read = pin!(read.map_err(|error| failed(want, error))?);
    let mut chunks = Chunks::new(&want.view, statement.is_final);
    let mut left = Left::Clean;
    while let Some(row) = read.next().await {
        let row = row.map_err(|error| failed(want, error))?;
        if let Some(chunk) = chunks.push(&row.try_get::<_, Text<'_>>(0)?.0)? {
            keep(want, spool, chunk).await?;
        }
        if statement.limit.is_some_and(|limit| chunks.rows >= limit) {
            left = Left::Busy;
            break;
        }
    }
    if let Some(chunk) = chunks.last() {
        keep(want, spool, chunk).await?;
    }
    Ok(left)
}

/// Logs why, if that can't be done.
async fn keep(want: &Want, spool: &mut Writer, chunk: Bytes) -> Result<(), SnapshotError> {
    spool.push(chunk).await.map_err(|error| {
        let table = &want.view.served().table().listed_as;
        let why = &error as &dyn Error;
        tracing::warn!(%table, error = why, "a table's rows can't be kept for their readers");
        error.into()
    })
}

/// Logs why. Messages of errors in data may quote it: of these the code alone is told.
fn failed(want: &Want, error: tokio_postgres::Error) -> SnapshotError {
    let table = &want.view.served().table().listed_as;
    let code = error.code().map(|code| code.code().to_owned());
    // What is wrong with the statement itself, or with rights, is said without data.
    let is_plain = code.as_ref().is_some_and(|code| code.starts_with("42"));
    let why = error.as_db_error().filter(|_| is_plain).map(|error| error.message().to_owned());
    tracing::warn!(%table, code, why, "a table can't be read");
    match error.code() {
        Some(code) if !want.order.is_empty() && code.code() == NO_SUCH_OPERATOR => {
            SnapshotError::NoOrder
        }
        _ => error.into(),
    }
}

/// `undefined_function`: what is ordered by a type without an order.
const NO_SUCH_OPERATOR: &str = "42883";

/// JSON text, which may have bytes that aren't UTF-8 where the database's encoding is `SQL_ASCII`.
struct Text<'a>(Cow<'a, str>);

impl<'a> FromSql<'a> for Text<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }
}
