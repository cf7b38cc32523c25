//! Whether the table is still the one of which the view was made: columns are told by their numbers, as names may
//! have been given to others.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::statement::needed;
use crate::catalog::TableName;
use crate::policy::View;

/// The same relation under the same name, whose columns are the same.
const COLUMNS: &str = "
    select attname::pg_catalog.text, attnum, pg_catalog.format_type(atttypid, atttypmod)
      from pg_catalog.pg_attribute
     where attrelid = $1 and attnum > 0 and not attisdropped
       and attrelid = pg_catalog.to_regclass($2)::pg_catalog.oid";

/// To be asked while the table is locked, so that what is true stays so.
pub async fn is_as_known(client: &Client, view: &View, relation: u32) -> Result<bool, Error> {
    let table = view.served().table();
    let name = TableName { schema: table.schema.clone(), name: table.name.clone() }.sql();
    let rows = client.query_typed(COLUMNS, &[(&relation, Type::OID), (&name, Type::TEXT)]).await?;
    let mut found = HashMap::new();
    for row in &rows {
        let (name, number, type_name): (String, i16, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        found.insert(name, (number, type_name));
    }
    Ok(needed(view, false).all(|column| {
        found.get(&column.name).is_some_and(|(number, type_name)| {
            *number == column.number && *type_name == column.type_name
        })
    }))
}
