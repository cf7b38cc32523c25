//! What an index of predicates needs: `column = constant`.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use super::ast::{Comparison, Constant, Term, Test};
use super::fold;
use super::parse::Test as IsTest;
use super::value::{self, Value};
use crate::catalog::{DataType, Scalar};

/// Which rows a predicate can be true for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any: it has to be evaluated.
    Scan,
    /// Only rows that have, for at least one of these, this key in the column at this position.
    Keys(Vec<(usize, Key)>),
    Never,
}

/// A value such that equal values of the column's type have equal keys, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Bytes);

/// Made for every change: few keys are long.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bytes {
    /// The rest is zeros.
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

/// What makes a key as large as three words.
const SHORT: usize = 22;

impl Key {
    pub(super) fn new(bytes: &[u8]) -> Self {
        match u8::try_from(bytes.len()) {
            Ok(len) if bytes.len() <= SHORT => {
                let mut short = [0; SHORT];
                short[..bytes.len()].copy_from_slice(bytes);
                Self(Bytes::Short(len, short))
            }
            _ => Self(Bytes::Long(bytes.into())),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Short(len, bytes) => &bytes[..usize::from(*len)],
            Bytes::Long(bytes) => bytes,
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// More keys than these are no index any more.
const MAX_KEYS: usize = 1_000;

/// The rows for which a test can be true.
pub(super) fn access(test: &Test) -> Access {
    if fold::is_never_true(test) {
        return Access::Never;
    }
    match test {
        Test::Compare(Comparison::Equal, left, right)
        | Test::Distinct { not: true, left, right } => equality(left, right),
        Test::OneOf { item, set, .. } => bounded(set.iter().map(|value| key(item, value))),
        Test::Any {
            item,
            array: Term::Constant(Constant { value: Some(Value::Array(array)), .. }),
        } => {
            let known = array.elements().iter().flatten();
            bounded(known.map(|value| key(item, value)))
        }
        Test::And(tests) => tests.iter().map(access).min_by_key(cost).unwrap_or(Access::Scan),
        Test::Or(tests) => tests.iter().map(access).reduce(united).unwrap_or(Access::Never),
        Test::Is(IsTest::True, test) => access(test),
        _ => Access::Scan,
    }
}

fn equality(left: &Term, right: &Term) -> Access {
    match (left, right) {
        (column, Term::Constant(Constant { value: Some(value), .. }))
        | (Term::Constant(Constant { value: Some(value), .. }), column) => {
            bounded(std::iter::once(key(column, value)))
        }
        _ => Access::Scan,
    }
}

/// The key, if the comparison is of a column's own values.
fn key(item: &Term, value: &Value) -> Option<(usize, Key)> {
    match item {
        Term::Column(column) if is_of(value, &column.of) => Some((column.at, value::key(value)?)),
        // Without a conversion the values are the column's, and equality is by bytes in any collation known here.
        Term::Cast { how: None, of, .. } | Term::Collate(of) => key(of, value),
        _ => None,
    }
}

fn is_of(value: &Value, of: &DataType) -> bool {
    let DataType::Scalar(of) = of else { return false };
    match value {
        Value::Bool(_) => *of == Scalar::Bool,
        Value::Int(_) => matches!(of, Scalar::Int2 | Scalar::Int4 | Scalar::Int8),
        Value::Numeric(_) => *of == Scalar::Numeric,
        Value::Float4(_) => *of == Scalar::Float4,
        Value::Float8(_) => *of == Scalar::Float8,
        Value::Text(_) => matches!(of, Scalar::Text(_)),
        Value::Char(_) => matches!(of, Scalar::Char(_)),
        Value::Uuid(_) => *of == Scalar::Uuid,
        Value::Date(_) => *of == Scalar::Date,
        Value::Time(_) => *of == Scalar::Time,
        Value::Timestamp(_) => *of == Scalar::Timestamp,
        Value::Timestamptz(_) => *of == Scalar::Timestamptz,
        Value::Interval(_) => *of == Scalar::Interval,
        Value::Bytea(_) => *of == Scalar::Bytea,
        Value::Enum(..) => matches!(of, Scalar::Enum(_)),
        Value::Inet(_) => *of == Scalar::Inet,
        Value::Json(_) | Value::Jsonb(_) | Value::NullOrJsonNull | Value::Array(_) => false,
    }
}

fn bounded(keys: impl Iterator<Item = Option<(usize, Key)>>) -> Access {
    let mut found = Vec::new();
    for key in keys {
        match key {
            Some(key) if found.len() < MAX_KEYS => found.push(key),
            _ => return Access::Scan,
        }
    }
    if found.is_empty() { Access::Never } else { Access::Keys(unique(found)) }
}

fn unique(keys: Vec<(usize, Key)>) -> Vec<(usize, Key)> {
    let mut seen = HashSet::new();
    keys.into_iter().filter(|key| seen.insert(key.clone())).collect()
}

fn united(one: Access, other: Access) -> Access {
    match (one, other) {
        (Access::Never, access) | (access, Access::Never) => access,
        (Access::Keys(one), Access::Keys(other)) => bounded(one.into_iter().chain(other).map(Some)),
        _ => Access::Scan,
    }
}

fn cost(access: &Access) -> usize {
    match access {
        Access::Never => 0,
        Access::Keys(keys) => keys.len(),
        Access::Scan => usize::MAX,
    }
}
