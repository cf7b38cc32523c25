//! What PostgreSQL's catalogs say about the listed tables: one query each for all of them together.
//!
//! Nothing is prepared: behind a pooler the next statement may come to another session.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::name::TableName;
use super::types::types;
use super::{Column, DataType};

/// The most tables that are looked at to find the one that was meant.
const MAX_CANDIDATES: i64 = 20_000;

/// A relation that has a listed name.
#[derive(Clone, Debug)]
pub struct Relation {
    pub oid: u32,
    /// `pg_class.relkind`.
    pub kind: String,
    pub temporary: bool,
    pub unlogged: bool,
    pub row_security: bool,
    pub has_children: bool,
    /// The partitioned table whose partition this is.
    pub root: Option<TableName>,
    /// These two are for the capture; a role that finds the table captured reads the log alone.
    pub may_use_schema: bool,
    /// To capture it; once it is captured that is no longer needed.
    pub may_select: bool,
    /// Whether the rows that are there can be read.
    pub reads_rows: bool,
    /// Row-level security would leave some of them out.
    pub rows_are_secured: bool,
    /// This table and those below it on which the role may not create the triggers that are still
    /// to create.
    pub lacks_trigger: Vec<TableName>,
    pub role: String,
}

/// A column with what matters for keys.
#[derive(Clone, Debug)]
pub struct ColumnFacts {
    pub column: Column,
    pub nullable: bool,
}

/// A unique index on columns alone, without a condition.
#[derive(Clone, Debug)]
pub struct UniqueIndex {
    pub primary: bool,
    pub deferrable: bool,
    pub columns: Vec<String>,
}

const RELATIONS: &str = "
with recursive wanted as (
  select place, c.*, n.nspname, exists (
    select from pg_catalog.pg_trigger t
    join pg_catalog.pg_proc p on p.oid = t.tgfoid
    join pg_catalog.pg_namespace own on own.oid = p.pronamespace
    where t.tgrelid = c.oid and own.nspname = 'rowcast') as is_watched
  from unnest($1::text[], $2::text[]) with ordinality as names(schema, name, place)
  join pg_catalog.pg_namespace n on n.nspname = names.schema
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = names.name
), tree(top, oid) as (
  select oid, oid from wanted
  union
  select tree.top, inhrelid from tree join pg_catalog.pg_inherits on inhparent = tree.oid
), untriggered as (
  select tree.top, c.oid, c.relname, n.nspname
  from tree
  join pg_catalog.pg_class c on c.oid = tree.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and not pg_catalog.has_table_privilege(c.oid, 'TRIGGER')
    and not exists (
      select from pg_catalog.pg_trigger t
      join pg_catalog.pg_proc p on p.oid = t.tgfoid
      join pg_catalog.pg_namespace own on own.oid = p.pronamespace
      where t.tgrelid = c.oid and own.nspname = 'rowcast')
)
select wanted.place - 1 as place,
  wanted.oid,
  wanted.relkind::text as kind,
  wanted.relpersistence = 't' as temporary,
  wanted.relpersistence = 'u' as unlogged,
  wanted.relrowsecurity as row_security,
  exists (select from pg_catalog.pg_inherits where inhparent = wanted.oid) as has_children,
  root_space.nspname::text as root_schema,
  root.relname::text as root_name,
  is_watched or pg_catalog.has_schema_privilege(wanted.relnamespace, 'USAGE') as may_use_schema,
  is_watched or pg_catalog.has_table_privilege(wanted.oid, 'SELECT') as may_select,
  pg_catalog.has_table_privilege(wanted.oid, 'SELECT') as reads_rows,
  pg_catalog.row_security_active(wanted.oid) as rows_are_secured,
  array(select nspname::text from untriggered u where u.top = wanted.oid order by u.oid)
    as lacking_schemas,
  array(select relname::text from untriggered u where u.top = wanted.oid order by u.oid)
    as lacking_names,
  current_user::text as role
from wanted
left join pg_catalog.pg_class root
  on wanted.relispartition and root.oid = pg_catalog.pg_partition_root(wanted.oid)
left join pg_catalog.pg_namespace root_space on root_space.oid = root.relnamespace";

/// The relations that have these names, by the names' places.
pub async fn relations(
    client: &Client,
    names: &[TableName],
) -> Result<HashMap<usize, Relation>, Error> {
    let schemas: Vec<&str> = names.iter().map(|name| name.schema.as_str()).collect();
    let tables: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
    let rows = client
        .query_typed(RELATIONS, &[(&schemas, Type::TEXT_ARRAY), (&tables, Type::TEXT_ARRAY)])
        .await?;
    rows.iter()
        .map(|row| {
            let place: i64 = row.try_get("place")?;
            let place = usize::try_from(place).expect("ordinality counts from 1");
            Ok((place, relation(row)?))
        })
        .collect()
}

