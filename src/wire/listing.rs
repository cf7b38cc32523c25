//! The answer of `GET /v1/tables`.

use serde_json::{Value, json};

use crate::catalog::Column;
use crate::policy::{Served, ServedTable};

/// The tables that may be read, with their visible columns.
pub fn tables(served: &Served) -> Vec<u8> {
    let tables: Vec<Value> = served.tables().map(table).collect();
    json!({ "tables": tables }).to_string().into_bytes()
}

fn table(served: &ServedTable) -> Value {
    let table = served.table();
    let columns: Vec<Value> = served.visible_columns().map(column).collect();
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
