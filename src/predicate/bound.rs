//! A closed predicate: nothing is left open but the row.

use super::{Access, Cells, Undecidable};

/// A predicate over rows alone. Equal ones share a shape. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    value: bool,
}

/// A predicate as SQL: an expression over the table's columns with `$n` for each parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    pub text: String,
    /// In text form; the expression casts each to its type. None is NULL.
    pub params: Vec<Option<String>>,
}

impl Bound {
    pub fn always() -> Self {
        Self { value: true }
    }

    pub fn never() -> Self {
        Self { value: false }
    }

    /// `Some(true)`: true for every row. `Some(false)`: true for none.
    pub fn constant(&self) -> Option<bool> {
        Some(self.value)
    }

    pub fn and(self, other: Self) -> Self {
        Self { value: self.value && other.value }
    }

    /// PostgreSQL's answer: true, false or null.
    pub fn evaluate(&self, _row: &Cells<'_>) -> Result<Option<bool>, Undecidable> {
        Ok(Some(self.value))
    }

    /// Whether it is true for the row. What can't be decided isn't.
    pub fn holds(&self, row: &Cells<'_>) -> bool {
        matches!(self.evaluate(row), Ok(Some(true)))
    }

    /// The rows for which it can be true, by the values of single columns.
    pub fn access(&self) -> Access {
        if self.value { Access::Scan } else { Access::Never }
    }

    /// The positions of the columns that it reads, ascending.
    pub fn columns(&self) -> &[usize] {
        &[]
    }

    /// As SQL, its parameters numbered from `first_param`.
    pub fn to_sql(&self, _first_param: usize) -> Sql {
        Sql { text: self.value.to_string(), params: Vec::new() }
    }
}
