//! Puts rowcast's objects into the database, watches tables, and takes everything away again.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::catalog::{Found, Table, TableId};

/// The installed objects, one file each, in the order of their names. Repeatable.
pub(super) const OBJECTS: &[(&str, &str)] = &[
    ("010_schema.sql", include_str!("../../sql/010_schema.sql")),
    ("020_meta.sql", include_str!("../../sql/020_meta.sql")),
    ("030_log.sql", include_str!("../../sql/030_log.sql")),
    ("040_watched.sql", include_str!("../../sql/040_watched.sql")),
    ("050_truncated.sql", include_str!("../../sql/050_truncated.sql")),
    ("060_doorbell.sql", include_str!("../../sql/060_doorbell.sql")),
    ("100_pinned_json.sql", include_str!("../../sql/100_pinned_json.sql")),
    ("110_key_json.sql", include_str!("../../sql/110_key_json.sql")),
    ("120_large_json.sql", include_str!("../../sql/120_large_json.sql")),
    ("130_skip.sql", include_str!("../../sql/130_skip.sql")),
    ("140_ring.sql", include_str!("../../sql/140_ring.sql")),
    ("145_log_size.sql", include_str!("../../sql/145_log_size.sql")),
    ("150_guard_size.sql", include_str!("../../sql/150_guard_size.sql")),
    ("160_current_row.sql", include_str!("../../sql/160_current_row.sql")),
    ("163_mark_inner.sql", include_str!("../../sql/163_mark_inner.sql")),
    ("166_is_late.sql", include_str!("../../sql/166_is_late.sql")),
    ("170_capture.sql", include_str!("../../sql/170_capture.sql")),
    ("175_capture_truncate.sql", include_str!("../../sql/175_capture_truncate.sql")),
    ("190_enable_always.sql", include_str!("../../sql/190_enable_always.sql")),
    ("200_watch.sql", include_str!("../../sql/200_watch.sql")),
    ("210_unwatch.sql", include_str!("../../sql/210_unwatch.sql")),
    ("300_keep_alive.sql", include_str!("../../sql/300_keep_alive.sql")),
    ("310_hold.sql", include_str!("../../sql/310_hold.sql")),
    ("320_release.sql", include_str!("../../sql/320_release.sql")),
    ("330_renew_epoch.sql", include_str!("../../sql/330_renew_epoch.sql")),
    ("340_reaches.sql", include_str!("../../sql/340_reaches.sql")),
    ("345_forget_truncations.sql", include_str!("../../sql/345_forget_truncations.sql")),
    ("350_rotate.sql", include_str!("../../sql/350_rotate.sql")),
    ("355_rotate_if_due.sql", include_str!("../../sql/355_rotate_if_due.sql")),
    ("360_configure.sql", include_str!("../../sql/360_configure.sql")),
    ("900_grant_daemon.sql", include_str!("../../sql/900_grant_daemon.sql")),
    ("910_start.sql", include_str!("../../sql/910_start.sql")),
];

/// Changes to tables that exist already, by the version that they lead to. None so far: version 1 is the first.
pub(super) const UPGRADES: &[(i32, &str)] = &[];

/// The version of the tables that this program reads and writes.
pub(super) const VERSION: i32 = 1;

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

/// Installs or upgrades the objects, and watches the tables. Repeatable; changes nothing that is in place.
pub async fn install(client: &Client, plan: &Plan<'_>) -> Result<Vec<Table>, InstallError> {
    // Held by the session: two that install at once would trip over each other's catalog changes.
    client.execute("select pg_catalog.pg_advisory_lock(1919907683, 3)", &[]).await?;
    let installed = install_locked(client, plan).await;
    client.execute("select pg_catalog.pg_advisory_unlock(1919907683, 3)", &[]).await?;
    installed
}

async fn install_locked(client: &Client, plan: &Plan<'_>) -> Result<Vec<Table>, InstallError> {
    client.batch_execute(LOCK_TIMEOUT).await?;
    match state(client).await? {
        State::Current => {}
        State::Newer(version) => return Err(InstallError::Newer(version)),
        State::Missing => with_lock(client, "rowcast", &script(0)).await?,
        State::Version(version) => with_lock(client, "rowcast", &script(version)).await?,
    }
    let mut tables = Vec::new();
    for found in plan.found {
        tables.push(watch(client, found).await?);
    }
    if plan.unwatch_others {
        let kept: Vec<i32> = tables.iter().map(|table| table.id.0).collect();
        for (id, name) in watched(client).await? {
            if !kept.contains(&id) {
                tracing::info!(table = name, "is not listed: not captured any more");
                with_lock(client, &name, &format!("select rowcast.unwatch({id})")).await?;
            }
        }
    }
    if let Some(role) = plan.grant_to {
        client.execute("select rowcast.grant_daemon($1::text::regrole)", &[&role]).await?;
    }
    client.batch_execute("reset lock_timeout").await?;
    Ok(tables)
}

