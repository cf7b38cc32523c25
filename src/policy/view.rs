//! The part of a table that somebody sees.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::ServedTable;
use super::grant::Grant;
use crate::catalog::{Column, Table, TableId};
use crate::predicate::{Access, Bound, Cells};

/// The part of a table that somebody sees: rows by a predicate, columns by their positions in the catalog.
#[derive(Debug)]
pub struct View {
    served: Arc<ServedTable>,
    asked_as: String,
    grant: Grant,
    max_row_bytes: usize,
}

impl View {
    pub(super) fn new(
        served: Arc<ServedTable>,
        asked_as: &str,
        grant: Grant,
        max_row_bytes: usize,
    ) -> Self {
        Self { served, asked_as: asked_as.to_owned(), grant, max_row_bytes }
    }

    /// The table's number in the log.
    pub fn table_id(&self) -> TableId {
        self.table().id
    }

    /// The table's name as the subscription wrote it.
    pub fn asked_as(&self) -> &str {
        &self.asked_as
    }

    /// The columns that identify a row; empty if rows have no key.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        self.key().iter().map(|&at| self.table().columns[at].name.as_str())
    }

    /// The visible columns with their positions in the catalog, in the table's order. Some may not be in every row.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &str)> {
        self.grant.columns.iter().map(|&at| (at, self.table().columns[at].name.as_str()))
    }

    /// The same, as the catalog has them.
    pub fn visible_columns(&self) -> impl Iterator<Item = &Column> {
        self.grant.columns.iter().map(|&at| &self.table().columns[at])
    }

    /// Which rows are seen.
    pub fn rows(&self) -> &Bound {
        &self.grant.rows
    }

    /// In which rows those columns are seen that aren't in all.
    pub fn masks(&self) -> &[(usize, Bound)] {
        &self.grant.masks
    }

    /// The rows that can be seen, by the values of single columns.
    pub fn access(&self) -> Access {
        self.grant.rows.access()
    }

    /// Whether readers of both see the same of every row, as far as columns tell: then one can take the other's
    /// place after its table was altered, if the same was asked for with the same claims.
    pub fn looks_like(&self, other: &Self) -> bool {
        let appearance = |view: &Self| -> Vec<_> {
            let masked = view.masks().iter().map(|(at, _)| (1, *at));
            let shown = view.grant.columns.iter().map(|&at| (0, at)).chain(masked);
            let parts = shown.chain(view.key().iter().map(|&at| (2, at)));
            let columns = &view.table().columns;
            let column = |at: usize| (columns[at].number, columns[at].name.clone());
            parts.map(|(part, at)| (part, column(at), columns[at].type_name.clone())).collect()
        };
        self.asked_as == other.asked_as
            && self.table_id() == other.table_id()
            && appearance(self) == appearance(other)
            && self.columns_read() == other.columns_read()
    }

    /// Whether events of both are written with the same names.
    pub fn is_written_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.served, &other.served)
            && self.asked_as == other.asked_as
            && self.grant.columns == other.grant.columns
    }

    /// The columns by whose values rows and masks are judged: their numbers and types.
    fn columns_read(&self) -> Vec<Vec<(i16, &str)>> {
        let identity = |&at: &usize| {
            let column = &self.table().columns[at];
            (column.number, column.type_name.as_str())
        };
        let predicates = [self.rows()].into_iter().chain(self.masks().iter().map(|(_, of)| of));
        let read = |of: &Bound| {
            let mut read: Vec<_> = of.columns().iter().map(identity).collect();
            read.sort_unstable();
            read
        };
        predicates.map(read).collect()
    }

    /// The table, as the view was made of it.
    pub fn served(&self) -> &Arc<ServedTable> {
        &self.served
    }

    pub(super) fn table(&self) -> &Table {
        self.served.table()
    }

    pub(super) fn key(&self) -> &[usize] {
        self.served.key()
    }

    pub(super) fn max_row_bytes(&self) -> usize {
        self.max_row_bytes
    }

    /// The columns seen of this row.
    pub(super) fn columns_in(&self, row: &Cells<'_>) -> Cow<'_, [usize]> {
        let hidden = |mask: &&(usize, Bound)| !mask.1.holds(row);
        let hidden: Vec<usize> = self.masks().iter().filter(hidden).map(|(at, _)| *at).collect();
        let columns = &*self.grant.columns;
        if hidden.is_empty() {
            return Cow::Borrowed(columns);
        }
        Cow::Owned(columns.iter().copied().filter(|at| !hidden.contains(at)).collect())
    }
}

/// Views are equal if they show the same under the same name, of the table as it was found at the same time.
impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.served, &other.served)
            && self.max_row_bytes == other.max_row_bytes
            && self.asked_as == other.asked_as
            && self.grant.columns == other.grant.columns
            && self.grant.rows == other.grant.rows
            && self.grant.masks == other.grant.masks
    }
}

impl Eq for View {}

impl Hash for View {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.table_id().hash(state);
        self.asked_as.hash(state);
        self.grant.columns.hash(state);
        self.grant.rows.hash(state);
        self.grant.masks.hash(state);
    }
}
