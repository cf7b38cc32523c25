//! An event as somebody sees it.

use std::borrow::Cow;

use super::View;
use crate::event::{Change, Kind, Row};
use crate::predicate::Cells;

/// An event that may be shown to those who have the view: only `View::see` makes one.
#[derive(Debug)]
pub struct Visible<'a> {
    pub(super) view: &'a View,
    pub(super) change: &'a Change,
    pub(super) kind: Kind,
    pub(super) cause: Option<Cause>,
    pub(super) row: Option<Seen<'a>>,
    pub(super) old: Option<Seen<'a>>,
    pub(super) changed: Option<Vec<usize>>,
}

/// Why a row appears or disappears that was there before, or still is: it came into or left the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Enter,
    Leave,
}

/// What is seen of a row.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// All of it: the text as PostgreSQL wrote it.
    Whole(&'a str),
    /// The columns at these positions, as far as the row has them.
    Columns(&'a Row<'a>, &'a [usize]),
}

impl<'a> Visible<'a> {
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// For `seq`, `tx`, `at` and `origin`; its rows are for `content`, `old` and `key` to show.
    pub fn change(&self) -> &'a Change {
        self.change
    }

    pub fn cause(&self) -> Option<Cause> {
        self.cause
    }

    /// The key's columns with their values; none for `truncated` and where rows have no key.
    pub fn key(&self) -> Option<impl Iterator<Item = (usize, &'a str)>> {
        let (key, row) = (self.view.key(), self.row.as_ref()?.row);
        let values = key.iter().map(move |&at| (at, row.value(at).unwrap_or("null")));
        (!key.is_empty()).then_some(values)
    }

    /// What is seen of the row after the change, or of a removed one as it last was; none for `truncated` and
    /// where it is too large.
    pub fn content(&self) -> Option<Content<'_>> {
        self.row.as_ref()?.content(self.view)
    }

    /// The same, however large it is; none for `truncated`, and for a row of which only the key is known.
    pub fn whole_content(&self) -> Option<Content<'_>> {
        self.row.as_ref()?.content_of_any_size(self.view)
    }

    /// What was seen of the row before the change, if it was seen and isn't too large.
    pub fn old(&self) -> Option<Content<'_>> {
        self.old.as_ref()?.content(self.view)
    }

    /// The columns seen after an update whose value isn't what was seen before it, where that is known.
    pub fn changed(&self) -> Option<&[usize]> {
        self.changed.as_deref()
    }
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

/// A visible row, and which of its columns are seen: ascending.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    pub row: &'a Row<'a>,
    columns: Cow<'a, [usize]>,
}

impl<'a> Seen<'a> {
    pub fn new(view: &'a View, cells: &'a Cells<'_>) -> Self {
        Self { row: cells.row(), columns: view.columns_in(cells) }
    }

    fn value(&self, at: usize) -> Option<&'a str> {
        self.columns.binary_search(&at).ok()?;
        self.row.value(at)
    }

    /// The columns seen here that look otherwise there, or aren't seen there.
    pub fn differing_from(&self, other: &Seen<'_>) -> Vec<usize> {
        let differs = |&at: &usize| self.row.value(at) != other.value(at);
        self.columns.iter().copied().filter(differs).collect()
    }

    /// Whether every column seen there is seen here.
    pub fn has_all_of(&self, other: &Seen<'_>) -> bool {
        other.columns.iter().all(|at| self.columns.binary_search(at).is_ok())
    }

    fn content(&self, view: &View) -> Option<Content<'_>> {
        let content = self.content_of_any_size(view)?;
        (content.len_bytes() <= view.max_row_bytes()).then_some(content)
    }

    fn content_of_any_size(&self, view: &View) -> Option<Content<'_>> {
        if self.row.is_key_only() {
            return None;
        }
        let is_whole = self.columns.len() == view.table().columns.len();
        let whole = if is_whole { self.row.text_of_listed() } else { None };
        Some(whole.map_or(Content::Columns(self.row, &self.columns), Content::Whole))
    }
}
