//! What the log looks like from outside: for `rowcast status`.

use std::time::SystemTime;

use tokio_postgres::Client;

/// A table that is captured.
#[derive(Clone, Debug)]
pub struct WatchedTable {
    pub name: String,
    pub key: Vec<String>,
}

/// The state of the log and of its readers.
#[derive(Clone, Debug)]
pub struct Status {
    pub watched: Vec<WatchedTable>,
    /// On disk, with indexes and TOAST.
    pub log_bytes: i64,
    pub max_bytes: i64,
    pub retention_ms: i64,
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
    pub readers: i64,
    /// The age of the oldest transaction that is writing: cursors wait for it, nothing else does.
    pub oldest_writer_secs: Option<f64>,
}

const QUERY: &str = "
    with clock as (select date_part('epoch', clock_timestamp()) * 1000 as now_ms)
    select rowcast.log_size(), max_size, retention_ms, rotated_at,
           (select min(at) from (
              (select at from rowcast.log_0 order by txid limit 1) union all
              (select at from rowcast.log_1 order by txid limit 1) union all
              (select at from rowcast.log_2 order by txid limit 1)) as firsts),
           (select max(at) from (
              (select at from rowcast.log_0 order by txid desc limit 1) union all
              (select at from rowcast.log_1 order by txid desc limit 1) union all
              (select at from rowcast.log_2 order by txid desc limit 1)) as lasts),
           pg_sequence_last_value('rowcast.audience_until') > now_ms,
           pg_sequence_last_value('rowcast.capture_until') > now_ms,
           pg_sequence_last_value('rowcast.held_until') > now_ms,
           (select count(*) from pg_stat_activity
             where datname = current_database() and application_name = 'rowcast reader'),
           (select extract(epoch from max(clock_timestamp() - xact_start))::float8 from pg_stat_activity
             where backend_xid is not null and pid <> pg_backend_pid())
      from rowcast.meta, clock";

/// Looks at the log. Fails if rowcast isn't installed.
pub async fn status(client: &Client) -> Result<Status, tokio_postgres::Error> {
    let row = client.query_one(QUERY, &[]).await?;
    let watched = client
        .query("select relation::text, key from rowcast.watched order by id", &[])
        .await?
        .iter()
        .map(|row| Ok(WatchedTable { name: row.try_get(0)?, key: row.try_get(1)? }))
        .collect::<Result<_, tokio_postgres::Error>>()?;
    Ok(Status {
        watched,
        log_bytes: row.try_get(0)?,
        max_bytes: row.try_get(1)?,
        retention_ms: row.try_get(2)?,
        rotated_at: row.try_get(3)?,
        oldest: row.try_get(4)?,
        newest: row.try_get(5)?,
        has_audience: row.try_get::<_, Option<bool>>(6)?.unwrap_or(false),
        is_capturing: row.try_get::<_, Option<bool>>(7)?.unwrap_or(false),
        is_held: row.try_get::<_, Option<bool>>(8)?.unwrap_or(false),
        readers: row.try_get(9)?,
        oldest_writer_secs: row.try_get(10)?,
    })
}
