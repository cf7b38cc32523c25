//! What can be wrong with a listed table, and what would help. Where it is written, `config` knows.

use std::fmt::Display;

use super::name::{TableName, quoted};

/// Something wrong with a listed table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which of the listed tables, from 0.
    pub table: usize,
    pub at: At,
    pub problem: Problem,
}

/// Which words of the table's settings are at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Name,
    /// An item of `columns`, from 0.
    Columns(usize),
    /// An item of `hide`, from 0.
    Hide(usize),
    /// `key` as a whole.
    Key,
    /// An item of `key`, from 0.
    KeyItem(usize),
    /// The column of a line of `[table.columns]`, from 0.
    Rule(usize),
}

/// What is wrong; see [`is_warning`](Self::is_warning).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("table `{wanted}` doesn't exist")]
    NoTable {
        wanted: TableName,
        elsewhere: Vec<TableName>,
        nearest: Option<TableName>,
        known: Vec<TableName>,
    },
    #[error("`{table}` is {what}")]
    NotATable { table: TableName, what: &'static str, why: &'static str },
    #[error("`{table}` is a partition")]
    Partition { table: TableName, root: TableName },
    #[error("table `{table}` has no column `{column}`")]
    NoColumn { table: TableName, column: String, nearest: Option<String>, known: Vec<String> },
    #[error("table `{table}` has no primary key")]
    NoKey { table: TableName, candidate: Option<Vec<String>> },
    #[error("column `{column}` identifies the rows of `{table}` and can't be hidden")]
    KeyHidden { table: TableName, column: String },
    #[error("column `{column}` identifies the rows of `{table}` and takes no rule")]
    KeyRule { table: TableName, column: String },
    #[error("role `{role}` may not use schema `{schema}`")]
    NoUsage { role: String, schema: String },
    #[error("role `{role}` lacks the privilege {right} on table `{table}`")]
    NoPrivilege { role: String, table: TableName, right: &'static str, lacking: Vec<TableName> },

    #[error("`key` may not identify a row of `{table}`: no unique index makes sure of it")]
    KeyNotUnique { table: TableName },
    #[error("column `{column}` of the key of `{table}` can be null")]
    KeyNullable { table: TableName, column: String },
    #[error(
        "the primary key of `{table}` is deferrable: rows may share a key within a transaction"
    )]
    KeyDeferrable { table: TableName },
    #[error("`{table}` has row-level security, which rowcast doesn't apply")]
    RowSecurity { table: TableName },
    #[error(
        "role `{role}` may not read `{table}`: its changes are served, but none of the rows that are there"
    )]
    RowsUnreadable { role: String, table: TableName },
    #[error(
        "row-level security keeps rows of `{table}` from role `{role}`: only its changes are served"
    )]
    RowsSecured { role: String, table: TableName },
    #[error("`{table}` is unlogged: after a crash of the server it is empty, and nobody is told")]
    Unlogged { table: TableName },
}

impl Problem {
    /// Whether the table can be served nevertheless.
    pub fn is_warning(&self) -> bool {
        use Problem::*;
        matches!(
            self,
            KeyNotUnique { .. }
                | KeyNullable { .. }
                | KeyDeferrable { .. }
                | RowSecurity { .. }
                | RowsUnreadable { .. }
                | RowsSecured { .. }
                | Unlogged { .. }
        )
    }

    /// What would help.
    pub fn help(&self) -> String {
        match self {
            Problem::NoTable { elsewhere, nearest, known, .. } => {
                no_table(elsewhere, nearest.as_ref(), known)
            }
            Problem::NotATable { why, .. } => (*why).to_owned(),
            Problem::Partition { root, .. } => {
                format!("list `{root}`: the changes of its partitions come under its name")
            }
            Problem::NoColumn { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?")
            }
            Problem::NoColumn { known, .. } => format!("it has {}", listed(known)),
            Problem::NoKey { candidate, .. } => no_key(candidate.as_deref()),
            Problem::KeyHidden { .. } => {
                "without its key no reader could tell which row changed".into()
            }
            Problem::KeyRule { .. } => "remove the rule: the key is in every visible row".into(),
            Problem::NoUsage { role, schema } => {
                format!("grant usage on schema {} to {};", quoted(schema), quoted(role))
            }
            Problem::NoPrivilege { role, right, lacking, .. } => {
                let tables = lacking.iter().map(TableName::sql).collect::<Vec<_>>().join(", ");
                format!("grant {} on {tables} to {};", right.to_lowercase(), quoted(role))
            }
            Problem::KeyNotUnique { .. } => {
                "readers take rows with equal keys for one row; key = [] sends events without a key"
                    .into()
            }
            Problem::KeyNullable { .. } => {
                "rows with a null in their key can't be told apart".into()
            }
            Problem::KeyDeferrable { .. } => {
                "rows that swap their keys may reach a copy in an order that loses one of them: declare it \
                 not deferrable"
                    .into()
            }
            Problem::RowSecurity { .. } => "`rows` alone decides who sees which rows".into(),
            Problem::RowsUnreadable { role, table } => {
                format!("grant select on {} to {};", table.sql(), quoted(role))
            }
            Problem::RowsSecured { role, .. } => format!("alter role {} bypassrls;", quoted(role)),
            Problem::Unlogged { table } => format!("alter table {} set logged;", table.sql()),
        }
    }
}

fn no_table(elsewhere: &[TableName], nearest: Option<&TableName>, known: &[TableName]) -> String {
    match (elsewhere, nearest, known) {
        ([], None, []) => "there is no table at all: is this the right database?".to_owned(),
        ([], None, known) => format!("there is {}", listed(known)),
        ([], Some(nearest), _) => format!("did you mean `{nearest}`?"),
        (elsewhere, ..) => format!("there is {}", listed(elsewhere)),
    }
}

/// The first few of these names.
fn listed(names: &[impl Display]) -> String {
    const MOST: usize = 10;
    let shown = names.iter().take(MOST).map(|name| format!("`{name}`"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn no_key(candidate: Option<&[String]>) -> String {
    let example = candidate.map_or("key = [\"a\", \"b\"]".to_owned(), |columns| {
        let columns: Vec<String> = columns.iter().map(|column| format!("{column:?}")).collect();
        format!("key = [{}]", columns.join(", "))
    });
    format!(
        "name the columns that identify a row, {example}, or send events without a key, key = []"
    )
}
