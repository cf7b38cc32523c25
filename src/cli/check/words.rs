//! A table's policy in words: who sees which rows, and which columns.

use std::fmt::Write as _;

use crate::catalog::{Found, TableSettings};
use crate::identity::Claims;
use crate::policy::Rules;

/// The lines about one table, indented.
pub fn policy(found: &Found, settings: &TableSettings, rules: &Rules, anonymous: bool) -> String {
    let mut text = format!("    rows     {}\n", rows(settings, rules, anonymous));
    let (mut always, mut never, mut ruled) = (Vec::new(), Vec::new(), Vec::new());
    for column in &found.columns {
        let name = &column.name;
        let rule = settings.column_rules.iter().find(|rule| rule.column == *name);
        let is_key = found.key.contains(name);
        match rule {
            _ if !is_served(found, settings, name) => never.push(name.as_str()),
            Some(rule) if !is_key => ruled.push((name, rule)),
            _ => always.push(name.as_str()),
        }
    }
    let _ = writeln!(text, "    columns  always {}", listed(&always));
    for (name, rule) in ruled {
        let _ = writeln!(text, "             {name} where {}", one_line(&rule.visible_if));
    }
    if !never.is_empty() {
        let _ = writeln!(text, "             never {}", listed(&never));
    }
    text
}

fn rows(settings: &TableSettings, rules: &Rules, anonymous: bool) -> String {
    let no_claims = Claims::default();
    let text = one_line(&settings.rows);
    let is_open = !text.contains("auth") && rules.rows.columns().is_empty();
    match rules.rows.bind(&no_claims).constant() {
        Some(true) if is_open => return "all, for everybody who may connect".to_owned(),
        Some(false) if is_open => return "none, for nobody".to_owned(),
        _ => {}
    }
    let without = match (rules.rows.concerns(&no_claims), rules.rows.bind(&no_claims).constant()) {
        _ if !anonymous || is_open => "",
        (false, _) => "; anonymous readers see no such table",
        (true, Some(false)) => "; none for anonymous readers",
        (true, Some(true)) => "; all for anonymous readers",
        (true, None) => "; some for anonymous readers",
    };
    format!("where {text}{without}")
}

/// Whether anybody sees the column.
pub fn is_served(found: &Found, settings: &TableSettings, name: &String) -> bool {
    let listed = settings.columns.as_ref().is_none_or(|only| only.contains(name));
    found.key.contains(name) || (listed && !settings.hide.contains(name))
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
