//! What is seen of a table, and of an event.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::catalog::{Column, Table, TableId};
use crate::event::{Change, Event, Kind, Row};

/// The part of a table that somebody sees: visible columns, by their positions in the catalog.
#[derive(Debug)]
pub struct View {
    table: Arc<Table>,
    asked_as: String,
    key: Arc<[usize]>,
    columns: Vec<usize>,
    max_row_bytes: usize,
}

impl View {
    pub(super) fn new(
        table: Arc<Table>,
        asked_as: &str,
        key: Arc<[usize]>,
        columns: Vec<usize>,
        max_row_bytes: usize,
    ) -> Self {
        Self { table, asked_as: asked_as.to_owned(), key, columns, max_row_bytes }
    }

    /// The table's number in the log.
    pub fn table_id(&self) -> TableId {
        self.table.id
    }

    /// The table's name as the subscription wrote it.
    pub fn asked_as(&self) -> &str {
        &self.asked_as
    }

    /// The columns that identify a row; empty if rows have no key.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        self.key.iter().map(|&at| self.table.columns[at].name.as_str())
    }

    /// The visible columns with their positions in the catalog, in the table's order.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &str)> {
        self.columns.iter().map(|&at| (at, self.table.columns[at].name.as_str()))
    }

    /// The same, as the catalog has them.
    pub fn visible_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|&at| &self.table.columns[at])
    }

    /// The event as it is seen here, if it is.
    pub fn see<'a>(&'a self, event: Event<'a>) -> Option<Visible<'a>> {
        let changed = match event.kind {
            Kind::Patched | Kind::Updated => self.changed(&event),
            Kind::Created | Kind::Removed | Kind::Truncated => None,
        };
        let nothing_changed = changed.as_ref().is_some_and(Vec::is_empty);
        (!nothing_changed).then_some(Visible { view: self, event, changed })
    }

    /// Visible columns whose text differs; none if one of the rows was too large to be logged.
    fn changed(&self, event: &Event<'_>) -> Option<Vec<usize>> {
        let (old, new) = (event.old?, event.row?);
        if old.is_key_only() || new.is_key_only() {
            return None;
        }
        let differs = |&at: &usize| old.value(at) != new.value(at);
        Some(self.columns.iter().copied().filter(differs).collect())
    }

    fn content<'a>(&'a self, row: &'a Row<'a>) -> Option<Content<'a>> {
        if row.is_key_only() {
            return None;
        }
        let whole = (self.columns.len() == self.table.columns.len())
            .then(|| row.text_of_listed())
            .flatten();
        let content = whole.map_or(Content::Columns(row, &self.columns), Content::Whole);
        (content.len_bytes() <= self.max_row_bytes).then_some(content)
    }
}

/// Views are equal if they show the same under the same name.
impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.table.id == other.table.id
            && self.columns == other.columns
            && self.asked_as == other.asked_as
    }
}

impl Eq for View {}

impl Hash for View {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.table.id.hash(state);
        self.columns.hash(state);
        self.asked_as.hash(state);
    }
}

/// What is seen of a row.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// All of it: the text as PostgreSQL wrote it.
    Whole(&'a str),
    /// The columns at these positions, as far as the row has them.
    Columns(&'a Row<'a>, &'a [usize]),
}

impl Content<'_> {
    fn len_bytes(&self) -> usize {
        match self {
            Content::Whole(text) => text.len(),
            Content::Columns(row, columns) => {
                columns.iter().filter_map(|&at| row.value(at)).map(str::len).sum()
            }
        }
    }
}

/// An event that may be shown to those who have the view: only `View::see` makes one.
#[derive(Debug)]
pub struct Visible<'a> {
    view: &'a View,
    event: Event<'a>,
    changed: Option<Vec<usize>>,
}

impl<'a> Visible<'a> {
    pub fn kind(&self) -> Kind {
        self.event.kind
    }

    /// For `seq`, `tx`, `at` and `origin`; its rows are for `content`, `old` and `key` to show.
    pub fn change(&self) -> &'a Change {
        self.event.change
    }

    /// The key's columns with their values; none for `truncated` and where rows have no key.
    pub fn key(&self) -> Option<impl Iterator<Item = (usize, &'a str)>> {
        let row = self.event.row.filter(|_| !self.view.key.is_empty())?;
        Some(self.view.key.iter().map(move |&at| (at, row.value(at).unwrap_or("null"))))
    }

    /// What is seen of the row after the change, or of a removed one as it last was; none for `truncated` and
    /// where it is too large.
    pub fn content(&self) -> Option<Content<'a>> {
        self.view.content(self.event.row?)
    }

    /// What was seen of the row before the change, unless it is too large.
    pub fn old(&self) -> Option<Content<'a>> {
        self.view.content(self.event.old?)
    }

    /// The visible columns that an update changed, where that is known.
    pub fn changed(&self) -> Option<&[usize]> {
        self.changed.as_deref()
    }
}
