//! What the types' input functions read, as far as it depends on neither clock nor settings.

use super::{NotAValue, Value};
use crate::catalog::{DataType, Scalar};

/// Reads a literal, as the type's input function does.
pub fn from_text(text: &str, of: &DataType) -> Result<Value, NotAValue> {
    match of {
        DataType::Scalar(scalar) => scalar_from_text(text, scalar),
        _ => Err(NotAValue::new("not available yet")),
    }
}

/// The same for a single value.
pub fn scalar_from_text(text: &str, of: &Scalar) -> Result<Value, NotAValue> {
    let _ = (text, of);
    Err(NotAValue::new("not available yet"))
}
