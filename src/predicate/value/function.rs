//! Functions.

use super::{Array, Value};
use crate::predicate::Undecidable;

/// `length` of text, char(n) (without trailing spaces) or bytea.
pub fn length(of: &Value) -> Result<i64, Undecidable> {
    let length = match of {
        Value::Text(text) => text.chars().count(),
        Value::Char(text) => text.trim_end_matches(' ').chars().count(),
        Value::Bytea(bytes) => bytes.len(),
        _ => return Err(Undecidable),
    };
    i64::try_from(length).map_err(|_| Undecidable)
}

/// `lower(… collate "C")`.
pub fn lower(of: &Value) -> Result<Value, Undecidable> {
    Ok(Value::Text(text(of)?.to_ascii_lowercase().into()))
}

/// `upper(… collate "C")`.
pub fn upper(of: &Value) -> Result<Value, Undecidable> {
    Ok(Value::Text(text(of)?.to_ascii_uppercase().into()))
}

/// `starts_with(text, prefix)`.
pub fn starts_with(whole: &Value, prefix: &Value) -> Result<bool, Undecidable> {
    Ok(text(whole)?.starts_with(text(prefix)?))
}

/// `array_length(array, dimension)`.
pub fn array_length(of: &Value, dimension: &Value) -> Result<Option<i64>, Undecidable> {
    let Value::Int(dimension) = dimension else { return Err(Undecidable) };
    let dimensions = array(of)?.dimensions();
    let at = usize::try_from(dimension.saturating_sub(1)).unwrap_or(usize::MAX);
    Ok(dimensions.get(at).map(|&length| length.into()))
}

/// `cardinality(array)`.
pub fn cardinality(of: &Value) -> Result<i64, Undecidable> {
    i64::try_from(array(of)?.elements().len()).map_err(|_| Undecidable)
}

/// As a cast to text has it: char(n) loses its trailing spaces.
pub(super) fn text(value: &Value) -> Result<&str, Undecidable> {
    match value {
        Value::Text(text) => Ok(text),
        Value::Char(text) => Ok(text.trim_end_matches(' ')),
        _ => Err(Undecidable),
    }
}

pub(super) fn array(value: &Value) -> Result<&Array, Undecidable> {
    match value {
        Value::Array(array) => Ok(array),
        _ => Err(Undecidable),
    }
}
