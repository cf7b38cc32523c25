//! The answer of `GET /v1/tables`.

use serde_json::{Value, json};

use crate::catalog::Column;
use crate::identity::Claims;
use crate::policy::{Listed, Served};

/// The tables that someone with these claims may read, with their visible columns.
pub fn tables(served: &Served, claims: &Claims) -> Vec<u8> {
    let tables: Vec<Value> = served.tables_for(claims).map(table).collect();
    json!({ "tables": tables }).to_string().into_bytes()
}

fn table(Listed { table, columns }: Listed<'_>) -> Value {
    let columns: Vec<Value> = columns.into_iter().map(column).collect();
    json!({ "name": table.listed_as, "schema": table.schema, "key": table.key, "columns": columns })
}

/// Writes columns the same way elsewhere.
pub(super) fn write_columns<'c>(out: &mut Vec<u8>, columns: impl Iterator<Item = &'c Column>) {
    let columns: Vec<Value> = columns.map(column).collect();
    serde_json::to_writer(out, &columns).expect("values can always be written to memory");
}

fn column(column: &Column) -> Value {
    json!({ "name": column.name, "type": column.type_name })
}
