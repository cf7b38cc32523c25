//! The answer of `GET /v1/tables`.

use serde_json::{Value, json};

use crate::policy::{Served, ServedTable};

/// The tables that may be read, with their visible columns.
pub fn tables(served: &Served) -> Vec<u8> {
    let tables: Vec<Value> = served.tables().map(table).collect();
    json!({ "tables": tables }).to_string().into_bytes()
}

fn table(served: &ServedTable) -> Value {
    let table = served.table();
    let columns: Vec<Value> = served
        .visible_columns()
        .map(|column| json!({ "name": column.name, "type": column.type_name }))
        .collect();
    json!({ "name": table.listed_as, "schema": table.schema, "key": table.key, "columns": columns })
}
