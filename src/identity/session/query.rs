//! The configured query as it is run.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

/// What stands before the configured query.
pub const BEFORE: &str = "select to_json(session)::text from (\n";

/// The row of the configured query as JSON. Of more than one row, two are enough to know.
pub fn wrapped(query: &str) -> String {
    let query = query.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    format!("{BEFORE}{query}\n) as session limit 2")
}

/// A value of whatever type PostgreSQL expects, in the form in which people write it.
#[derive(Debug)]
pub struct AsText<'a>(pub &'a str);

impl ToSql for AsText<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}
