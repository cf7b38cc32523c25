use std::collections::HashMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::*;
use crate::catalog::{Catalog, Column, Table, TableId};
use crate::event::{Change, Op, RowText, Rows, Seq};
use crate::identity::Claims;

mod altered;
mod asked;
mod seen;

const ID: TableId = TableId(1);
const COLUMNS: [(i16, &str, &str); 5] = [
    (1, "id", "bigint"),
    (2, "customer", "bigint"),
    (3, "status", "text"),
    (4, "margin", "integer"),
    (5, "secret", "text"),
];

fn claims(claims: Value) -> Claims {
    Claims::new(claims.as_object().unwrap().clone())
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn catalog(columns: &[(i16, &str, &str)], key: &[&str]) -> Catalog {
    let columns = columns.iter().map(|&(number, name, kind)| Column::built_in(number, name, kind));
    let table = Table {
        id: ID,
        schema: "public".to_owned(),
        name: "orders".to_owned(),
        listed_as: "orders".to_owned(),
        columns: columns.collect(),
        key: strings(key),
    };
    Catalog { tables: HashMap::from([(ID, Arc::new(table))]) }
}

/// `orders`, hiding `secret`, with these rules.
fn settings(rows: &str, masks: &[(&str, &str)]) -> TableSettings {
    let rule = |&(column, visible_if): &(&str, &str)| ColumnRule {
        column: column.to_owned(),
        visible_if: visible_if.to_owned(),
    };
    TableSettings {
        rows: rows.to_owned(),
        hide: strings(&["secret"]),
        column_rules: masks.iter().map(rule).collect(),
        ..TableSettings::open_to_all("orders")
    }
}

fn served(rows: &str, masks: &[(&str, &str)]) -> Served {
    Served::bind(&catalog(&COLUMNS, &["id"]), &[settings(rows, masks)], 1 << 20).unwrap()
}

fn request(columns: Option<&[&str]>, filter: Option<&str>) -> Request {
    let columns = columns.map(strings);
    Request { columns, filter: filter.map(str::to_owned), ..Request::whole("orders") }
}

fn change(op: Op, old: Option<RowText>, new: Option<RowText>) -> Change {
    let (seq, at) = (Seq(1), UNIX_EPOCH);
    Change { seq, txid: 1, table: ID, op, old, new, at, origin: None }
}

fn row(id: i64, customer: i64, status: &str, margin: i64) -> Option<RowText> {
    let json = format!(
        r#"{{"id":{id},"customer":{customer},"status":"{status}","margin":{margin},"secret":"s"}}"#
    );
    Some(RowText { json, key_only: false })
}

/// What is seen of a change, in words: `patched enter {"id":1} [changed] was {…}`.
fn told(served: &Served, view: &View, change: &Change) -> Vec<String> {
    let table = served.table(ID).unwrap();
    let rows = Rows::read(change, &table.table().columns).unwrap();
    let case = Case::new(&rows, table);
    view.see(&case).map(|seen| tell(view, &seen)).collect()
}

fn tell(view: &View, seen: &Visible<'_>) -> String {
    let name = |at: usize| view.columns().find(|(known, _)| *known == at).unwrap().1.to_owned();
    let mut told = seen.kind().as_str().to_owned();
    if let Some(cause) = seen.cause() {
        told += if cause == Cause::Enter { " enter" } else { " leave" };
    }
    let values = |content: Content<'_>| match content {
        Content::Whole(text) => text.to_owned(),
        Content::Columns(row, columns) => {
            let value = |&at: &usize| Some(format!("{}={}", name(at), row.value(at)?));
            columns.iter().filter_map(value).collect::<Vec<_>>().join(" ")
        }
    };
    match seen.content() {
        Some(content) => told += &format!(": {}", values(content)),
        None if seen.kind() != crate::event::Kind::Truncated => told += ": too large",
        None => {}
    }
    if let Some(changed) = seen.changed() {
        told += &format!(" [{}]", changed.iter().map(|&at| name(at)).collect::<Vec<_>>().join(" "));
    }
    if let Some(old) = seen.old().filter(|_| seen.kind() == crate::event::Kind::Patched) {
        told += &format!(" was {}", values(old));
    }
    told
}
