//! A closed predicate: nothing is left open but the row.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::ast::Test;
use super::read::columns_of;
use super::{Access, Cells, Undecidable, access, fold, sql};

/// A predicate over rows alone. Equal ones share a shape. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bound {
    test: Arc<Test>,
    columns: Arc<[usize]>,
}

/// A predicate as SQL: an expression over the table's columns with `$n` for each parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    pub text: String,
    /// In text form; the expression casts each to its type. None is NULL.
    pub params: Vec<Option<String>>,
}

impl Bound {
    pub(super) fn new(test: Test) -> Self {
        let columns = columns_of(&test);
        Self { test: test.into(), columns }
    }

    /// The same; `columns` are shared if it is these that it reads.
    pub(super) fn reading(test: Test, columns: &Arc<[usize]>) -> Self {
        let Self { test, columns: read } = Self::new(test);
        let columns = if read == *columns { Arc::clone(columns) } else { read };
        Self { test, columns }
    }

    pub fn always() -> Self {
        Self::new(Test::Constant(Some(true)))
    }

    pub fn never() -> Self {
        Self::new(Test::Constant(Some(false)))
    }

    /// `Some(true)`: true for every row. `Some(false)`: true for none.
    pub fn constant(&self) -> Option<bool> {
        match &*self.test {
            Test::Constant(Some(true)) => Some(true),
            test => fold::is_never_true(test).then_some(false),
        }
    }

    pub fn and(self, other: Self) -> Self {
        let test = |bound: Self| Arc::unwrap_or_clone(bound.test);
        Self::new(fold::and(vec![test(self), test(other)]))
    }

    /// PostgreSQL's answer: true, false or null. A row that lacks a column can't be judged, whatever the others say.
    pub fn evaluate(&self, row: &Cells<'_>) -> Result<Option<bool>, Undecidable> {
        let lacks = |&at: &usize| row.row().value(at).is_none();
        if self.columns.iter().any(lacks) {
            return Err(Undecidable);
        }
        self.test.evaluate(row)
    }

    /// Whether it is true for the row. What can't be decided isn't.
    pub fn holds(&self, row: &Cells<'_>) -> bool {
        matches!(self.evaluate(row), Ok(Some(true)))
    }

    /// The rows for which it can be true, by the values of single columns.
    pub fn access(&self) -> Access {
        access::access(&self.test)
    }

    /// The positions of the columns that it reads, ascending.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    pub(super) fn test(&self) -> &Test {
        &self.test
    }

    /// As SQL, its parameters numbered from `first_param`.
    pub fn to_sql(&self, first_param: usize) -> Sql {
        sql::print(&self.test, first_param)
    }
}

impl PartialEq for Bound {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.test, &other.test) || self.test == other.test
    }
}

impl Eq for Bound {}

impl Hash for Bound {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.test.hash(state);
    }
}
