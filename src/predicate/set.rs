//! A list of constants; in a long one a value is looked up instead of compared with each.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;
use std::ops::Deref;
use std::sync::Arc;

use super::Key;
use super::value::{self, Value};

/// The constants of `in (…)`. Sets are the same if their values are, in the same order.
#[derive(Clone, Debug)]
pub struct Set {
    values: Arc<[Value]>,
    /// The values' keys, where comparing with each would take longer.
    keys: Option<Arc<HashSet<Key>>>,
}

/// Shorter lists are compared one by one.
const MIN_LOOKED_UP: usize = 9;

impl Set {
    /// Whether a value equals one of them; none if that can't be told.
    pub fn contains(&self, item: &Value) -> Option<bool> {
        if let (Some(keys), Some(first)) = (&self.keys, self.values.first())
            && discriminant(first) == discriminant(item)
            && let Some(key) = value::key(item)
        {
            return Some(keys.contains(&key));
        }
        for value in &*self.values {
            if value::equal(item, value)? {
                return Some(true);
            }
        }
        Some(false)
    }
}

impl From<Vec<Value>> for Set {
    fn from(values: Vec<Value>) -> Self {
        let keys = if values.len() < MIN_LOOKED_UP { None } else { keys(&values).map(Arc::new) };
        Self { values: values.into(), keys }
    }
}

/// None unless the values are of one kind, whose equality is that of keys.
fn keys(values: &[Value]) -> Option<HashSet<Key>> {
    let kind = discriminant(values.first()?);
    let key = |value: &Value| match value {
        Value::Enum(..) | Value::Array(_) => None,
        other if discriminant(other) == kind => value::key(other),
        _ => None,
    };
    values.iter().map(key).collect()
}

impl Deref for Set {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.values
    }
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Eq for Set {}

impl Hash for Set {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predicate::value::Numeric;

    #[test]
    fn a_long_list_finds_what_a_short_one_does() {
        let numeric = |text: &str| Value::Numeric(Numeric::parse(text).unwrap());
        let numbers = ["0.0", "1.50", "-2", "1e3", "NaN", "Infinity", "7", "8", "9", "10"];
        let sets: [(Vec<Value>, Vec<Value>); 3] = [
            (
                numbers.map(numeric).into(),
                ["0", "1.5", "1000.0", "nan", "-1", "2"].map(numeric).into(),
            ),
            (
                (0..10).map(|at| Value::Char(format!("x{at}  ").into())).collect(),
                ["x1", "x9 ", "x", "x10"].map(|text| Value::Char(text.into())).into(),
            ),
            (
                (0..10).map(|at| Value::Float8(f64::from(at))).collect(),
                vec![Value::Float8(-0.0), Value::Float4(3.0), Value::Float8(0.5), Value::Int(1)],
            ),
        ];
        for (values, asked) in sets {
            let long = Set::from(values);
            let short = Set { keys: None, ..long.clone() };
            assert!(long.keys.is_some());
            for item in asked {
                assert_eq!(long.contains(&item), short.contains(&item), "{item:?}");
            }
        }
    }
}
