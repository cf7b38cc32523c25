//! Values of PostgreSQL's types, and what its operators and functions make of them: nothing here knows a tree.
//!
//! Pure. A type's text and JSON forms, its order and its equality are PostgreSQL's; what can't be done exactly is
//! refused by name.

use std::cmp::Ordering;

use crate::catalog::Scalar;

/// A value that isn't NULL.
#[derive(Clone, Debug)]
pub enum Value {
    Bool(bool),
    /// Of any of the integer types.
    Int(i64),
    Text(String),
}

/// Text that isn't a value of the type, or a form of it that isn't understood here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotAValue {
    pub reason: String,
    /// A form that is understood.
    pub instead: Option<String>,
}

/// Reads a value as the log has it; `null` is None.
pub fn from_log(json: &str, of: &Scalar) -> Result<Option<Value>, NotAValue> {
    let _ = (json, of);
    Err(NotAValue { reason: "not available yet".to_owned(), instead: None })
}

/// Reads a literal, as the type's input function does.
pub fn from_text(text: &str, of: &Scalar) -> Result<Value, NotAValue> {
    let _ = (text, of);
    Err(NotAValue { reason: "not available yet".to_owned(), instead: None })
}

/// The order of two values of one type, as its B-tree operators have it.
pub fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        _ => Ordering::Equal,
    }
}
