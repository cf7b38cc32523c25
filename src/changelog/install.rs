//! Puts rowcast's objects into the database, watches tables, and takes everything away again.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::objects::{VERSION, fingerprint, script};
use super::rights::{self, Look};
use crate::catalog::{Found, Table, TableId};

/// How long to wait for a table's lock at a time. Writers queue behind the wait, so it is short, and tried often.
const LOCK_TIMEOUT: &str = "set lock_timeout = '500ms'";
const LOCK_ATTEMPTS: u32 = 60;
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// Why the objects can't be put in place, or aren't.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("the database refused")]
    Database(#[from] tokio_postgres::Error),
    #[error(
        "the database has the objects of a newer rowcast (version {0}, this program knows {VERSION}): \
         run that one"
    )]
    Newer(i32),
    #[error("rowcast's objects are not in the database: run `rowcast install`")]
    Missing,
    #[error(
        "role `{role}` may not use rowcast's objects: run `rowcast install --grant-to {role}` as the \
         role that installed them"
    )]
    MayNotUse { role: String },
    #[error(
        "role `{role}` may not create the schema `rowcast`: \
         grant create on database {} to {};", quoted(.database, '"'), quoted(.role, '"')
    )]
    MayNotCreate { role: String, database: String },
    #[error("the schema `rowcast` belongs to role `{owner}`, and `{role}` is not a member of it")]
    NotOwner { role: String, owner: String },
    #[error("there is a schema `rowcast` which isn't rowcast's: rename it")]
    Foreign,
    #[error("there is no role `{0}` to grant anything to")]
    NoRole(String),
    #[error("rowcast's objects are of another version of rowcast: run `rowcast install`")]
    Outdated,
    #[error("`{0}` isn't captured, or by another key: run `rowcast install`")]
    NotWatched(String),
    #[error("`{0}` stays locked: a transaction that writes to it doesn't end")]
    Locked(String),
}

/// The tables to be watched, as `rowcast install` was asked for them.
pub struct Plan<'a> {
    pub found: &'a [Found],
    /// A role that is to run the daemon with `--no-install`.
    pub grant_to: Option<&'a str>,
    /// Whether tables that are watched but not listed are let go.
    pub unwatch_others: bool,
}

/// What it took to have something in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Created,
    Changed,
    Nothing,
}

/// What was found in place, and what was done.
#[derive(Clone, Debug)]
pub struct Installed {
    pub objects: Done,
    /// In the order of the plan.
    pub tables: Vec<(Table, Done)>,
    /// The tables that were watched, and aren't any more.
    pub unwatched: Vec<String>,
}

/// Installs or upgrades the objects, and watches the tables. Repeatable; changes nothing that is in place.
pub async fn install(client: &Client, plan: &Plan<'_>) -> Result<Installed, InstallError> {
    // Held by the session: two that install at once would trip over each other's catalog changes.
    client.execute("select pg_catalog.pg_advisory_lock(1919907683, 3)", &[]).await?;
    let installed = install_locked(client, plan).await;
    client.execute("select pg_catalog.pg_advisory_unlock(1919907683, 3)", &[]).await?;
    installed
}

async fn install_locked(client: &Client, plan: &Plan<'_>) -> Result<Installed, InstallError> {
    client.batch_execute(LOCK_TIMEOUT).await?;
    if let Some(role) = plan.grant_to {
        rights::check_role(client, role).await?;
    }
    let objects = install_objects(client).await?;
    let mut tables = Vec::new();
    for found in plan.found {
        tables.push(watch(client, found).await?);
    }
    let unwatched = match plan.unwatch_others {
        true => unwatch_all_but(client, &tables).await?,
        false => Vec::new(),
    };
    if let Some(role) = plan.grant_to {
        let role = quoted(role, '"');
        client.execute("select rowcast.grant_daemon($1::text::regrole)", &[&role]).await?;
    }
    client.batch_execute("reset lock_timeout").await?;
    Ok(Installed { objects, tables, unwatched })
}

