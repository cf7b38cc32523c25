//! A predicate that was read and checked, before the claims are known.

use super::{Bound, Fault, Scope};
use crate::identity::Claims;

/// A checked predicate.
#[derive(Clone, Debug)]
pub struct Predicate {
    value: bool,
}

/// Reads a predicate: parsed, checked against the columns' types, parameters filled in.
pub fn parse(text: &str, _scope: &Scope<'_>) -> Result<Predicate, Fault> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(Predicate { value: true }),
        "false" => Ok(Predicate { value: false }),
        _ => Err(Fault {
            position: 1,
            reason: "predicates other than \"true\" are not available in this version".to_owned(),
            instead: None,
        }),
    }
}

impl Predicate {
    /// Fills in the claims. What a claim that can't be converted has a say in is not true.
    pub fn bind(&self, _claims: &Claims) -> Bound {
        if self.value { Bound::always() } else { Bound::never() }
    }

    /// Whether these claims leave any row possible, judged by the conditions on `auth` alone.
    pub fn concerns(&self, _claims: &Claims) -> bool {
        self.value
    }

    /// The positions of the columns that it reads, ascending.
    pub fn columns(&self) -> &[usize] {
        &[]
    }
}
