//! Finds the listed tables in the database, or says for each what is wrong with it.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::fault::{At, Fault, Problem};
use super::inspect::{self, ColumnFacts, Relation, UniqueIndex};
use super::name::{NameError, TableName, nearest};
use super::settings::TableSettings;
use super::{Column, Table, TableId};

/// How a table holds its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ordinary,
    /// The root of a partitioned table; the rows are in its partitions.
    Partitioned,
    /// An ordinary table that others inherit from; their rows are seen through it, too.
    Inherited,
}

/// A listed table as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which of the listed tables, from 0.
    pub settings: usize,
    pub oid: u32,
    pub kind: Kind,
    pub schema: String,
    pub name: String,
    pub listed_as: String,
    /// Every column of the table, hidden ones included.
    pub columns: Vec<Column>,
    /// The columns that identify a row: the configured ones or the primary key's. Empty: rows have
    /// no key.
    pub key: Vec<String>,
}

impl Found {
    /// The table under the number that the change log knows it by.
    pub fn into_table(self, id: TableId) -> Table {
        let Self { schema, name, listed_as, columns, key, .. } = self;
        Table { id, schema, name, listed_as, columns, key }
    }
}

/// The listed tables that were found; all of them, if there are only warnings.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// In the order of the settings.
    pub found: Vec<Found>,
    /// What is wrong, or allowed and hardly meant.
    pub faults: Vec<Fault>,
}

