//! The tables that are served, and what of them: names as clients ask for them → views.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use super::{Request, RuleFault, Rules, TableSettings, UpdateKind, View};
use crate::catalog::{Catalog, Column, Table, TableId};
use crate::event::Kind;
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

/// One served table and what may be seen of it.
#[derive(Debug)]
pub struct ServedTable {
    table: Arc<Table>,
    key: Arc<[usize]>,
    visible: Vec<usize>,
    updates: Kind,
    rules: Rules,
}

/// The tables that are served to somebody.
#[derive(Debug)]
pub struct Served {
    by_name: BTreeMap<String, ServedTable>,
    by_id: HashMap<TableId, String>,
    max_row_bytes: usize,
}

impl Served {
    /// Binds the configured tables to the catalog; rows whose visible part is larger than `max_row_bytes` are
    /// seen without it.
    pub fn bind(
        catalog: &Catalog,
        settings: &[TableSettings],
        max_row_bytes: usize,
    ) -> Result<Self, NotServable> {
        let mut by_name = BTreeMap::new();
        let mut by_id = HashMap::new();
        for wanted in settings {
            let found = catalog.tables.values().find(|table| table.listed_as == wanted.name);
            let table = found.ok_or_else(|| NotServable::NoTable(wanted.name.clone()))?;
            by_id.insert(table.id, table.listed_as.clone());
            by_name.insert(table.listed_as.clone(), ServedTable::bind(table, wanted)?);
        }
        Ok(Self { by_name, by_id, max_row_bytes })
    }

    /// The served tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &ServedTable> {
        self.by_name.values()
    }

    /// The served table with this number.
    pub fn table(&self, id: TableId) -> Option<&ServedTable> {
        self.by_name.get(self.by_id.get(&id)?)
    }

    /// What someone with these claims sees of what they ask for.
    pub fn view(&self, request: &Request, _claims: &Claims) -> Result<View, Unknown> {
        let name = request.table.as_str();
        let served = self.find(name).ok_or_else(|| Unknown::Table(name.to_owned()))?;
        if request.filter.is_some() {
            let reason = "filters are not available yet".to_owned();
            return Err(Unknown::Filter(Fault { position: 1, reason, instead: None }));
        }
        let columns = match request.columns.as_deref() {
            None => served.visible.clone(),
            Some(names) => served.narrowed(names)?,
        };
        let key = Arc::clone(&served.key);
        Ok(View::new(Arc::clone(&served.table), name, key, columns, self.max_row_bytes))
    }

    /// As the configuration lists it, or with `public.` added or left out.
    fn find(&self, name: &str) -> Option<&ServedTable> {
        self.by_name.get(name).or_else(|| {
            let bare = name.strip_prefix("public.").unwrap_or(name);
            self.tables()
                .find(|served| served.table.schema == "public" && served.table.name == bare)
        })
    }
}

impl ServedTable {
    fn bind(table: &Arc<Table>, settings: &TableSettings) -> Result<Self, NotServable> {
        let named = |column: &Column| {
            settings.columns.as_ref().is_none_or(|names| names.contains(&column.name))
        };
        let hidden = |column: &Column| settings.hide.contains(&column.name);
        let key = Self::key_of(table, settings)?;
        let positions = table.columns.iter().enumerate();
        let visible = positions
            .filter(|(at, column)| key.contains(at) || (named(column) && !hidden(column)))
            .map(|(at, _)| at)
            .collect();
        let updates = match settings.updates {
            UpdateKind::Patched => Kind::Patched,
            UpdateKind::Updated => Kind::Updated,
        };
        let rules = Rules::read(&table.columns, settings).map_err(|mut faults| {
            let fault = faults.swap_remove(0);
            NotServable::Rule { table: table.listed_as.clone(), fault }
        })?;
        Ok(Self { table: Arc::clone(table), key: key.into(), visible, updates, rules })
    }

    fn key_of(table: &Table, settings: &TableSettings) -> Result<Vec<usize>, NotServable> {
        let position = |name: &String| {
            let (table_name, column) = (table.listed_as.clone(), name.clone());
            if settings.hide.contains(name) {
                return Err(NotServable::HiddenKeyColumn { table: table_name, column });
            }
            let at = table.columns.iter().position(|column| column.name == *name);
            at.ok_or(NotServable::NoKeyColumn { table: table_name, column })
        };
        table.key.iter().map(position).collect()
    }

    fn narrowed(&self, names: &[String]) -> Result<Vec<usize>, Unknown> {
        let mut columns = self.key.to_vec();
        for name in names {
            let at = self.visible.iter().find(|&&at| self.table.columns[at].name == *name);
            columns.push(*at.ok_or_else(|| Unknown::Column(name.clone()))?);
        }
        columns.sort_unstable();
        columns.dedup();
        Ok(columns)
    }

    /// The table itself, hidden columns included.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The key's positions among the table's columns.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// The table's policy.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What an UPDATE is called.
    pub fn updates(&self) -> Kind {
        self.updates
    }

    /// The columns that may be seen, in the table's order.
    pub fn visible_columns(&self) -> impl Iterator<Item = &Column> {
        self.visible.iter().map(|&at| &self.table.columns[at])
    }
}
