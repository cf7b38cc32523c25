//! What the log looks like from outside: for `rowcast status`.

use std::time::{Duration, SystemTime};

use tokio_postgres::{Client, Row};

use super::InstallError;
use super::install::check_current;
use crate::catalog::TableName;

/// A table that is captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedTable {
    /// `None` for a table that was dropped.
    pub name: Option<TableName>,
    pub key: Vec<String>,
    /// A trigger was dropped or disabled behind rowcast's back, or a partition or child came later: changes pass unseen.
    pub lacks_trigger: bool,
    /// Changes made under `session_replication_role = replica` pass unseen.
    pub ignores_replicas: bool,
}

/// A daemon's session that reads the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderSession {
    pub pid: i32,
    /// The address that it connected from; `None` over a socket of the server's machine.
    pub from: Option<String>,
    pub since: Option<SystemTime>,
    /// How long ago it began its newest look at the log, which shows all that was committed before. `None` if this
    /// role may not know.
    pub lag: Option<Duration>,
}

/// The state of the log and of its readers.
#[derive(Clone, Debug)]
pub struct Status {
    pub watched: Vec<WatchedTable>,
    /// On disk, with indexes and TOAST.
    pub log_bytes: i64,
    pub max_bytes: i64,
    pub retention_ms: i64,
    /// The database's clock.
    pub now: SystemTime,
    /// When the oldest change in the log was made.
    pub oldest: Option<SystemTime>,
    pub newest: Option<SystemTime>,
    pub rotated_at: SystemTime,
    /// Whether a daemon has given a sign of life in the last seconds.
    pub has_audience: bool,
    /// Whether changes are being logged.
    pub is_capturing: bool,
    /// Whether a reader is awake, and writers silent.
    pub is_held: bool,
    /// The connections of daemons to this database.
    pub readers: Vec<ReaderSession>,
    /// How many transactions are writing, prepared ones included.
    pub writers: i64,
    /// The age of the oldest of them: cursors wait for it, nothing else does. `None` if there is none, or this role
    /// may not know.
    pub oldest_writer_secs: Option<f64>,
}

const QUERY: &str = "
    with clock as (select clock_timestamp() as now, date_part('epoch', clock_timestamp()) * 1000 as now_ms),
    writers as (
      select xact_start as began from pg_catalog.pg_stat_activity
       where backend_xid is not null and pid <> pg_catalog.pg_backend_pid()
      union all
      select prepared from pg_catalog.pg_prepared_xacts)
    select rowcast.log_size(), max_size, retention_ms, rotated_at,
           (select min(at) from (
              (select at from rowcast.log_0 order by txid limit 1) union all
              (select at from rowcast.log_1 order by txid limit 1) union all
              (select at from rowcast.log_2 order by txid limit 1)) as firsts),
           (select max(at) from (
              (select at from rowcast.log_0 order by txid desc limit 1) union all
              (select at from rowcast.log_1 order by txid desc limit 1) union all
              (select at from rowcast.log_2 order by txid desc limit 1)) as lasts),
           coalesce(pg_sequence_last_value('rowcast.audience_until') > now_ms, false),
           coalesce(pg_sequence_last_value('rowcast.capture_until') > now_ms, false),
           coalesce(pg_sequence_last_value('rowcast.held_until') > now_ms, false),
           now,
           (select count(*) from writers),
           (select date_part('epoch', max(now - began)) from writers)
      from rowcast.meta, clock";

/// Each relation of a tree needs three triggers: partitions get two of theirs from PostgreSQL.
const WATCHED: &str = "
    with recursive tree (id, relid) as (
      select id, relation::oid from rowcast.watched
      union
      select id, inhrelid from tree join pg_catalog.pg_inherits on inhparent = relid
    ), counted as (
      select tree.id,
             count(distinct c.oid) * 3 as expected,
             count(t.oid) filter (where t.tgenabled in ('A', 'O')) as ordinary,
             count(t.oid) filter (where t.tgenabled in ('A', 'R')) as replica
        from tree
        join pg_catalog.pg_class as c on c.oid = relid and c.relkind in ('r', 'p')
        left join pg_catalog.pg_trigger as t
          on t.tgrelid = relid and t.tgname like pg_catalog.format('!rowcast\\_%s\\_%%', tree.id)
       group by tree.id
    )
    select n.nspname::text, c.relname::text, key,
           coalesce(ordinary < expected, false), coalesce(replica < expected, false)
      from rowcast.watched as w
      left join counted using (id)
      left join pg_catalog.pg_class as c on c.oid = w.relation
      left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
     order by w.id";

const READERS: &str = "
    select pid, pg_catalog.host(client_addr), backend_start,
           date_part('epoch', clock_timestamp() - query_start)::float8
      from pg_catalog.pg_stat_activity
     where datname = pg_catalog.current_database() and application_name = 'rowcast reader'
     order by backend_start, pid";

/// Looks at the log.
pub async fn status(client: &Client) -> Result<Status, InstallError> {
    check_current(client).await?;
    let row = client.query_one(QUERY, &[]).await?;
    let watched = client.query(WATCHED, &[]).await?;
    let readers = client.query(READERS, &[]).await?;
    Ok(Status {
        watched: watched.iter().map(watched_table).collect::<Result<_, _>>()?,
        log_bytes: row.try_get(0)?,
        max_bytes: row.try_get(1)?,
        retention_ms: row.try_get(2)?,
        rotated_at: row.try_get(3)?,
        oldest: row.try_get(4)?,
        newest: row.try_get(5)?,
        has_audience: row.try_get(6)?,
        is_capturing: row.try_get(7)?,
        is_held: row.try_get(8)?,
        now: row.try_get(9)?,
        readers: readers.iter().map(reader).collect::<Result<_, _>>()?,
        writers: row.try_get(10)?,
        oldest_writer_secs: row.try_get(11)?,
    })
}

fn watched_table(row: &Row) -> Result<WatchedTable, tokio_postgres::Error> {
    let (schema, name): (Option<String>, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    Ok(WatchedTable {
        name: schema.zip(name).map(|(schema, name)| TableName { schema, name }),
        key: row.try_get(2)?,
        lacks_trigger: row.try_get(3)?,
        ignores_replicas: row.try_get(4)?,
    })
}

fn reader(row: &Row) -> Result<ReaderSession, tokio_postgres::Error> {
    let lag_secs: Option<f64> = row.try_get(3)?;
    Ok(ReaderSession {
        pid: row.try_get(0)?,
        from: row.try_get(1)?,
        since: row.try_get(2)?,
        lag: lag_secs.map(|secs| Duration::try_from_secs_f64(secs).unwrap_or_default()),
    })
}
