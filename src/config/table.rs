//! `[[table]]`: which tables are served, and what of them.

use super::fault::{Fault, Faults, Place};
use super::place::TablePlaces;
use super::rule;
use super::section::Section;
use super::value::{self, Placed};
use super::written::{Node, Written};
use crate::catalog::TableName;
use crate::policy::{TableSettings, UpdateKind};

/// Reads the list of tables; one that has faults may be left out, as there are `faults` then.
pub fn read_all(node: Option<Node>, faults: &mut Faults) -> (Vec<TableSettings>, Vec<TablePlaces>) {
    let items = match node {
        None => {
            if !faults.has_errors() {
                let fault = Fault::warning("nothing is served: the configuration lists no table");
                faults.push(fault.help("add one:\n[[table]]\nname = \"orders\"\nrows = \"true\""));
            }
            return Default::default();
        }
        Some(Node { value: Written::Array(items), .. }) => items,
        Some(node) => {
            let help = "write [[table]], with two brackets, for each table";
            return value::wrong_type(&node, "a list of tables", help, faults).unwrap_or_default();
        }
    };
    let mut read: Vec<(TableSettings, TablePlaces)> = Vec::new();
    let mut names: Vec<(TableName, Place)> = Vec::new();
    for item in items {
        let Some((name, settings, places)) = read_table(item, faults) else { continue };
        match names.iter().find(|(other, _)| *other == name) {
            Some((_, first)) => faults.push(listed_twice(&name, first, &places.name)),
            None => names.push((name, places.name.clone())),
        }
        read.push((settings, places));
    }
    read.into_iter().unzip()
}

fn listed_twice(name: &TableName, first: &Place, again: &Place) -> Fault {
    let (line, _) = first.line_and_column();
    Fault::error(format!("table `{name}` is listed twice"))
        .at(again)
        .label(format!("first listed in line {line}"))
        .help("put everything about a table into one [[table]]")
}

fn read_table(node: Node, faults: &mut Faults) -> Option<(TableName, TableSettings, TablePlaces)> {
    let place = node.place.clone();
    let mut section = Section::new("[[table]]", node, faults);
    let name = section.take("name");
    let rows = section.take("rows");
    let (columns, rules) = split_columns(section.take("columns"));
    let hide = section.get("hide", value::names);
    let key =
        section.get("key", |node, faults| Some(value::names(node, faults).unwrap_or_default()));
    let updates = section.get("updates", read_updates);
    section.not_yet("feathers", "Feathers services (`feathers`) are");
    section.finish();

    let name = read_name(name, &place, faults);
    let rows = rule::read_rows(rows, &place, faults);
    let columns = columns.and_then(|node| value::names(&node, faults));
    let rules = rule::read_columns(rules, faults);
    let hidden = hide.map(|hide| hide.value).unwrap_or_default();
    check_lists(columns.as_deref(), &hidden, key.as_ref(), faults);
    rule::check(&rules, &hidden, key.as_ref().map(|key| key.value.as_slice()), faults);
    let (text, name) = name?;
    let places = TablePlaces {
        name: text.place,
        rows: rows.as_ref().map(|rows| rows.place.clone()),
        columns: columns.iter().flatten().map(|column| column.place.clone()).collect(),
        hide: hidden.iter().map(|column| column.place.clone()).collect(),
        key: key.as_ref().map(|key| {
            (key.place.clone(), key.value.iter().map(|column| column.place.clone()).collect())
        }),
        rules: rules.iter().map(|(name, text)| (name.place.clone(), text.place.clone())).collect(),
    };
    let settings = TableSettings {
        name: text.value,
        columns: columns.map(values),
        hide: values(hidden),
        key: key.map(|key| values(key.value)),
        updates: updates.map(|updates| updates.value).unwrap_or_default(),
        // Without `rows` there is a fault, and nothing is served.
        rows: rows.map_or_else(|| "false".to_owned(), |rows| rows.value),
        column_rules: rules.into_iter().map(rule::meant).collect(),
    };
    Some((name, settings, places))
}

/// `columns` is a list of columns, or a table with a rule for some of them.
fn split_columns(node: Option<Node>) -> (Option<Node>, Option<Node>) {
    match node {
        Some(Node { value: Written::Table(_), .. }) => (None, node),
        node => (node, None),
    }
}

fn values(items: Vec<Placed<String>>) -> Vec<String> {
    items.into_iter().map(|item| item.value).collect()
}

const NAMES: &str = "write 'orders' or 'sales.orders'; a part with a dot or a quote in it goes in \
                     quotes: 'sales.\"or.ders\"'";

fn read_name(
    node: Option<Node>,
    table: &Place,
    faults: &mut Faults,
) -> Option<(Placed<String>, TableName)> {
    let Some(node) = node else {
        let fault = Fault::error("a [[table]] has no name").at(table);
        faults.push(fault.help("name = \"orders\", or name = \"sales.orders\" for another schema"));
        return None;
    };
    let text = value::text(&node, faults)?;
    match text.parse() {
        Ok(name) => Some((Placed { value: text, place: node.place }, name)),
        Err(error) => {
            faults.push(
                Fault::error(format!("`{text}` names no table: {error}"))
                    .at(&node.place)
                    .help(NAMES),
            );
            None
        }
    }
}

fn read_updates(node: &Node, faults: &mut Faults) -> Option<UpdateKind> {
    let words = [("patched", UpdateKind::Patched), ("updated", UpdateKind::Updated)];
    value::one_of(node, &words, faults)
}

/// The lists must not contradict each other or themselves.
fn check_lists(
    columns: Option<&[Placed<String>]>,
    hide: &[Placed<String>],
    key: Option<&Placed<Vec<Placed<String>>>>,
    faults: &mut Faults,
) {
    let columns = columns.unwrap_or_default();
    let key = key.map_or([].as_slice(), |key| key.value.as_slice());
    for (list, items) in [("columns", columns), ("hide", hide), ("key", key)] {
        for (at, item) in items.iter().enumerate() {
            if items[..at].iter().any(|earlier| earlier.value == item.value) {
                let message = format!("column `{}` is twice in `{list}`", item.value);
                faults.push(Fault::error(message).at(&item.place).help("remove one of them"));
            }
        }
    }
    for item in hide {
        let listed = |list: &[Placed<String>]| list.iter().any(|other| other.value == item.value);
        if listed(key) {
            let message = format!("column `{}` is part of the key and can't be hidden", item.value);
            let fault = Fault::error(message).at(&item.place);
            faults.push(fault.help("without its key no reader could tell which row changed"));
        } else if listed(columns) {
            let message = format!("column `{}` is both in `columns` and in `hide`", item.value);
            faults.push(Fault::error(message).at(&item.place).help("remove it from one of them"));
        }
    }
}
