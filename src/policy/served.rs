//! The tables that are served, and what of them: names as clients ask for them → views.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::grant::Grant;
use super::{Request, RuleFault, ServedTable, TableSettings, View};
use crate::catalog::{Catalog, Column, Table, TableId};
use crate::identity::Claims;
use crate::predicate::Fault;

/// Why a name leads nowhere. What is hidden is not told from what doesn't exist.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    #[error("there is no table {0:?} here")]
    Table(String),
    #[error("the table has no column {0:?}")]
    Column(String),
    #[error("{0}")]
    Filter(#[source] Fault),
    /// The table was changed in a way that its policy doesn't fit any more.
    #[error("the table {0:?} can't be served since it was altered")]
    Altered(String),
}

/// Why a table can't be served as configured.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotServable {
    #[error("table {0:?} is not in the catalog")]
    NoTable(String),
    #[error("table {table:?} has no column {column:?}, which is part of its key")]
    NoKeyColumn { table: String, column: String },
    #[error("table {table:?} hides {column:?}, which is part of its key")]
    HiddenKeyColumn { table: String, column: String },
    #[error("a rule of table {table:?} can't be applied")]
    Rule {
        table: String,
        #[source]
        fault: RuleFault,
    },
}

/// A table as an identity finds it listed.
#[derive(Debug)]
pub struct Listed<'s> {
    pub table: &'s Table,
    /// Those that are there for it, in the table's order; some may not be in every row.
    pub columns: Vec<&'s Column>,
}

/// The tables that are served to somebody.
#[derive(Debug)]
pub struct Served {
    tables: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
    by_id: HashMap<TableId, usize>,
    max_row_bytes: usize,
    sight: u32,
}

#[derive(Debug)]
struct Entry {
    /// As it was last bound.
    bound: Arc<ServedTable>,
    /// Why it can't be served, if that is so since it was bound.
    altered: Option<String>,
}

impl Served {
    /// Binds the configured tables to the catalog; rows whose visible part is larger than `max_row_bytes` are
    /// seen without it.
    pub fn bind(
        catalog: &Catalog,
        settings: &[TableSettings],
        max_row_bytes: usize,
    ) -> Result<Self, NotServable> {
        let mut tables = Vec::new();
        for wanted in settings {
            let found = catalog.tables.values().find(|table| table.listed_as == wanted.name);
            let table = found.ok_or_else(|| NotServable::NoTable(wanted.name.clone()))?;
            let bound = Arc::new(ServedTable::bind(table, wanted)?);
            tables.push(Entry { bound, altered: None });
        }
        Ok(Self::of(tables, max_row_bytes))
    }

    /// Binds the same tables to a newer catalog. Columns are told by their numbers; none is shown that wasn't visible
    /// when the tables were first bound. What doesn't fit any more isn't served until it does again.
    pub fn rebind(&self, catalog: &Catalog) -> Self {
        let rebind = |entry: &Entry| {
            let last = &entry.bound;
            match last.rebind(catalog.tables.get(&last.table().id)) {
                Ok(same) if same.is_same(last) => Entry { bound: Arc::clone(last), altered: None },
                Ok(changed) => Entry { bound: Arc::new(changed), altered: None },
                Err(reason) => Entry { bound: Arc::clone(last), altered: Some(reason.to_string()) },
            }
        };
        Self::of(self.tables.iter().map(rebind).collect(), self.max_row_bytes)
    }

    fn of(tables: Vec<Entry>, max_row_bytes: usize) -> Self {
        let numbered = || tables.iter().enumerate().map(|(at, entry)| (at, entry.bound.table()));
        let by_name = numbered().map(|(at, table)| (table.listed_as.clone(), at)).collect();
        let by_id = numbered().map(|(at, table)| (table.id, at)).collect();
        let sight = tables.iter().fold(0, |sum, entry| entry.bound.sight(sum));
        Self { by_name, by_id, tables, max_row_bytes, sight }
    }

    /// Tells what is served to whom, as far as it is configured and as the tables are: another configuration, or
    /// columns that came and went, make it another number. Daemons that serve the same agree on it.
    pub fn sight(&self) -> u32 {
        self.sight
    }

    /// The served tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &ServedTable> {
        let entries = self.by_name.values().map(|&at| &self.tables[at]);
        entries.filter(|entry| entry.altered.is_none()).map(|entry| &*entry.bound)
    }

    /// The tables that can't be served since they were altered, and why.
    pub fn altered(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name
            .iter()
            .filter_map(|(name, &at)| Some((name.as_str(), self.tables[at].altered.as_deref()?)))
    }

    /// The served table with this number.
    pub fn table(&self, id: TableId) -> Option<&ServedTable> {
        let entry = &self.tables[*self.by_id.get(&id)?];
        entry.altered.is_none().then_some(&*entry.bound)
    }

    /// The tables that someone with these claims may ask for, by name.
    pub fn tables_for(&self, claims: &Claims) -> impl Iterator<Item = Listed<'_>> {
        self.tables().filter_map(move |served| {
            let columns = Grant::new(served, claims)?.columns;
            let columns = columns.iter().map(|&at| &served.table().columns[at]).collect();
            Some(Listed { table: served.table(), columns })
        })
    }

    /// What someone with these claims sees of what they ask for.
    pub fn view(&self, request: &Request, claims: &Claims) -> Result<View, Unknown> {
        let name = request.table.as_str();
        let unknown = || Unknown::Table(name.to_owned());
        let Entry { bound, altered } = self.find(name).ok_or_else(unknown)?;
        let mut grant = Grant::new(bound, claims).ok_or_else(unknown)?;
        if altered.is_some() {
            return Err(Unknown::Altered(name.to_owned()));
        }
        if let Some(filter) = &request.filter {
            let columns = &bound.table().columns;
            grant.filter(columns, filter, &request.params).map_err(Unknown::Filter)?;
        }
        if let Some(names) = &request.columns {
            grant.narrow(bound, names)?;
        }
        Ok(View::new(Arc::clone(bound), name, grant, self.max_row_bytes))
    }

    /// Whether the view is of its table as it is known here.
    pub fn is_current(&self, view: &View) -> bool {
        let entry = self.by_id.get(&view.table_id()).map(|&at| &self.tables[at]);
        entry.is_some_and(|entry| {
            entry.altered.is_none() && Arc::ptr_eq(&entry.bound, view.served())
        })
    }

    /// As the configuration lists it, or with `public.` added or left out.
    fn find(&self, name: &str) -> Option<&Entry> {
        let bare = name.strip_prefix("public.").unwrap_or(name);
        let is_public = |entry: &&Entry| {
            let table = entry.bound.table();
            table.schema == "public" && table.name == bare
        };
        let listed = self.by_name.get(name).map(|&at| &self.tables[at]);
        listed.or_else(|| self.tables.iter().find(is_public))
    }
}