fn relation(row: &tokio_postgres::Row) -> Result<Relation, Error> {
    let root: Option<String> = row.try_get("root_schema")?;
    let root_name: Option<String> = row.try_get("root_name")?;
    let lacking_schemas: Vec<String> = row.try_get("lacking_schemas")?;
    let lacking_names: Vec<String> = row.try_get("lacking_names")?;
    let lacking = lacking_schemas.into_iter().zip(lacking_names);
    Ok(Relation {
        oid: row.try_get("oid")?,
        kind: row.try_get("kind")?,
        temporary: row.try_get("temporary")?,
        unlogged: row.try_get("unlogged")?,
        row_security: row.try_get("row_security")?,
        has_children: row.try_get("has_children")?,
        root: root.zip(root_name).map(|(schema, name)| TableName { schema, name }),
        may_use_schema: row.try_get("may_use_schema")?,
        may_select: row.try_get("may_select")?,
        reads_rows: row.try_get("reads_rows")?,
        rows_are_secured: row.try_get("rows_are_secured")?,
        lacks_trigger: lacking.map(|(schema, name)| TableName { schema, name }).collect(),
        role: row.try_get("role")?,
    })
}

const COLUMNS: &str = "
select attrelid as oid, attname::text as name, attnum as number, not attnotnull as nullable,
  pg_catalog.format_type(atttypid, atttypmod) as type,
  nullif(nullif(attcollation, 0), 100) as own_collation
from pg_catalog.pg_attribute
where attrelid = any ($1::oid[]) and attnum > 0 and not attisdropped and attgenerated <> 'v'
order by attrelid, attnum";

/// The columns of these relations, each in its table's order. Not the virtual ones: their values are
/// computed when they are read, and triggers don't have them.
pub async fn columns(
    client: &Client,
    oids: &[u32],
) -> Result<HashMap<u32, Vec<ColumnFacts>>, Error> {
    let mut types = types(client, oids).await?;
    let mut columns: HashMap<u32, Vec<ColumnFacts>> = HashMap::new();
    for row in client.query_typed(COLUMNS, &[(&oids, Type::OID_ARRAY)]).await? {
        let (oid, number) = (row.try_get("oid")?, row.try_get("number")?);
        let column = Column {
            name: row.try_get("name")?,
            number,
            type_name: row.try_get("type")?,
            // Of a column that came between the two queries nothing is known.
            data_type: types.remove(&(oid, number)).unwrap_or(DataType::Other),
            collation: row.try_get("own_collation")?,
        };
        let facts = ColumnFacts { column, nullable: row.try_get("nullable")? };
        columns.entry(oid).or_default().push(facts);
    }
    Ok(columns)
}

const UNIQUE_INDEXES: &str = "
select i.indrelid as oid, i.indisprimary as is_primary, not i.indimmediate as deferrable,
  array(
    select a.attname::text
    from unnest(i.indkey::int2[]) with ordinality as k(number, place)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
    where k.place <= i.indnkeyatts
    order by k.place) as columns
from pg_catalog.pg_index i
where i.indrelid = any ($1::oid[])
  and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
order by i.indrelid, i.indisprimary desc, i.indexrelid";

/// What identifies the rows of these relations; a primary key comes first.
pub async fn unique_indexes(
    client: &Client,
    oids: &[u32],
) -> Result<HashMap<u32, Vec<UniqueIndex>>, Error> {
    let mut indexes: HashMap<u32, Vec<UniqueIndex>> = HashMap::new();
    for row in client.query_typed(UNIQUE_INDEXES, &[(&oids, Type::OID_ARRAY)]).await? {
        let index = UniqueIndex {
            primary: row.try_get("is_primary")?,
            deferrable: row.try_get("deferrable")?,
            columns: row.try_get("columns")?,
        };
        indexes.entry(row.try_get("oid")?).or_default().push(index);
    }
    Ok(indexes)
}

const INDEXED: &str = "
select indrelid as oid, indkey[0] as number
from pg_catalog.pg_index
where indrelid = any ($1::oid[]) and indisvalid and indpred is null and indkey[0] <> 0";

/// The numbers of the columns that some index begins with, by relation.
pub async fn indexed(client: &Client, oids: &[u32]) -> Result<HashMap<u32, BTreeSet<i16>>, Error> {
    let mut indexed: HashMap<u32, BTreeSet<i16>> = HashMap::new();
    for row in client.query_typed(INDEXED, &[(&oids, Type::OID_ARRAY)]).await? {
        indexed.entry(row.try_get("oid")?).or_default().insert(row.try_get("number")?);
    }
    Ok(indexed)
}

const CANDIDATES: &str = "
select n.nspname::text as schema, c.relname::text as name
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence <> 't' and not c.relispartition
  and n.nspname not in ('information_schema', 'rowcast') and n.nspname !~ '^pg_'
order by 1, 2
limit $1";

/// The tables that could have been meant.
pub async fn candidates(client: &Client) -> Result<Vec<TableName>, Error> {
    let rows = client.query_typed(CANDIDATES, &[(&MAX_CANDIDATES, Type::INT8)]).await?;
    let name = |row: &tokio_postgres::Row| {
        Ok(TableName { schema: row.try_get(0)?, name: row.try_get(1)? })
    };
    rows.iter().map(name).collect()
}
