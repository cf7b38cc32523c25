//! Keeps the capture of a table that was altered as it must be.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::ask;
use crate::catalog::{Found, TableId};

/// How the triggers of a table, its children and partitions fit the table as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Fits,
    /// A partition that has come lacks its trigger for TRUNCATE; the others PostgreSQL has made.
    Partial,
    /// What is logged may depend on the writer's settings, as a column has another type.
    Narrow,
    /// A trigger is missing or disabled: changes may not have been logged.
    Torn,
}

const FIT: &str = "
with recursive members (relation) as (
  select $2::oid
  union
  select inhrelid from members join pg_catalog.pg_inherits on inhparent = relation
), triggers as (
  select c.relispartition and relation <> $2 and kind = 'truncate' as is_own, (
    select tgnargs from pg_catalog.pg_trigger
    where tgrelid = relation and tgenabled in ('A', 'O')
      and tgname = pg_catalog.format('!rowcast_%s_%s', $1::integer, kind)) as arguments
  from members join pg_catalog.pg_class c on c.oid = relation and c.relkind in ('r', 'p')
  cross join (values ('row'), ('update'), ('truncate')) as kinds (kind)
)
select bool_or(arguments is null) as partial, bool_or(arguments is null and not is_own) as torn, coalesce(min(arguments), 0)::integer < (
  select rowcast.settings_that_matter(pg_catalog.array_agg(relation)) from members) as narrow
from triggers";

/// The tables that are served, by their numbers in the log, as relations of the database.
pub async fn relations(client: &Client, tables: &[TableId]) -> Result<Vec<(TableId, u32)>, Error> {
    let ids: Vec<i32> = tables.iter().map(|table| table.0).collect();
    let query = "select id, relation::oid from rowcast.watched where id = any ($1)";
    let rows = client.query_typed(query, &[(&ids, Type::INT4_ARRAY)]).await?;
    rows.iter().map(|row| Ok((TableId(row.try_get(0)?), row.try_get(1)?))).collect()
}

/// Whether the capture fits the table as it is now.
pub async fn fit(client: &Client, table: TableId, relation: u32) -> Result<Fit, Error> {
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&table.0, Type::INT4), (&relation, Type::OID)];
    let row = client.query_typed_one(FIT, &parameters).await?;
    let is = |what: &str| row.try_get::<_, bool>(what);
    Ok(match (is("torn")?, is("narrow")?, is("partial")?) {
        (true, ..) => Fit::Torn,
        (_, true, _) => Fit::Narrow,
        (.., true) => Fit::Partial,
        _ => Fit::Fits,
    })
}

/// Watches the table again, as it is now. Waits for its writers for a moment only.
///
/// If changes may not have been logged, they are counted as skipped, so that no reader goes on without them: with its
/// lock, the trigger's creation has waited for those that made them.
pub async fn adapt(client: &Client, found: &Found, fit: Fit) -> Result<(), Error> {
    client.batch_execute(ask::BEGIN).await?;
    let done = adapt_locked(client, found, fit).await;
    client.batch_execute(if done.is_ok() { "commit" } else { "rollback" }).await?;
    done
}

async fn adapt_locked(client: &Client, found: &Found, fit: Fit) -> Result<(), Error> {
    client.batch_execute("set local lock_timeout = '500ms'").await?;
    let query = "select rowcast.watch($1::oid::regclass, $2)";
    client.query_typed(query, &[(&found.oid, Type::OID), (&found.key, Type::TEXT_ARRAY)]).await?;
    if fit == Fit::Torn {
        client.batch_execute("select nextval('rowcast.skipped')").await?;
    }
    Ok(())
}
