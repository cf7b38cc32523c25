//! Operators besides comparisons.

use super::Value;
use crate::predicate::Undecidable;

/// `||` of two texts, two byteas or two arrays.
pub fn concat(left: &Value, right: &Value) -> Result<Value, Undecidable> {
    let _ = (left, right);
    Err(Undecidable)
}

/// `->` with a text or an integer.
pub fn json_at(json: &Value, step: &Value) -> Result<Option<Value>, Undecidable> {
    let _ = (json, step);
    Err(Undecidable)
}

/// `->>`
pub fn json_at_text(json: &Value, step: &Value) -> Result<Option<Value>, Undecidable> {
    let _ = (json, step);
    Err(Undecidable)
}

/// `#>` with an array of text.
pub fn json_at_path(json: &Value, path: &Value) -> Result<Option<Value>, Undecidable> {
    let _ = (json, path);
    Err(Undecidable)
}

/// `#>>`
pub fn json_at_path_text(json: &Value, path: &Value) -> Result<Option<Value>, Undecidable> {
    let _ = (json, path);
    Err(Undecidable)
}

/// `@>` of arrays or jsonb; `<@` with its sides changed.
pub fn contains(whole: &Value, part: &Value) -> Result<bool, Undecidable> {
    let _ = (whole, part);
    Err(Undecidable)
}

/// `&&` of arrays.
pub fn overlaps(left: &Value, right: &Value) -> Result<bool, Undecidable> {
    let _ = (left, right);
    Err(Undecidable)
}

/// `?`
pub fn has_key(json: &Value, key: &Value) -> Result<bool, Undecidable> {
    let _ = (json, key);
    Err(Undecidable)
}

/// `?|`
pub fn has_any_key(json: &Value, keys: &Value) -> Result<bool, Undecidable> {
    let _ = (json, keys);
    Err(Undecidable)
}

/// `?&`
pub fn has_all_keys(json: &Value, keys: &Value) -> Result<bool, Undecidable> {
    let _ = (json, keys);
    Err(Undecidable)
}
