//! Trees made smaller without a change of meaning.

use super::ast::{Comparison, Constant, Term, Test};
use super::parse::Test as IsTest;
use super::value::Value;

/// Longer lists of conditions aren't searched for equal ones.
const MAX_SEARCHED: usize = 32;

pub fn and(tests: Vec<Test>) -> Test {
    joined(tests, false)
}

pub fn or(tests: Vec<Test>) -> Test {
    joined(tests, true)
}

/// `or` if `decisive`, else `and`: flat, without what changes nothing.
fn joined(tests: Vec<Test>, decisive: bool) -> Test {
    let mut kept: Vec<Test> = Vec::with_capacity(tests.len());
    for test in tests {
        let parts = match (test, decisive) {
            (Test::And(parts), false) | (Test::Or(parts), true) => parts,
            (test, _) => vec![test],
        };
        for part in parts {
            match part {
                Test::Constant(Some(value)) if value == decisive => {
                    return Test::Constant(Some(decisive));
                }
                Test::Constant(Some(_)) => {}
                part if kept.len() < MAX_SEARCHED && kept.contains(&part) => {}
                part => kept.push(part),
            }
        }
    }
    match kept.len() {
        0 => Test::Constant(Some(!decisive)),
        1 => kept.swap_remove(0),
        _ if decisive => Test::Or(kept),
        _ => Test::And(kept),
    }
}

pub fn not(test: Test) -> Test {
    match test {
        Test::Constant(value) => Test::Constant(value.map(|value| !value)),
        Test::Failed => Test::Failed,
        Test::Not(test) => *test,
        test => Test::Not(Box::new(test)),
    }
}

pub fn is(how: IsTest, test: Test) -> Test {
    match test {
        Test::Constant(value) => Test::Constant(Some(match how {
            IsTest::True => value == Some(true),
            IsTest::False => value == Some(false),
            IsTest::Unknown | IsTest::Null => value.is_none(),
        })),
        Test::Failed => Test::Failed,
        test => Test::Is(how, Box::new(test)),
    }
}

/// The column comes first, the constant after it.
pub fn compare(comparison: Comparison, left: Term, right: Term) -> Test {
    match (&left, &right) {
        (Term::Constant(_), Term::Constant(_)) => Test::Compare(comparison, left, right),
        (Term::Constant(_), _) => Test::Compare(comparison.turned(), right, left),
        _ => Test::Compare(comparison, left, right),
    }
}

/// A constant array is a list of constants.
pub fn any(item: Term, array: Term) -> Test {
    let Term::Constant(Constant { value: Some(Value::Array(elements)), .. }) = &array else {
        return Test::Any { item, array };
    };
    let elements = elements.elements();
    let known: Option<Vec<Value>> = elements.iter().cloned().collect();
    match known {
        Some(known) if !known.is_empty() => {
            let crate::catalog::DataType::Array(scalar) = array.data_type() else {
                return Test::Any { item, array };
            };
            let of = crate::catalog::DataType::Scalar(scalar);
            one_of(item, known, of)
        }
        _ => Test::Any { item, array },
    }
}

fn one_of(item: Term, mut known: Vec<Value>, of: crate::catalog::DataType) -> Test {
    if known.len() == 1 {
        let value = known.pop();
        return compare(Comparison::Equal, item, Term::Constant(Constant { value, of }));
    }
    Test::OneOf { item, set: known.into(), of }
}

/// What has a null for an operand is null, if its operator is strict.
pub fn strict(test: Test) -> Test {
    let null = match &test {
        Test::Compare(_, left, right) | Test::Has(_, left, right) => {
            left.is_null() || right.is_null()
        }
        Test::Any { array, .. } => array.is_null(),
        Test::OneOf { item, .. } => item.is_null(),
        Test::Like { text, pattern } => {
            text.is_null() || matches!(pattern, super::ast::Pattern::Null)
        }
        _ => false,
    };
    if null { Test::Constant(None) } else { test }
}

impl Term {
    fn is_null(&self) -> bool {
        matches!(self, Term::Constant(Constant { value: None, .. }))
    }
}

impl Comparison {
    /// The same with its sides changed.
    fn turned(self) -> Self {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            same => same,
        }
    }
}

/// Whether it is true for no row, as far as can be seen without one.
pub fn is_never_true(test: &Test) -> bool {
    match test {
        Test::Constant(value) => *value != Some(true),
        Test::Failed => true,
        Test::And(tests) => tests.iter().any(is_never_true),
        Test::Or(tests) => tests.iter().all(is_never_true),
        // False for an empty array, null for others.
        Test::Any { item, .. } => item.is_null(),
        _ => false,
    }
}
