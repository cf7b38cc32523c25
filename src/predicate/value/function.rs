//! Functions.

use super::Value;
use crate::predicate::Undecidable;

/// `length` of text, char(n) (without trailing spaces) or bytea.
pub fn length(of: &Value) -> Result<i64, Undecidable> {
    let _ = of;
    Err(Undecidable)
}

/// `lower(… collate "C")`.
pub fn lower(of: &Value) -> Result<Value, Undecidable> {
    let _ = of;
    Err(Undecidable)
}

/// `upper(… collate "C")`.
pub fn upper(of: &Value) -> Result<Value, Undecidable> {
    let _ = of;
    Err(Undecidable)
}

/// `starts_with(text, prefix)`.
pub fn starts_with(text: &Value, prefix: &Value) -> Result<bool, Undecidable> {
    let _ = (text, prefix);
    Err(Undecidable)
}

/// `array_length(array, dimension)`.
pub fn array_length(array: &Value, dimension: &Value) -> Result<Option<i64>, Undecidable> {
    let _ = (array, dimension);
    Err(Undecidable)
}

/// `cardinality(array)`.
pub fn cardinality(array: &Value) -> Result<i64, Undecidable> {
    let _ = array;
    Err(Undecidable)
}
