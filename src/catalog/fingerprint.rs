//! Whether anything about the watched tables has changed: one cheap query, asked again and again.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

/// All that the catalog, and the capture, know of a table: it, its children and their triggers, its columns, and the types
/// that these consist of. A partition's columns are those of its root.
const FINGERPRINTS: &str = "
with recursive members (top, relation) as (
  select oid, oid from unnest($1::oid[]) as oid
  union
  select top, inhrelid from members join pg_catalog.pg_inherits on inhparent = relation
), relations as (
  select top, c.* from members join pg_catalog.pg_class c on c.oid = relation
), attributes as (
  select top, a.*
  from relations r join pg_catalog.pg_attribute a on a.attrelid = r.oid
  where not r.relispartition and attnum > 0 and not attisdropped
), types (top, type) as (
  select top, atttypid from attributes
  union
  select top, part
  from types join pg_catalog.pg_type t on t.oid = type cross join lateral (
    select typelem where typlen = -1
    union all select typbasetype
    union all select rngsubtype from pg_catalog.pg_range where rngtypid = type
    union all select atttypid from pg_catalog.pg_attribute
      where attrelid = typrelid and attnum > 0 and not attisdropped
  ) as parts (part)
  where part <> 0
), facts (top, fact) as (
  select top, row(oid, relnamespace, relname, relkind, relpersistence, relrowsecurity)::text
  from relations
  union all
  select top, row(n.oid, nspname)::text
  from relations r join pg_catalog.pg_namespace n on n.oid = relnamespace
  union all
  select top, row(attrelid, attnum, attname, atttypid, atttypmod, attcollation, attnotnull,
    attgenerated)::text
  from attributes
  union all
  select top, row(t.oid, typname, typnamespace, typtype)::text
  from types join pg_catalog.pg_type t on t.oid = type
  union all
  select top, row(enumtypid, enumsortorder, enumlabel)::text
  from types join pg_catalog.pg_enum on enumtypid = type
  union all
  select top, row(castsource, castfunc)::text
  from types join pg_catalog.pg_cast on castsource = type
  where casttarget = 'pg_catalog.json'::pg_catalog.regtype
  union all
  select top, row(indexrelid, indkey, indisprimary, indisvalid, indimmediate, indpred is null,
    indexprs is null)::text
  from relations r join pg_catalog.pg_index on indrelid = r.oid
  where indisunique and r.oid = top
  union all
  select top, row(tgrelid, tgname, tgenabled, tgnargs)::text
  from members join pg_catalog.pg_trigger on tgrelid = relation
  where tgname like '!rowcast%'
)
select top, pg_catalog.md5(pg_catalog.string_agg(fact, ',' order by fact)) as fingerprint
from facts group by top";

/// What is equal as long as nothing about the table changes; none for a table that isn't there.
pub async fn fingerprints(client: &Client, oids: &[u32]) -> Result<HashMap<u32, String>, Error> {
    let rows = client.query_typed(FINGERPRINTS, &[(&oids, Type::OID_ARRAY)]).await?;
    rows.iter().map(|row| Ok((row.try_get("top")?, row.try_get("fingerprint")?))).collect()
}
