//! Numbers: integer, bigint or numeric, whichever holds them (manual 4.1.2.6).

use super::Checked;
use super::typed::Typed;
use crate::catalog::{DataType, Scalar};
use crate::predicate::Fault;
use crate::predicate::ast::{Constant, Term};
use crate::predicate::value::{self, Value};

pub fn number(at: usize, digits: &str) -> Checked {
    let int = match digits.contains(['.', 'e', 'E']) {
        true => None,
        false => digits.parse::<i64>().ok(),
    };
    let (value, of) = match int {
        Some(int) if i32::try_from(int).is_ok() => (Value::Int(int), Scalar::Int4),
        Some(int) => (Value::Int(int), Scalar::Int8),
        None => {
            let numeric = DataType::Scalar(Scalar::Numeric);
            let read = value::from_text(digits, &numeric);
            (read.map_err(|error| not_a_value(at, error))?, Scalar::Numeric)
        }
    };
    let of = DataType::Scalar(of);
    Ok(Typed::term(at, Term::Constant(Constant { value: Some(value), of: of.clone() }), of))
}

pub fn not_a_value(at: usize, error: value::NotAValue) -> Fault {
    Fault { position: at, reason: error.reason, instead: error.instead }
}
