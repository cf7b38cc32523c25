//! What the columns of tables hold, as PostgreSQL's catalogs tell it: domains resolved, enums with their labels, the
//! collations' behaviour.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::{Collation, DataType, EnumType, Scalar};

/// Which column: its table, and its number there.
pub type ColumnId = (u32, i16);

/// Each column's type below its domains and, once, below an array. The catalogs of the collations differ between
/// PostgreSQL's versions (`datlocprovider` came with 15, `datlocale` with 17), so they are looked at as JSON.
///
/// A type with a cast to JSON of its own is in the log as that cast writes it.
const TYPES: &str = "
with recursive resolved (relation, number, type, in_array) as (
  select attrelid, attnum, atttypid, false
  from pg_catalog.pg_attribute
  where attrelid = any ($1::oid[]) and attnum > 0 and not attisdropped
  union all
  select relation, number, case when typtype = 'd' then typbasetype else typelem end,
    in_array or typtype <> 'd'
  from resolved join pg_catalog.pg_type t on t.oid = type
  where typtype = 'd' or (not in_array and exists (
    select from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid))
), leaf as (
  select distinct on (relation, number) *
  from resolved join pg_catalog.pg_type t on t.oid = type
  where typtype <> 'd'
  order by relation, number, in_array desc
), own_default as (
  select coalesce(about ->> 'datlocprovider', 'c') as provider,
    about ->> 'datcollate' as collate, about ->> 'datctype' as ctype,
    coalesce(about ->> 'datlocale', about ->> 'daticulocale') as locale
  from (select to_jsonb(d) as about from pg_catalog.pg_database d
        where datname = pg_catalog.current_database()) as this
)
select leaf.relation, leaf.number, leaf.type, in_array,
  typtype = 'e' as is_enum,
  pg_catalog.format('%I.%I', nspname, typname) as enum_name,
  array(select enumlabel::text from pg_catalog.pg_enum
        where enumtypid = leaf.type order by enumsortorder) as labels,
  exists (select from pg_catalog.pg_cast
          where castsource = leaf.type and casttarget = 'pg_catalog.json'::pg_catalog.regtype
            and castmethod = 'f') as has_own_json,
  pg_catalog.getdatabaseencoding()::text as encoding,
  coalesce(collisdeterministic, true) as deterministic,
  case when collprovider = 'd' then own_default.provider else collprovider::text end as provider,
  case when collprovider = 'd' then own_default.collate else about ->> 'collcollate' end as collate,
  case when collprovider = 'd' then own_default.ctype else about ->> 'collctype' end as ctype,
  case when collprovider = 'd' then own_default.locale
       else coalesce(about ->> 'colllocale', about ->> 'colliculocale') end as locale
from leaf
join pg_catalog.pg_namespace n on n.oid = typnamespace
join pg_catalog.pg_attribute a on a.attrelid = leaf.relation and a.attnum = leaf.number
left join (select c.*, to_jsonb(c) as about from pg_catalog.pg_collation c) as c
  on c.oid = a.attcollation
cross join own_default";

/// What the columns of these relations hold.
pub async fn types(client: &Client, oids: &[u32]) -> Result<HashMap<ColumnId, DataType>, Error> {
    let rows = client.query_typed(TYPES, &[(&oids, Type::OID_ARRAY)]).await?;
    let typed =
        |row: &Row| Ok(((row.try_get("relation")?, row.try_get("number")?), data_type(row)?));
    rows.iter().map(typed).collect()
}

fn data_type(row: &Row) -> Result<DataType, Error> {
    let is_array: bool = row.try_get("in_array")?;
    Ok(match scalar(row)? {
        Some(scalar) if is_array => DataType::Array(scalar),
        Some(scalar) => DataType::Scalar(scalar),
        None => DataType::Other,
    })
}

fn scalar(row: &Row) -> Result<Option<Scalar>, Error> {
    if row.try_get("has_own_json")? {
        return Ok(None);
    }
    if row.try_get("is_enum")? {
        let (name, labels) = (row.try_get("enum_name")?, row.try_get("labels")?);
        return Ok(Some(Scalar::Enum(Arc::new(EnumType { name, labels }))));
    }
    let encoding = Encoding::named(row.try_get("encoding")?);
    let collation = collation(row, encoding)?;
    Ok(built_in(row.try_get("type")?, collation).filter(|scalar| encoding.can_hold(scalar)))
}

fn built_in(oid: u32, collation: Collation) -> Option<Scalar> {
    Some(match Type::from_oid(oid)? {
        Type::BOOL => Scalar::Bool,
        Type::INT2 => Scalar::Int2,
        Type::INT4 => Scalar::Int4,
        Type::INT8 => Scalar::Int8,
        Type::NUMERIC => Scalar::Numeric,
        Type::FLOAT4 => Scalar::Float4,
        Type::FLOAT8 => Scalar::Float8,
        Type::TEXT | Type::VARCHAR => Scalar::Text(collation),
        Type::BPCHAR => Scalar::Char(collation),
        Type::UUID => Scalar::Uuid,
        Type::DATE => Scalar::Date,
        Type::TIME => Scalar::Time,
        Type::TIMESTAMP => Scalar::Timestamp,
        Type::TIMESTAMPTZ => Scalar::Timestamptz,
        Type::INTERVAL => Scalar::Interval,
        Type::BYTEA => Scalar::Bytea,
        Type::JSON => Scalar::Json,
        Type::JSONB => Scalar::Jsonb,
        Type::INET => Scalar::Inet,
        _ => return None,
    })
}

/// How the database's bytes relate to the characters that the log is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    /// Each character is one of Unicode's, but their order by bytes may be another.
    OneToOne,
    /// What is a character, the server doesn't know, or a character may become two.
    Loose,
}

impl Encoding {
    fn named(name: &str) -> Self {
        match name {
            "UTF8" => Encoding::Utf8,
            "SQL_ASCII" | "MULE_INTERNAL" | "EUC_JIS_2004" | "SHIFT_JIS_2004" => Encoding::Loose,
            _ => Encoding::OneToOne,
        }
    }

    /// Whether the type's values are the same here as in the database: a text's length, for one.
    fn can_hold(self, scalar: &Scalar) -> bool {
        let has_text =
            matches!(scalar, Scalar::Text(_) | Scalar::Char(_) | Scalar::Json | Scalar::Jsonb);
        self != Encoding::Loose || !has_text
    }
}

/// Bytes decide, and ASCII letters alone have a case: locale `C` of the C library, or of the builtin provider. The
/// builtin `C.UTF-8` has the same order, but knows the case of all letters.
fn collation(row: &Row, encoding: Encoding) -> Result<Collation, Error> {
    if !row.try_get("deterministic")? {
        return Ok(Collation::Nondeterministic);
    }
    let is_c = |name: &str| Ok::<_, Error>(matches!(row.try_get(name)?, Some("C" | "POSIX")));
    let by_bytes = match row.try_get("provider")? {
        Some("c") => is_c("collate")? && is_c("ctype")?,
        Some("b") => row.try_get::<_, Option<&str>>("locale")? == Some("C"),
        _ => false,
    };
    Ok(match encoding {
        Encoding::Utf8 if by_bytes => Collation::C,
        _ => Collation::Deterministic,
    })
}
