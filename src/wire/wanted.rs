//! What a subscription asks for, over whichever transport, and how much of it there may be.

use serde_json::Value;

use super::Refusal;
use crate::policy::Request;

/// The longest name of a table or a column in bytes: an error repeats it.
const MAX_NAME_BYTES: usize = 256;
/// The most columns that a subscription may name.
const MAX_COLUMNS: usize = 1_600;
/// The longest `where` in bytes.
const MAX_WHERE_BYTES: usize = 32 << 10;
/// The most `params`.
const MAX_PARAMS: usize = 1_000;

/// A request within its bounds; the tables are still to be asked whether there is such a thing.
pub fn wanted(
    table: String,
    columns: Option<Vec<String>>,
    filter: Option<String>,
    params: Vec<Value>,
) -> Result<Request, Refusal> {
    let wrong = |name: &str, what: &str| Err(Refusal::invalid(format!("\"{name}\" {what}")));
    if table.len() > MAX_NAME_BYTES {
        return wrong("table", "is too long");
    }
    let named = columns.as_deref().unwrap_or_default();
    if named.len() > MAX_COLUMNS || named.iter().any(|name| name.len() > MAX_NAME_BYTES) {
        return wrong("columns", "names too many, or one that is too long");
    }
    if filter.as_ref().is_some_and(|filter| filter.len() > MAX_WHERE_BYTES) {
        return wrong("where", &format!("is longer than {MAX_WHERE_BYTES} bytes"));
    }
    if params.len() > MAX_PARAMS {
        return wrong("params", &format!("has more than {MAX_PARAMS} values"));
    }
    if filter.is_none() && !params.is_empty() {
        return wrong("params", "is given without \"where\"");
    }
    Ok(Request { table, columns, filter, params })
}
