//! Column types as predicates need them: domains resolved to what they are over, enums with their labels, and
//! what is known of a text's collation.

use std::sync::Arc;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    Scalar(Scalar),
    /// An array of any number of dimensions; its lower bounds aren't in the log.
    Array(Scalar),
    /// A type that predicates know nothing of.
    Other,
}

/// A type of single values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    Bool,
    Int2,
    Int4,
    Int8,
    Numeric,
    Float4,
    Float8,
    /// `text` and `character varying`, whose operators are text's.
    Text(Collation),
    /// `character(n)`: trailing spaces don't count.
    Char(Collation),
    Uuid,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    Bytea,
    Enum(Arc<EnumType>),
    Json,
    Jsonb,
    Inet,
}

/// How far comparisons of text can be reproduced outside of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collation {
    /// By bytes; only ASCII letters have a case: `C`, `POSIX`.
    C,
    /// Equal if the bytes are; what comes first, and what is a capital letter, the server's libraries know.
    Deterministic,
    /// Not even equality can be told.
    Nondeterministic,
}

/// An enum: its name as SQL writes it, quoted where needed, and its labels in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumType {
    pub name: String,
    pub labels: Vec<String>,
}

impl DataType {
    /// The built-in type that `format_type` prints so, its text in a deterministic collation.
    pub fn named(type_name: &str) -> Self {
        match type_name.strip_suffix("[]") {
            Some(element) => Scalar::named(element).map_or(DataType::Other, DataType::Array),
            None => Scalar::named(type_name).map_or(DataType::Other, DataType::Scalar),
        }
    }
}

impl Scalar {
    fn named(type_name: &str) -> Option<Self> {
        let plain = match (type_name.find('('), type_name.find(')')) {
            (Some(start), Some(end)) => [&type_name[..start], &type_name[end + 1..]].concat(),
            _ => type_name.to_owned(),
        };
        Some(match plain.as_str() {
            "boolean" => Scalar::Bool,
            "smallint" => Scalar::Int2,
            "integer" => Scalar::Int4,
            "bigint" => Scalar::Int8,
            "numeric" => Scalar::Numeric,
            "real" => Scalar::Float4,
            "double precision" => Scalar::Float8,
            "text" | "character varying" => Scalar::Text(Collation::Deterministic),
            "character" => Scalar::Char(Collation::Deterministic),
            "uuid" => Scalar::Uuid,
            "date" => Scalar::Date,
            "time without time zone" => Scalar::Time,
            "timestamp without time zone" => Scalar::Timestamp,
            "timestamp with time zone" => Scalar::Timestamptz,
            "interval" => Scalar::Interval,
            "bytea" => Scalar::Bytea,
            "json" => Scalar::Json,
            "jsonb" => Scalar::Jsonb,
            "inet" => Scalar::Inet,
            _ => return None,
        })
    }
}
