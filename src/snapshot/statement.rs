//! What is asked of PostgreSQL for a want.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Settings, Want};
use crate::catalog::{Column, TableName};
use crate::policy::View;

/// A read in SQL.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    pub text: String,
    /// All of them text.
    pub params: Vec<Option<String>>,
    /// The rows are what is wanted: none is to be left out, nothing of them hidden.
    pub is_final: bool,
    /// How many rows are wanted of those that are seen, where PostgreSQL can't tell which these are.
    pub limit: Option<u64>,
}

/// What names mean that are written without a schema, in the rows' text and in predicates.
pub const SEARCH_PATH: &str = "set local search_path = pg_catalog, pg_temp";

/// Begins a read. The lock comes before the snapshot, which the first query takes: what truncates or rewrites the table would
/// otherwise, in between, leave it empty for an older snapshot.
///
/// Text depends on settings; the log has it as `sql/100_pinned_json.sql` pins them. With row security on, PostgreSQL would leave rows
/// out where a policy says so; off, it refuses instead.
pub fn begin(want: &Want, settings: &Settings) -> String {
    let (timeout, lock_timeout) = (settings.timeout.as_millis(), settings.lock_timeout.as_millis());
    format!(
        "begin isolation level repeatable read read only;
         set local timezone = 'UTC'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex';
         set local extra_float_digits = 1; set local datestyle = 'ISO, MDY';
         set local lc_monetary = 'C'; set local quote_all_identifiers = off;
         set local row_security = off; set local jit = off;
         set local statement_timeout = {timeout}; set local lock_timeout = {lock_timeout};
         lock table {} in access share mode",
        table(&want.view)
    )
}

impl Statement {
    /// None if there are no rows, whatever the table has.
    pub fn new(want: &Want) -> Option<Self> {
        let view = &want.view;
        if view.rows().constant() == Some(false) || want.limit == Some(0) {
            return None;
        }
        let filter = view.rows().prefilter(1);
        let is_final = filter.is_exact && view.masks().is_empty();
        let mut text = "select row_to_json(s.*) from (select ".to_owned();
        for (i, column) in needed(view, is_final).enumerate() {
            let between = if i > 0 { ", " } else { "" };
            let _ = write!(text, "{between}t.{}", quoted(&column.name));
        }
        let _ = write!(text, " from {} as t", table(view));
        let params = filter.sql.map_or_else(Vec::new, |sql| {
            let _ = write!(text, " where {}", sql.text);
            sql.params
        });
        write_order(&mut text, want);
        let mut limit = want.limit;
        if let Some(most) = limit.filter(|_| filter.is_exact) {
            let _ = write!(text, " limit {most}");
            limit = None;
        }
        text.push_str(") as s");
        Some(Self { text, params, is_final, limit })
    }
}

/// The columns that are seen, and where rows are judged here, those by which they are.
pub fn needed(view: &View, is_final: bool) -> impl Iterator<Item = &Column> {
    let mut needed: BTreeSet<usize> = view.columns().map(|(at, _)| at).collect();
    if !is_final {
        let predicates = view.masks().iter().map(|(_, mask)| mask).chain([view.rows()]);
        needed.extend(predicates.flat_map(|predicate| predicate.columns()));
    }
    needed.into_iter().map(|at| &view.served().table().columns[at])
}

fn write_order(text: &mut String, want: &Want) {
    let columns = &want.view.served().table().columns;
    for (i, by) in want.order.iter().enumerate() {
        let between = if i > 0 { ", " } else { " order by " };
        let direction = if by.is_descending { " desc" } else { "" };
        let nulls = match by.nulls_first {
            None => "",
            Some(true) => " nulls first",
            Some(false) => " nulls last",
        };
        let name = quoted(&columns[by.column].name);
        let _ = write!(text, "{between}t.{name}{direction}{nulls}");
    }
}

/// The table, and those that inherit from it: their changes are logged under it.
fn table(view: &View) -> String {
    let table = view.served().table();
    TableName { schema: table.schema.clone(), name: table.name.clone() }.sql()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
