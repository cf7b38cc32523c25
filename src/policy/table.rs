//! A served table: its configuration, bound to what the catalog says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{NotServable, Rules, TableSettings, UpdateKind};
use crate::catalog::{Column, Table};
use crate::event::Kind;

/// One served table and what may be seen of it.
#[derive(Debug)]
pub struct ServedTable {
    table: Arc<Table>,
    key: Vec<usize>,
    visible: Arc<[usize]>,
    updates: Kind,
    rules: Rules,
    settings: Arc<TableSettings>,
    start: Arc<Start>,
}

/// The table when the daemon started, by its columns' numbers: it never shows more than then.
#[derive(Debug)]
struct Start {
    columns: BTreeSet<i16>,
    visible: BTreeSet<i16>,
    /// What the configuration speaks of.
    named: BTreeMap<String, i16>,
}

/// Why a table can't be served since it was altered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Altered {
    #[error("it isn't there any more")]
    Gone,
    #[error("its configuration speaks of a column {0:?} that isn't there any more")]
    Named(String),
    #[error("a column of its key was not visible before")]
    Key,
    #[error(transparent)]
    NotServable(#[from] NotServable),
}

impl ServedTable {
    /// Binds the configuration to the table as it is when the daemon starts.
    pub(super) fn bind(table: &Arc<Table>, settings: &TableSettings) -> Result<Self, NotServable> {
        let start = Start { columns: numbers(table), ..Start::of_nothing() };
        let mut bound = Self::new(Arc::clone(table), Arc::new(settings.clone()), start.into())?;
        bound.start = Arc::new(Start {
            columns: numbers(table),
            visible: bound.visible.iter().map(|&at| table.columns[at].number).collect(),
            named: bound.named(),
        });
        Ok(bound)
    }

    /// Binds it to the table as it is now. Columns are the same if their numbers are; those that have come since the
    /// start don't exist here.
    pub(super) fn rebind(&self, now: Option<&Arc<Table>>) -> Result<Self, Altered> {
        let now = now.ok_or(Altered::Gone)?;
        let start = &self.start;
        let mut table = Table::clone(now);
        table.columns.retain(|column| start.columns.contains(&column.number));
        let is_there = |name: &String, number: i16| {
            table.columns.iter().any(|column| column.name == *name && column.number == number)
        };
        if let Some((name, _)) = start.named.iter().find(|(name, number)| !is_there(name, **number))
        {
            return Err(Altered::Named(name.clone()));
        }
        let mut bound = Self::new(Arc::new(table), Arc::clone(&self.settings), Arc::clone(start))?;
        let Self { table, visible, key, .. } = &mut bound;
        let was_visible = |at: &usize| start.visible.contains(&table.columns[*at].number);
        *visible = visible.iter().copied().filter(was_visible).collect();
        if !key.iter().all(|at| visible.contains(at)) {
            return Err(Altered::Key);
        }
        Ok(bound)
    }

    /// Whether the table is what it was.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.table == other.table
    }

    /// Adds what is served of the table, and to whom, to a checksum.
    pub(super) fn sight(&self, sum: u32) -> u32 {
        let shown = self.visible_columns().map(|of| (of.number, &of.name, &of.type_name));
        let shown: Vec<_> = shown.collect();
        let text = format!("{:?} {:?} {:?} {shown:?}", self.table.id, self.key, self.settings);
        let mut hasher = crc32fast::Hasher::new_with_initial(sum);
        hasher.update(text.as_bytes());
        hasher.finalize()
    }

    fn new(
        table: Arc<Table>,
        settings: Arc<TableSettings>,
        start: Arc<Start>,
    ) -> Result<Self, NotServable> {
        let named = |column: &Column| {
            settings.columns.as_ref().is_none_or(|names| names.contains(&column.name))
        };
        let hidden = |column: &Column| settings.hide.contains(&column.name);
        let key = key_of(&table, &settings)?;
        let positions = table.columns.iter().enumerate();
        let visible = positions
            .filter(|(at, column)| key.contains(at) || (named(column) && !hidden(column)))
            .map(|(at, _)| at)
            .collect();
        let updates = match settings.updates {
            UpdateKind::Patched => Kind::Patched,
            UpdateKind::Updated => Kind::Updated,
        };
        let rules = Rules::read(&table.columns, &settings).map_err(|mut faults| {
            let fault = faults.swap_remove(0);
            NotServable::Rule { table: table.listed_as.clone(), fault }
        })?;
        Ok(Self { table, key, visible, updates, rules, settings, start })
    }

    /// The columns that the configuration speaks of, with their numbers.
    fn named(&self) -> BTreeMap<String, i16> {
        let TableSettings { columns, hide, key, column_rules, .. } = &*self.settings;
        let listed = columns.iter().flatten().chain(hide).chain(key.iter().flatten());
        let names: BTreeSet<&String> =
            listed.chain(column_rules.iter().map(|rule| &rule.column)).collect();
        let by_name = self.table.columns.iter().filter(|column| names.contains(&column.name));
        let predicates = self.rules.columns.iter().map(|(_, rule)| rule);
        let read = predicates.chain([&self.rules.rows]).flat_map(|rule| rule.columns());
        let read = read.map(|&at| &self.table.columns[at]);
        by_name.chain(read).map(|column| (column.name.clone(), column.number)).collect()
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

    /// The columns that somebody may see, in the table's order.
    pub fn visible_columns(&self) -> impl Iterator<Item = &Column> {
        self.visible.iter().map(|&at| &self.table.columns[at])
    }

    /// The same, by their positions.
    pub(super) fn visible(&self) -> &Arc<[usize]> {
        &self.visible
    }
}

impl Start {
    fn of_nothing() -> Self {
        Self { columns: BTreeSet::new(), visible: BTreeSet::new(), named: BTreeMap::new() }
    }
}

fn numbers(table: &Table) -> BTreeSet<i16> {
    table.columns.iter().map(|column| column.number).collect()
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
