//! What the log can't tell: whether a column of json is NULL, or holds JSON's null.

use crate::catalog::{DataType, Scalar};
use crate::predicate::Fault;
use crate::predicate::ast::Term;

/// Refuses to ask of these values whether they are NULL, if the log has the same text for JSON's null.
pub fn check_null_is_told(at: usize, terms: &[&Term]) -> Result<(), Fault> {
    if !terms.iter().any(|term| may_be_either(term)) {
        return Ok(());
    }
    let reason =
        "whether a json column is NULL can't be told: the log writes JSON's null the same way";
    Err(Fault::new(at, reason).instead("column ->> 'key' is null"))
}

fn may_be_either(term: &Term) -> bool {
    match term {
        Term::Column(column) => is_json(&column.of),
        Term::Cast { to, of, .. } => is_json(to) && may_be_either(of),
        Term::Case { branches, otherwise, .. } => {
            branches.iter().any(|(_, term)| may_be_either(term)) || may_be_either(otherwise)
        }
        _ => false,
    }
}

fn is_json(of: &DataType) -> bool {
    matches!(of, DataType::Scalar(Scalar::Json | Scalar::Jsonb))
}
