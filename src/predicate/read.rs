//! A predicate that was read and checked, before the claims are known.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ast::{Part, Test};
use super::{Bound, Fault, Scope, bind, check, parse as text};
use crate::identity::Claims;

/// A checked predicate. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Predicate {
    test: Arc<Test>,
    columns: Arc<[usize]>,
}

/// Reads a predicate: parsed, checked against the columns' types, parameters filled in.
pub fn parse(text: &str, scope: &Scope<'_>) -> Result<Predicate, Fault> {
    let syntax = text::syntax(text)?;
    let test = check::check(&syntax, scope)?;
    let columns = columns_of(&test);
    Ok(Predicate { test: test.into(), columns })
}

impl Predicate {
    /// Fills in the claims. What a claim that can't be converted has a say in is not true.
    pub fn bind(&self, claims: &Claims) -> Bound {
        Bound::reading(bind::bind(&self.test, claims), &self.columns)
    }

    /// Whether these claims leave any row possible, judged by the conditions on `auth` alone.
    pub fn concerns(&self, claims: &Claims) -> bool {
        can_be(true, &self.test, claims)
    }

    /// The positions of the columns that it reads, ascending.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }
}

/// What reads a column can be anything.
fn can_be(value: bool, test: &Test, claims: &Claims) -> bool {
    match test {
        Test::Not(test) => can_be(!value, test, claims),
        Test::And(tests) | Test::Or(tests) => {
            let mut parts = tests.iter();
            match matches!(test, Test::Or(_)) == value {
                true => parts.any(|test| can_be(value, test, claims)),
                false => parts.all(|test| can_be(value, test, claims)),
            }
        }
        atom => {
            let reads_none = columns_of(atom).is_empty();
            !reads_none || bind::bound(atom, claims) == Test::Constant(Some(value))
        }
    }
}

pub fn columns_of(test: &Test) -> Arc<[usize]> {
    let mut columns = BTreeSet::new();
    Part::Test(test).columns_into(&mut columns);
    columns.into_iter().collect()
}
