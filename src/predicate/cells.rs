//! A row's values, decoded when they are first needed, whatever the number of predicates that look at them.

use std::cell::OnceCell;

use super::Key;
use super::value::{self, Value};
use crate::catalog::Column;
use crate::event::Row;

/// The row lacks a column that the predicate reads, or has something else in it than its type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row can't be judged")]
pub struct Undecidable;

/// A row with its decoded values.
#[derive(Debug)]
pub struct Cells<'r> {
    row: &'r Row<'r>,
    columns: &'r [Column],
    decoded: OnceCell<Box<[Cell]>>,
}

type Cell = OnceCell<Result<Option<Value>, Undecidable>>;

impl<'r> Cells<'r> {
    pub fn new(row: &'r Row<'r>, columns: &'r [Column]) -> Self {
        Self { row, columns, decoded: OnceCell::new() }
    }

    pub fn row(&self) -> &'r Row<'r> {
        self.row
    }

    /// The value in the column at this position; None is NULL.
    pub fn value(&self, at: usize) -> Result<Option<&Value>, Undecidable> {
        let column = self.columns.get(at).ok_or(Undecidable)?;
        let cells = self.decoded.get_or_init(|| vec![Cell::new(); self.columns.len()].into());
        let cell = cells[at].get_or_init(|| {
            let json = self.row.value(at).ok_or(Undecidable)?;
            value::from_log(json, &column.data_type)
        });
        cell.as_ref().map(Option::as_ref).map_err(|undecidable| *undecidable)
    }

    /// The key of the value in the column at this position; none for NULL, which equals nothing, and for what
    /// can't be decoded.
    pub fn key(&self, at: usize) -> Option<Key> {
        value::key(self.value(at).ok()??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RowText;

    #[test]
    fn what_the_row_lacks_cannot_be_judged() {
        let names = [("id", "bigint"), ("note", "text"), ("at", "date"), ("gone", "text")];
        let columns: Vec<Column> =
            names.iter().map(|(name, of)| Column::built_in(1, name, of)).collect();
        let text = r#"{"id":7,"note":null,"at":"2024-02-30"}"#.to_owned();
        let row_text = RowText { json: text, key_only: true };
        let row = Row::read(&row_text, &columns).unwrap();
        let cells = Cells::new(&row, &columns);
        assert_eq!(cells.value(0), Ok(Some(&Value::Int(7))));
        assert_eq!(cells.key(0), value::key(&Value::Int(7)));
        assert_eq!((cells.value(1), cells.key(1)), (Ok(None), None));
        for at in 2..5 {
            assert_eq!((cells.value(at), cells.key(at)), (Err(Undecidable), None), "{at}");
        }
    }

    #[test]
    fn values_are_small() {
        assert!(size_of::<Value>() <= 32, "{}", size_of::<Value>());
    }
}
