//! The predicates of a table, as text: `rows` and `[table.columns]`. What they mean only the table's columns show.

use super::fault::{Fault, Faults, Place};
use super::value::{self, Placed};
use super::written::{Node, Written};
use crate::catalog::ColumnRule;

/// A line of `[table.columns]`: the column, and when it is visible.
pub type Line = (Placed<String>, Placed<String>);

/// Who may read which rows; it must be said.
pub fn read_rows(node: Option<Node>, table: &Place, faults: &mut Faults) -> Option<Placed<String>> {
    if node.is_none() {
        faults.push(
            Fault::error("a [[table]] has no `rows`: nobody may read it")
                .at(table)
                .help("rows = \"true\" lets everybody who may connect read every row"),
        );
    }
    predicate("`rows`", node?, faults)
}

/// The lines of `[table.columns]`.
pub fn read_columns(node: Option<Node>, faults: &mut Faults) -> Vec<Line> {
    let Some(Node { value: Written::Table(entries), .. }) = node else { return Vec::new() };
    let line = |entry: super::written::Entry| {
        let what = format!("the rule for column `{}`", entry.key);
        let name = Placed { value: entry.key, place: entry.key_place };
        Some((name, predicate(&what, entry.node, faults)?))
    };
    entries.into_iter().filter_map(line).collect()
}

fn predicate(what: &str, node: Node, faults: &mut Faults) -> Option<Placed<String>> {
    if let Written::Boolean(value) = node.value {
        let fault = Fault::error(format!("{what} is a predicate, and so a string"));
        faults.push(fault.at(&node.place).help(format!("write it in quotes: \"{value}\"")));
        return None;
    }
    Some(Placed { value: value::text(&node, faults)?, place: node.place })
}

/// A rule must be for a column that can be visible, and hidden.
pub fn check(
    lines: &[Line],
    hide: &[Placed<String>],
    key: Option<&[Placed<String>]>,
    faults: &mut Faults,
) {
    for (column, _) in lines {
        let listed = |list: &[Placed<String>]| list.iter().any(|it| it.value == column.value);
        let (problem, help) = if listed(key.unwrap_or_default()) {
            ("is part of the key, which is visible in every visible row", "remove the rule")
        } else if listed(hide) {
            ("is in `hide`, and so visible to nobody", "remove the rule, or the column from `hide`")
        } else {
            continue;
        };
        let message = format!("column `{}` {problem}", column.value);
        faults.push(Fault::error(message).at(&column.place).help(help));
    }
}

/// The line without its places.
pub fn meant((column, visible_if): Line) -> ColumnRule {
    ColumnRule { column: column.value, visible_if: visible_if.value }
}
