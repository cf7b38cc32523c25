//! One call of a function of rowcast's, with the isolation that the functions rely on.

use tokio_postgres::types::{FromSqlOwned, ToSql, Type};
use tokio_postgres::{Client, Error};

use super::Wake;

/// For a session of this program's own. Roles and databases may have other defaults.
pub(super) const SETTINGS: &str = "
    set default_transaction_isolation = 'read committed'; set default_transaction_read_only = off;
    set default_transaction_deferrable = off; set synchronous_commit = off; set search_path = pg_catalog;";

/// The same for one transaction: behind a pooler, others would inherit a session's settings.
pub(super) const BEGIN: &str = "
    begin isolation level read committed read write;
    set local synchronous_commit = off; set local search_path = pg_catalog;";

/// The answer to a query of one row with one column. It prepares nothing: behind a pooler the next statement may come to another
/// session.
pub(super) async fn ask<T: FromSqlOwned>(
    client: &Client,
    wake: Wake,
    query: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<T, Error> {
    if wake == Wake::Listen {
        return client.query_typed_one(query, parameters).await?.try_get(0);
    }
    client.batch_execute(BEGIN).await?;
    let answer = client.query_typed_one(query, parameters).await?.try_get(0)?;
    client.batch_execute("commit").await?;
    Ok(answer)
}