/// Checks that everything is in place, and changes nothing.
pub async fn verify(client: &Client, found: &[Found]) -> Result<Vec<Table>, InstallError> {
    match state(client).await? {
        State::Current => {}
        State::Newer(version) => return Err(InstallError::Newer(version)),
        State::Missing => return Err(InstallError::Missing),
        State::Version(_) => return Err(InstallError::Outdated),
    }
    let mut tables = Vec::new();
    for found in found {
        let query = "select id from rowcast.watched where relation = $1::oid and key = $2";
        let row = client.query_opt(query, &[&found.oid, &found.key]).await?;
        let row = row.ok_or_else(|| InstallError::NotWatched(found.listed_as.clone()))?;
        tables.push(found.clone().into_table(TableId(row.try_get(0)?)));
    }
    Ok(tables)
}

/// Removes every trace. Says whether there was any.
pub async fn uninstall(client: &Client) -> Result<bool, InstallError> {
    let there = "select pg_catalog.to_regnamespace('rowcast') is not null";
    if !client.query_one(there, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    client.batch_execute(LOCK_TIMEOUT).await?;
    // Table by table first: dropping the schema at once would need the locks of all of them at the same moment.
    if matches!(state(client).await?, State::Current) {
        for (id, name) in watched(client).await? {
            with_lock(client, &name, &format!("select rowcast.unwatch({id})")).await?;
        }
    }
    let quiet = "set client_min_messages = warning; drop schema if exists rowcast cascade";
    with_lock(client, "rowcast", quiet).await?;
    Ok(true)
}

/// The SQL that `install` would run on a database without rowcast.
pub fn dry_run(found: &[Found]) -> String {
    let mut text = script(0);
    for Found { oid: _, schema, name, key, .. } in found {
        let table = format!("{}.{}", quoted(schema, '"'), quoted(name, '"'));
        let key: Vec<String> = key.iter().map(|column| quoted(column, '\'')).collect();
        let (table, key) = (quoted(&table, '\''), key.join(", "));
        text.push_str(&format!("select rowcast.watch({table}, array[{key}]::text[]);\n"));
    }
    text
}

fn quoted(text: &str, quote: char) -> String {
    format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
}

/// What the database has of rowcast.
enum State {
    Missing,
    Current,
    Version(i32),
    Newer(i32),
}

async fn state(client: &Client) -> Result<State, tokio_postgres::Error> {
    let there = "select pg_catalog.to_regclass('rowcast.meta') is not null";
    if !client.query_one(there, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(State::Missing);
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

async fn watch(client: &Client, found: &Found) -> Result<Table, InstallError> {
    let query = "select rowcast.watch($1::oid::regclass, $2)";
    let row = loop_for_lock(&found.listed_as, async || {
        client.query_one(query, &[&found.oid, &found.key]).await
    })
    .await?;
    Ok(found.clone().into_table(TableId(row.try_get(0)?)))
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

/// All of it in one transaction: upgrades from a version on (0: none is there), then the objects.
fn script(from: i32) -> String {
    let upgrades = UPGRADES.iter().filter(|(to, _)| from > 0 && *to > from).map(|(_, sql)| *sql);
    let objects = OBJECTS.iter().map(|(_, sql)| *sql);
    let mut text = String::from("begin;\nset local client_min_messages = warning;\n");
    for part in upgrades.chain(objects) {
        text.push_str(part);
        text.push('\n');
    }
    let print = fingerprint();
    text.push_str(&format!(
        "update rowcast.meta set version = {VERSION}, objects = '{print}';\ncommit;\n"
    ));
    text
}

/// Tells one set of objects from another, so that those in place aren't replaced for nothing.
fn fingerprint() -> String {
    let mut sum = crc32fast::Hasher::new();
    for (name, sql) in OBJECTS {
        sum.update(name.as_bytes());
        sum.update(sql.as_bytes());
    }
    format!("{:08x}", sum.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_sql_is_installed_in_the_order_of_the_names() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        files.sort();
        let listed: Vec<&str> = OBJECTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn a_function_is_in_one_file_and_nobody_else_may_call_it() {
        for (name, sql) in OBJECTS {
            let made = sql.matches("create or replace function").count();
            assert!(made <= 1, "{name} makes {made} functions");
            assert_eq!(made, sql.matches("revoke execute on function").count(), "{name}");
        }
    }

    #[test]
    fn every_function_has_a_search_path_of_its_own_or_qualifies_every_operator() {
        for (name, sql) in
            OBJECTS.iter().filter(|(_, sql)| sql.contains("create or replace function"))
        {
            let pinned = sql.contains("set search_path = pg_catalog, pg_temp");
            assert!(pinned || *name == "170_capture.sql", "{name}");
        }
    }
}
