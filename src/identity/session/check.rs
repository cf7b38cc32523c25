//! Whether the configured query can be run.

use tokio_postgres::Client;

use super::query::{AsText, BEFORE, wrapped};
use super::settings::Settings;

/// What is wrong with the query.
#[derive(Debug)]
pub struct QueryFault {
    pub message: String,
    /// The character of the query at which it is, from 1.
    pub position: Option<usize>,
    pub hint: Option<String>,
}

/// Prepares the query and runs it for no session.
///
/// # Errors
///
/// If the connection breaks off.
pub async fn check(
    client: &Client,
    settings: &Settings,
) -> Result<Option<QueryFault>, tokio_postgres::Error> {
    let statement = match client.prepare(&wrapped(&settings.query)).await {
        Ok(statement) => statement,
        Err(error) => return fault(error),
    };
    if statement.params().len() != 1 {
        return Ok(Some(QueryFault {
            message: "the query must use $1, the cookie's value, and no other parameter".into(),
            position: None,
            hint: Some("select user_id as sub from sessions where id = $1".into()),
        }));
    }
    client.batch_execute("begin transaction read only; set local statement_timeout = '3s'").await?;
    let ran = client.query(&statement, &[&None::<AsText<'_>>]).await;
    client.batch_execute("rollback").await?;
    match ran {
        // What the query says of this value it need not say of another.
        Err(error) if error.code().is_none_or(|code| code.code().starts_with("42")) => fault(error),
        _ => Ok(None),
    }
}

fn fault(error: tokio_postgres::Error) -> Result<Option<QueryFault>, tokio_postgres::Error> {
    let Some(said) = error.as_db_error() else { return Err(error) };
    let position = match said.position() {
        Some(tokio_postgres::error::ErrorPosition::Original(at)) => {
            usize::try_from(*at).ok().and_then(|at| at.checked_sub(BEFORE.chars().count()))
        }
        _ => None,
    };
    Ok(Some(QueryFault {
        message: said.message().to_owned(),
        position: position.filter(|at| *at > 0),
        hint: said.hint().map(str::to_owned),
    }))
}
