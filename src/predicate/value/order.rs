//! Comparisons.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::Value;
use super::time::DAY_MICROS;
use crate::predicate::Key;

/// The order that the B-tree operators have for two values of one type (text: by bytes), or of `real` with
/// `double precision` and of dates with timestamps; none for what has no order here (json, jsonb).
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Int(left), Value::Int(right))
        | (Value::Time(left), Value::Time(right))
        | (Value::Timestamp(left), Value::Timestamp(right))
        | (Value::Timestamptz(left), Value::Timestamptz(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Char(left), Value::Char(right)) => unpadded(left).cmp(unpadded(right)),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Numeric(left), Value::Numeric(right)) => left.compare(right),
        (Value::Uuid(left), Value::Uuid(right)) => left.cmp(right),
        (Value::Interval(left), Value::Interval(right)) => left.compare(right),
        (Value::Bytea(left), Value::Bytea(right)) => left.cmp(right),
        (Value::Enum(left, at), Value::Enum(right, other)) if left == right => at.cmp(other),
        (Value::Inet(left), Value::Inet(right)) => left.compare(right),
        (Value::Array(left), Value::Array(right)) => return left.compare(right),
        _ => match (float(left), float(right)) {
            (Some(left), Some(right)) => compare_floats(left, right),
            _ => instant(left)?.cmp(&instant(right)?),
        },
    })
}

/// PostgreSQL's `=`; none for what has no equality (json).
pub fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Jsonb(left), Value::Jsonb(right)) => Some(left.equal(right)),
        (Value::Array(left), Value::Array(right)) => left.equal(right),
        (Value::Text(left), Value::Text(right)) => Some(left == right),
        _ => compare(left, right).map(Ordering::is_eq),
    }
}

/// Bytes that are the same for equal values of one type, and only for those; none for json and jsonb.
pub fn key(value: &Value) -> Option<Key> {
    Some(match value {
        Value::Int(it) | Value::Time(it) | Value::Timestamp(it) | Value::Timestamptz(it) => {
            Key::new(&it.to_be_bytes())
        }
        Value::Text(it) => Key::new(it.as_bytes()),
        Value::Uuid(it) => Key::new(it),
        other => {
            let mut bytes = Vec::with_capacity(16);
            put_key(other, &mut bytes)?;
            Key::new(&bytes)
        }
    })
}

fn put_key(value: &Value, key: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Bool(it) => key.push(u8::from(*it)),
        Value::Int(it) | Value::Time(it) | Value::Timestamp(it) | Value::Timestamptz(it) => {
            key.extend_from_slice(&it.to_be_bytes())
        }
        Value::Numeric(it) => it.put_key(key),
        Value::Float4(it) => key.extend_from_slice(&canonical(f64::from(*it)).to_be_bytes()),
        Value::Float8(it) => key.extend_from_slice(&canonical(*it).to_be_bytes()),
        Value::Text(it) => key.extend_from_slice(it.as_bytes()),
        Value::Char(it) => key.extend_from_slice(unpadded(it)),
        Value::Uuid(it) => key.extend_from_slice(it),
        Value::Date(it) => key.extend_from_slice(&it.to_be_bytes()),
        Value::Interval(it) => key.extend_from_slice(&it.span().to_be_bytes()),
        Value::Bytea(it) => key.extend_from_slice(it),
        Value::Enum(_, at) => key.extend_from_slice(&at.to_be_bytes()),
        Value::Inet(it) => it.put_key(key),
        Value::Array(it) => {
            key.extend(it.dimensions().iter().flat_map(|length| length.to_be_bytes()));
            for element in it.elements() {
                put_element_key(element.as_ref(), key)?;
            }
        }
        Value::Json(_) | Value::Jsonb(_) | Value::NullOrJsonNull => return None,
    }
    Some(())
}

fn put_element_key(element: Option<&Value>, key: &mut Vec<u8>) -> Option<()> {
    let mut bytes = Vec::new();
    key.push(u8::from(element.is_some()));
    if let Some(element) = element {
        put_key(element, &mut bytes)?;
        key.extend_from_slice(&bytes.len().to_be_bytes());
        key.extend_from_slice(&bytes);
    }
    Some(())
}

/// Without the spaces that don't count in a `character(n)`.
pub(super) fn unpadded(text: &str) -> &[u8] {
    text.trim_end_matches(' ').as_bytes()
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float4(it) => Some(f64::from(*it)),
        Value::Float8(it) => Some(*it),
        _ => None,
    }
}

fn compare_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

fn canonical(float: f64) -> u64 {
    if float.is_nan() {
        f64::NAN.to_bits()
    } else if float == 0.0 {
        0
    } else {
        float.to_bits()
    }
}

/// Microseconds in UTC, the infinities at both ends.
fn instant(value: &Value) -> Option<i128> {
    match value {
        Value::Timestamp(it) | Value::Timestamptz(it) => Some(match *it {
            i64::MIN => i128::MIN,
            i64::MAX => i128::MAX,
            micros => i128::from(micros),
        }),
        Value::Date(it) => Some(match *it {
            i32::MIN => i128::MIN,
            i32::MAX => i128::MAX,
            days => i128::from(days) * i128::from(DAY_MICROS),
        }),
        _ => None,
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        use Value::{
            Array, Bool, Bytea, Char, Date, Enum, Float4, Float8, Inet, Int, Interval, Json, Jsonb,
            NullOrJsonNull, Numeric, Text, Time, Timestamp, Timestamptz, Uuid,
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
            (NullOrJsonNull, NullOrJsonNull) => true,
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
            Value::NullOrJsonNull => {}
            Value::Jsonb(it) => it.hash(state),
            Value::Inet(it) => it.hash(state),
            Value::Array(it) => it.hash(state),
        }
    }
}
