//! What PostgreSQL can be asked of a predicate before the rows are judged here.

use super::ast::{Part, Term, Test};
use super::{Bound, Sql, sql};
use crate::catalog::{DataType, Scalar};

/// A predicate in SQL that every row passes for which the other is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefilter {
    /// None: all rows have to be looked at.
    pub sql: Option<Sql>,
    /// No other row passes: nothing is left to be judged.
    pub is_exact: bool,
}

impl Bound {
    /// Its parameters are numbered from `first_param`.
    pub fn prefilter(&self, first_param: usize) -> Prefilter {
        if let Some(constant) = self.constant() {
            let sql = (!constant).then(|| self.to_sql(first_param));
            return Prefilter { sql, is_exact: true };
        }
        let tests: Vec<Test> = match self.test() {
            Test::And(tests) => tests.iter().filter(|test| is_safe(test)).cloned().collect(),
            test => std::iter::once(test).filter(|test| is_safe(test)).cloned().collect(),
        };
        let is_exact = is_same(self.test());
        let sql = (!tests.is_empty()).then(|| sql::print(&Test::And(tests), first_param));
        Prefilter { sql, is_exact }
    }
}

/// Whether PostgreSQL can answer for every row. An error would take all rows with it, where here only those that it's about
/// can't be judged: text within a value of type json may be none that PostgreSQL has (`"\u0000"`).
fn is_safe(test: &Test) -> bool {
    reads_only(Part::Test(test), |of| {
        !matches!(
            of,
            DataType::Scalar(Scalar::Json) | DataType::Array(Scalar::Json) | DataType::Other
        )
    })
}

/// Whether nothing is undecidable here that PostgreSQL decides. Of json and jsonb the log doesn't tell whether it's null, of
/// arrays it doesn't tell the bounds.
fn is_same(test: &Test) -> bool {
    reads_only(Part::Test(test), |of| {
        !matches!(
            of,
            DataType::Scalar(Scalar::Json | Scalar::Jsonb) | DataType::Array(_) | DataType::Other
        )
    })
}

/// Whether all columns that it reads are of such types.
fn reads_only(part: Part<'_>, such: fn(&DataType) -> bool) -> bool {
    if let Part::Term(Term::Column(column)) = part {
        return such(&column.of);
    }
    let mut all = true;
    part.each_part(&mut |part| all = all && reads_only(part, such));
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Scope, Source, parse};
    use super::*;
    use crate::catalog::Column;
    use crate::identity::Claims;

    /// Which columns are asked of PostgreSQL, and whether that is all.
    fn asked(text: &str) -> (Vec<&'static str>, bool) {
        let names = [("id", "bigint"), ("j", "json"), ("b", "jsonb"), ("l", "text[]")];
        let columns: Vec<Column> =
            names.iter().map(|(name, of)| Column::built_in(1, name, of)).collect();
        let visible: BTreeSet<usize> = (0..4).collect();
        let source = Source::Filter { visible: &visible, params: &[] };
        let parsed = parse(text, &Scope { columns: &columns, source }).unwrap();
        let Prefilter { sql, is_exact } = parsed.bind(&Claims::default()).prefilter(1);
        let text = sql.map_or(String::new(), |sql| sql.text);
        let read = names.iter().filter(|(name, _)| text.contains(&format!("\"{name}\"")));
        (read.map(|(name, _)| *name).collect(), is_exact)
    }

    #[test]
    fn what_may_fail_is_not_asked_and_what_is_undecidable_here_is_judged_here() {
        for (text, columns, is_exact) in [
            ("true", &[][..], true),
            ("id > 3 and id <> 7", &["id"], true),
            ("j ->> 'a' = 'b'", &[], false),
            ("id > 3 and j ->> 'a' = 'b'", &["id"], false),
            ("id > 3 or j ->> 'a' = 'b'", &[], false),
            ("id > 3 and b ->> 'a' = 'b'", &["id", "b"], false),
            ("id > 3 and 'x' = any (l)", &["id", "l"], false),
        ] {
            assert_eq!(asked(text), (columns.to_vec(), is_exact), "{text}");
        }
        assert_eq!(Bound::never().prefilter(1).sql.map(|sql| sql.text).as_deref(), Some("false"));
    }
}
