//! A table's policy, read and checked: the same for everybody, until claims are bound to it.

use crate::catalog::{Column, TableSettings};
use crate::predicate::{self, Fault, Predicate, Scope, Source};

/// The predicates of one `[[table]]`, checked against its columns.
#[derive(Clone, Debug)]
pub struct Rules {
    pub rows: Predicate,
    /// For columns that aren't always visible, by their positions.
    pub columns: Vec<(usize, Predicate)>,
}

/// Which predicate is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAt {
    Rows,
    /// The line of `[table.columns]`, from 0: its name, or its predicate.
    ColumnName(usize),
    ColumnRule(usize),
}

/// What is wrong with one predicate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct RuleFault {
    pub at: RuleAt,
    pub fault: Fault,
}

impl Rules {
    /// Reads the predicates; all that is wrong with them, if anything is.
    pub fn read(columns: &[Column], settings: &TableSettings) -> Result<Self, Vec<RuleFault>> {
        let scope = Scope { columns, source: Source::Policy };
        let mut faults = Vec::new();
        let mut read = |at, text: &str| {
            let parsed = predicate::parse(text, &scope);
            parsed.map_err(|fault| faults.push(RuleFault { at, fault })).ok()
        };
        let rows = read(RuleAt::Rows, &settings.rows);
        let (mut rules, mut unknown) = (Vec::new(), Vec::new());
        for (line, rule) in settings.column_rules.iter().enumerate() {
            let predicate = read(RuleAt::ColumnRule(line), &rule.visible_if);
            match columns.iter().position(|column| column.name == rule.column) {
                Some(position) => rules.extend(predicate.map(|predicate| (position, predicate))),
                None => unknown.push(RuleFault::unknown_column(line, &rule.column)),
            }
        }
        faults.append(&mut unknown);
        match rows {
            Some(rows) if faults.is_empty() => Ok(Self { rows, columns: rules }),
            _ => Err(faults),
        }
    }
}

impl RuleFault {
    fn unknown_column(line: usize, name: &str) -> Self {
        let reason = format!("the table has no column {name:?}");
        let fault = Fault { position: 1, reason, instead: None };
        Self { at: RuleAt::ColumnName(line), fault }
    }
}
