//! What a subscription asks for.

use serde_json::Value;

/// A table as a client wants to see it: narrowed to columns and rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// As the client writes it.
    pub table: String,
    /// Only these columns, and the key.
    pub columns: Option<Vec<String>>,
    /// A predicate over the columns that are always visible to this client.
    pub filter: Option<String>,
    /// The filter's `$1`, `$2`, …
    pub params: Vec<Value>,
}

impl Request {
    /// All that may be seen of the table.
    pub fn whole(table: &str) -> Self {
        Self { table: table.to_owned(), columns: None, filter: None, params: Vec::new() }
    }
}
