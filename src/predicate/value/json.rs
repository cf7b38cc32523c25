//! JSON trees: `jsonb`.

use super::Numeric;

/// How deep JSON may be nested; what is deeper is undecidable.
pub const MAX_JSON_DEPTH: usize = 256;

/// A `jsonb` value. An object's keys are unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Json {
    Null,
    Bool(bool),
    Number(Numeric),
    String(Box<str>),
    Array(Vec<Json>),
    /// By key length, then by bytes, as PostgreSQL stores and prints it.
    Object(Vec<(Box<str>, Json)>),
}