/// Why the listed tables can't be served.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the tables can't be looked up")]
    Database(#[from] tokio_postgres::Error),
    #[error("`{0}` names no table: {1}")]
    Name(String, #[source] NameError),
    /// All that is wrong, warnings included.
    #[error("the tables are not as the configuration says")]
    Faults(Vec<Fault>),
}

/// Finds the listed tables, with their columns and keys.
pub async fn load(client: &Client, listed: &[TableSettings]) -> Result<Loaded, LoadError> {
    let loaded = look(client, listed).await?;
    if loaded.faults.iter().any(|fault| !fault.problem.is_warning()) {
        return Err(LoadError::Faults(loaded.faults));
    }
    Ok(loaded)
}

/// As [`load`], but those that are found come with the faults of all.
pub async fn look(client: &Client, listed: &[TableSettings]) -> Result<Loaded, LoadError> {
    let names = parse_names(listed)?;
    let relations = inspect::relations(client, &names).await?;
    let oids: Vec<u32> = relations.values().map(|relation| relation.oid).collect();
    let columns = inspect::columns(client, &oids).await?;
    let indexes = inspect::unique_indexes(client, &oids).await?;

    let mut loaded = Loaded::default();
    let mut faults = Vec::new();
    for (at, (settings, name)) in listed.iter().zip(&names).enumerate() {
        let Some(relation) = relations.get(&at) else { continue };
        let mut table = Examined {
            at,
            settings,
            name,
            relation,
            columns: columns.get(&relation.oid).cloned().unwrap_or_default(),
            indexes: indexes.get(&relation.oid).cloned().unwrap_or_default(),
            faults: &mut faults,
        };
        loaded.found.extend(table.examine());
    }
    faults.extend(missing(client, &names, &relations).await?);
    faults.sort_by_key(|fault| fault.table);
    Ok(Loaded { faults, ..loaded })
}

fn parse_names(listed: &[TableSettings]) -> Result<Vec<TableName>, LoadError> {
    let parse = |table: &TableSettings| {
        table.name.parse().map_err(|error| LoadError::Name(table.name.clone(), error))
    };
    listed.iter().map(parse).collect()
}

/// A fault for each name that no relation has.
async fn missing(
    client: &Client,
    names: &[TableName],
    relations: &HashMap<usize, Relation>,
) -> Result<Vec<Fault>, LoadError> {
    let missing: Vec<usize> = (0..names.len()).filter(|at| !relations.contains_key(at)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let candidates = inspect::candidates(client).await?;
    let fault = |table: usize| Fault {
        table,
        at: At::Name,
        problem: no_table(names[table].clone(), &candidates),
    };
    Ok(missing.into_iter().map(fault).collect())
}

fn no_table(wanted: TableName, candidates: &[TableName]) -> Problem {
    let same = |one: &&TableName| one.name.to_lowercase() == wanted.name.to_lowercase();
    let elsewhere: Vec<TableName> = candidates.iter().filter(same).cloned().collect();
    let printed: Vec<String> = candidates.iter().map(TableName::to_string).collect();
    let near = nearest(&wanted.to_string(), printed.iter().map(String::as_str));
    let nearest = near.and_then(|near| near.parse().ok());
    Problem::NoTable { wanted, elsewhere, nearest, known: candidates.to_vec() }
}

/// A listed table while it is looked at.
struct Examined<'a> {
    at: usize,
    settings: &'a TableSettings,
    name: &'a TableName,
    relation: &'a Relation,
    columns: Vec<ColumnFacts>,
    indexes: Vec<UniqueIndex>,
    faults: &'a mut Vec<Fault>,
}

impl Examined<'_> {
    fn examine(&mut self) -> Option<Found> {
        let kind = self.kind()?;
        self.check_privileges();
        self.check_surprises();
        self.check_columns();
        let key = self.key()?;
        self.check_hidden(&key);
        self.check_rules(&key);
        Some(Found {
            settings: self.at,
            oid: self.relation.oid,
            kind,
            schema: self.name.schema.clone(),
            name: self.name.name.clone(),
            listed_as: self.settings.name.clone(),
            columns: self.columns.iter().map(|facts| facts.column.clone()).collect(),
            key,
        })
    }

    fn fault(&mut self, at: At, problem: Problem) {
        self.faults.push(Fault { table: self.at, at, problem });
    }

    fn kind(&mut self) -> Option<Kind> {
        let table = self.name.clone();
        if let Some((what, why)) = refused(&self.name.schema, self.relation) {
            self.fault(At::Name, Problem::NotATable { table, what, why });
            return None;
        }
        if let Some(root) = self.relation.root.clone() {
            self.fault(At::Name, Problem::Partition { table, root });
            return None;
        }
        Some(match (self.relation.kind.as_str(), self.relation.has_children) {
            ("p", _) => Kind::Partitioned,
            (_, true) => Kind::Inherited,
            _ => Kind::Ordinary,
        })
    }

    fn check_privileges(&mut self) {
        let Relation { role, may_use_schema, may_select, lacks_trigger, .. } =
            self.relation.clone();
        let table = self.name.clone();
        if !may_use_schema {
            let schema = table.schema.clone();
            self.fault(At::Name, Problem::NoUsage { role: role.clone(), schema });
        }
        let select = if may_select { Vec::new() } else { vec![table.clone()] };
        for (right, lacking) in [("SELECT", select), ("TRIGGER", lacks_trigger)] {
            if !lacking.is_empty() {
                let (role, table) = (role.clone(), table.clone());
                self.fault(At::Name, Problem::NoPrivilege { role, table, right, lacking });
            }
        }
    }

    fn check_surprises(&mut self) {
        let table = self.name.clone();
        if self.relation.row_security {
            self.fault(At::Name, Problem::RowSecurity { table: table.clone() });
        }
        let role = self.relation.role.clone();
        if self.relation.may_select && !self.relation.reads_rows {
            let table = table.clone();
            self.fault(At::Name, Problem::RowsUnreadable { role: role.clone(), table });
        }
        if self.relation.rows_are_secured {
            let table = table.clone();
            self.fault(At::Name, Problem::RowsSecured { role, table });
        }
        if self.relation.unlogged {
            self.fault(At::Name, Problem::Unlogged { table });
        }
    }

    /// Every column that the settings name must exist.
    fn check_columns(&mut self) {
        let TableSettings { columns, hide, key, column_rules, .. } = self.settings;
        let rules = column_rules.iter().map(|rule| &rule.column).enumerate();
        let rules = rules.map(|(i, c)| (At::Rule(i), c));
        let columns = columns.iter().flatten().enumerate().map(|(i, c)| (At::Columns(i), c));
        let hide = hide.iter().enumerate().map(|(i, c)| (At::Hide(i), c));
        let key = key.iter().flatten().enumerate().map(|(i, c)| (At::KeyItem(i), c));
        for (at, column) in columns.chain(hide).chain(key).chain(rules) {
            if self.column(column).is_none() {
                let problem = self.no_column(column);
                self.fault(at, problem);
            }
        }
    }

    fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|facts| facts.column.name == name)
    }

    fn no_column(&self, column: &str) -> Problem {
        let known: Vec<String> =
            self.columns.iter().map(|facts| facts.column.name.clone()).collect();
        Problem::NoColumn {
            table: self.name.clone(),
            column: column.to_owned(),
            nearest: nearest(column, known.iter().map(String::as_str)).map(str::to_owned),
            known,
        }
    }

    /// The configured key, else the primary one.
    fn key(&mut self) -> Option<Vec<String>> {
        if let Some(key) = &self.settings.key {
            self.check_key(key);
            return Some(key.clone());
        }
        let Some(primary) = self.indexes.iter().find(|index| index.primary).cloned() else {
            let problem = Problem::NoKey { table: self.name.clone(), candidate: self.candidate() };
            self.fault(At::Name, problem);
            return None;
        };
        if primary.deferrable {
            self.fault(At::Name, Problem::KeyDeferrable { table: self.name.clone() });
        }
        Some(primary.columns)
    }

    /// Columns that could serve as the key: unique and never null.
    fn candidate(&self) -> Option<Vec<String>> {
        let never_null = |index: &&UniqueIndex| {
            index.columns.iter().all(|name| self.column(name).is_some_and(|facts| !facts.nullable))
        };
        self.indexes.iter().find(never_null).map(|index| index.columns.clone())
    }

    /// Warns of a configured key that PostgreSQL doesn't enforce.
    fn check_key(&mut self, key: &[String]) {
        for (at, column) in key.iter().enumerate() {
            if self.column(column).is_some_and(|facts| facts.nullable) {
                let (table, column) = (self.name.clone(), column.clone());
                self.fault(At::KeyItem(at), Problem::KeyNullable { table, column });
            }
        }
        let enforced =
            self.indexes.iter().any(|index| index.columns.iter().all(|c| key.contains(c)));
        let known = key.iter().all(|column| self.column(column).is_some());
        if known && !key.is_empty() && !enforced {
            self.fault(At::Key, Problem::KeyNotUnique { table: self.name.clone() });
        }
    }

    fn check_hidden(&mut self, key: &[String]) {
        for (at, column) in self.settings.hide.iter().enumerate() {
            if key.contains(column) {
                let (table, column) = (self.name.clone(), column.clone());
                self.fault(At::Hide(at), Problem::KeyHidden { table, column });
            }
        }
    }

    fn check_rules(&mut self, key: &[String]) {
        for (at, rule) in self.settings.column_rules.iter().enumerate() {
            // A configured key that has a rule, the configuration itself shows.
            if self.settings.key.is_none() && key.contains(&rule.column) {
                let (table, column) = (self.name.clone(), rule.column.clone());
                self.fault(At::Rule(at), Problem::KeyRule { table, column });
            }
        }
    }
}

/// What a relation is that can't be watched, and why it can't.
fn refused(schema: &str, relation: &Relation) -> Option<(&'static str, &'static str)> {
    Some(match relation.kind.as_str() {
        "v" => ("a view", "a view's rows change without a trigger: list the tables it reads"),
        "m" => ("a materialized view", "it takes no triggers: list the tables it reads"),
        "f" => {
            ("a foreign table", "its rows change elsewhere: run rowcast beside their own database")
        }
        "r" | "p" if relation.temporary => {
            ("a temporary table", "only its own session sees its rows")
        }
        "r" | "p" if schema == "rowcast" => ("one of rowcast's own", "the log can't log itself"),
        "r" | "p" if schema == "information_schema" || schema.starts_with("pg_") => {
            ("a system catalog", "system catalogs take no triggers")
        }
        "r" | "p" => return None,
        _ => ("not a table", "only tables have rows that change"),
    })
}