async fn install_objects(client: &Client) -> Result<Done, InstallError> {
    let (from, done) = match state(client).await? {
        State::Current => return Ok(Done::Nothing),
        State::Newer(version) => return Err(InstallError::Newer(version)),
        State::Foreign => return Err(InstallError::Foreign),
        State::Missing => (0, Done::Created),
        State::Version(version) => (version, Done::Changed),
    };
    rights::check_install(client).await?;
    with_lock(client, "rowcast", &script(from)).await?;
    Ok(done)
}

async fn unwatch_all_but(
    client: &Client,
    kept: &[(Table, Done)],
) -> Result<Vec<String>, InstallError> {
    let mut unwatched = Vec::new();
    for (id, name) in watched(client).await? {
        if !kept.iter().any(|(table, _)| table.id.0 == id) {
            with_lock(client, &name, &format!("select rowcast.unwatch({id})")).await?;
            unwatched.push(name);
        }
    }
    Ok(unwatched)
}

/// Checks that everything is in place, and changes nothing.
pub async fn verify(client: &Client, found: &[Found]) -> Result<Vec<Table>, InstallError> {
    check_current(client).await?;
    let mut tables = Vec::new();
    for found in found {
        let query = "select id from rowcast.watched where relation = $1::oid and key = $2";
        let row = client.query_opt(query, &[&found.oid, &found.key]).await?;
        let row = row.ok_or_else(|| InstallError::NotWatched(found.listed_as.clone()))?;
        tables.push(found.clone().into_table(TableId(row.try_get(0)?)));
    }
    Ok(tables)
}

/// Checks that the objects are in place, as this program knows them, and that this role may use them.
pub(super) async fn check_current(client: &Client) -> Result<(), InstallError> {
    match state(client).await? {
        State::Current => Ok(()),
        State::Newer(version) => Err(InstallError::Newer(version)),
        State::Missing | State::Foreign => Err(InstallError::Missing),
        State::Version(_) => Err(InstallError::Outdated),
    }
}

/// Removes every trace. Names the tables that were watched; `None` if there was nothing to remove.
pub async fn uninstall(client: &Client) -> Result<Option<Vec<String>>, InstallError> {
    let state = match state(client).await? {
        State::Missing => return Ok(None),
        State::Foreign => return Err(InstallError::Foreign),
        state => state,
    };
    rights::check_uninstall(client).await?;
    client.batch_execute(LOCK_TIMEOUT).await?;
    let mut unwatched: Vec<String> = Vec::new();
    if matches!(state, State::Current) {
        unwatched.extend(watched(client).await?.into_iter().map(|(_, name)| name));
        unwatch_one_by_one(client).await?;
    }
    let quiet = "set client_min_messages = warning; drop schema if exists rowcast cascade";
    with_lock(client, "rowcast", quiet).await?;
    Ok(Some(unwatched))
}

/// Dropping the schema at once would need the locks of all tables at the same moment. But a role that may create triggers
/// on tables which aren't its own can only get rid of them in that way.
async fn unwatch_one_by_one(client: &Client) -> Result<(), InstallError> {
    match unwatch_all_but(client, &[]).await {
        Err(InstallError::Database(error))
            if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) =>
        {
            Ok(())
        }
        done => done.map(drop),
    }
}

/// The SQL that `install` would run on a database without rowcast.
pub fn dry_run(plan: &Plan<'_>) -> String {
    let mut text = script(0);
    text.push_str("\n-- Waits for the transactions that write to a table, and writers queue behind: not for long.\n");
    text.push_str("set lock_timeout = '5s';\n");
    for Found { oid: _, schema, name, key, .. } in plan.found {
        let table = format!("{}.{}", quoted(schema, '"'), quoted(name, '"'));
        let key: Vec<String> = key.iter().map(|column| quoted(column, '\'')).collect();
        let (table, key) = (quoted(&table, '\''), key.join(", "));
        text.push_str(&format!("select rowcast.watch({table}, array[{key}]::text[]);\n"));
    }
    if let Some(role) = plan.grant_to {
        let role = quoted(&quoted(role, '"'), '\'');
        text.push_str(&format!("select rowcast.grant_daemon({role});\n"));
    }
    text.push_str("reset lock_timeout;\n");
    text
}

