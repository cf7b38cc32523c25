//! Comparisons.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::Value;
use crate::predicate::Key;

/// The order that the B-tree operators have for two values of one type (text: by bytes), or of `real` with
/// `double precision` and of dates with timestamps; none for what has no order.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// PostgreSQL's `=`; none for what has no equality (json).
pub fn equal(left: &Value, right: &Value) -> Option<bool> {
    compare(left, right).map(Ordering::is_eq)
}

/// Bytes that are the same for equal values of one type, and only for those; none for json and jsonb.
pub fn key(value: &Value) -> Option<Key> {
    match value {
        Value::Int(int) => Some(Key::new(int.to_be_bytes().to_vec())),
        _ => None,
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        use Value::{
            Array, Bool, Bytea, Char, Date, Enum, Float4, Float8, Inet, Int, Interval, Json, Jsonb,
            Numeric, Text, Time, Timestamp, Timestamptz, Uuid,
        };
        match (self, other) {
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b))
            | (Time(a), Time(b))
            | (Timestamp(a), Timestamp(b))
            | (Timestamptz(a), Timestamptz(b)) => a == b,
            (Numeric(a), Numeric(b)) => a == b,
            (Float4(a), Float4(b)) => a.to_bits() == b.to_bits(),
            (Float8(a), Float8(b)) => a.to_bits() == b.to_bits(),
            (Text(a), Text(b)) | (Char(a), Char(b)) | (Json(a), Json(b)) => a == b,
            (Uuid(a), Uuid(b)) => a == b,
            (Date(a), Date(b)) => a == b,
            (Interval(a), Interval(b)) => a == b,
            (Bytea(a), Bytea(b)) => a == b,
            (Enum(of, a), Enum(other, b)) => a == b && of == other,
            (Jsonb(a), Jsonb(b)) => a == b,
            (Inet(a), Inet(b)) => a == b,
            (Array(a), Array(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Value::Bool(it) => it.hash(state),
            Value::Int(it) | Value::Time(it) | Value::Timestamp(it) | Value::Timestamptz(it) => {
                it.hash(state)
            }
            Value::Numeric(it) => it.hash(state),
            Value::Float4(it) => it.to_bits().hash(state),
            Value::Float8(it) => it.to_bits().hash(state),
            Value::Text(it) | Value::Char(it) | Value::Json(it) => it.hash(state),
            Value::Uuid(it) => it.hash(state),
            Value::Date(it) => it.hash(state),
            Value::Interval(it) => it.hash(state),
            Value::Bytea(it) => it.hash(state),
            Value::Enum(_, at) => at.hash(state),
            Value::Jsonb(it) => it.hash(state),
            Value::Inet(it) => it.hash(state),
            Value::Array(it) => it.hash(state),
        }
    }
}