pub(super) fn quoted(text: &str, quote: char) -> String {
    format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
}

/// What the database has of rowcast.
enum State {
    Missing,
    /// There is a schema of that name, with something else in it.
    Foreign,
    Current,
    Version(i32),
    Newer(i32),
}

async fn state(client: &Client) -> Result<State, InstallError> {
    match rights::look(client).await? {
        Look::NoSchema => return Ok(State::Missing),
        Look::Schema { is_empty: true } => return Ok(State::Missing),
        Look::Schema { is_empty: false } => return Ok(State::Foreign),
        Look::MayNotUse { role } => return Err(InstallError::MayNotUse { role }),
        Look::Objects => {}
    }
    let row = client.query_one("select version, objects from rowcast.meta", &[]).await?;
    let (version, objects): (i32, &str) = (row.try_get(0)?, row.try_get(1)?);
    Ok(match version {
        newer if newer > VERSION => State::Newer(newer),
        VERSION if objects == fingerprint() => State::Current,
        version => State::Version(version),
    })
}

async fn watched(client: &Client) -> Result<Vec<(i32, String)>, tokio_postgres::Error> {
    let rows =
        client.query("select id, relation::text from rowcast.watched order by id", &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn watch(client: &Client, found: &Found) -> Result<(Table, Done), InstallError> {
    let before = triggers(client, found).await?;
    let query = "select rowcast.watch($1::oid::regclass, $2)";
    let row = loop_for_lock(&found.listed_as, async || {
        client.query_one(query, &[&found.oid, &found.key]).await
    })
    .await?;
    let table = found.clone().into_table(TableId(row.try_get(0)?));
    let done = match before {
        None => Done::Created,
        before if before == triggers(client, found).await? => Done::Nothing,
        Some(_) => Done::Changed,
    };
    Ok((table, done))
}

/// What there is of watching a table, as text to be compared.
async fn triggers(client: &Client, found: &Found) -> Result<Option<String>, tokio_postgres::Error> {
    let query = "
        select key::text || coalesce((
                 select pg_catalog.string_agg(t.oid || t.tgenabled::text, ',' order by t.oid)
                   from pg_catalog.pg_trigger as t
                  where t.tgname like pg_catalog.format('!rowcast\\_%s\\_%%', w.id)), '')
          from rowcast.watched as w where relation = $1::oid";
    client.query_opt(query, &[&found.oid]).await?.map(|row| row.try_get(0)).transpose()
}

async fn with_lock(client: &Client, name: &str, sql: &str) -> Result<(), InstallError> {
    loop_for_lock(name, async || client.batch_execute(sql).await).await
}

/// Tries again while the lock isn't to be had, and says so.
async fn loop_for_lock<T>(
    name: &str,
    attempt: impl AsyncFn() -> Result<T, tokio_postgres::Error>,
) -> Result<T, InstallError> {
    for _ in 0..LOCK_ATTEMPTS {
        match attempt().await {
            Err(error) if is_lock_failure(&error) => {
                tracing::info!(table = name, "is being written to: waiting for its transactions");
                sleep(LOCK_PAUSE).await;
            }
            done => return Ok(done?),
        }
    }
    Err(InstallError::Locked(name.to_owned()))
}

fn is_lock_failure(error: &tokio_postgres::Error) -> bool {
    let code = error.code();
    code == Some(&SqlState::LOCK_NOT_AVAILABLE) || code == Some(&SqlState::T_R_DEADLOCK_DETECTED)
}
