//! Made-up changes of three tables: `orders`, `lines` with a key of two columns, and `notes` without a key.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use proptest::sample::select;

use crate::catalog::{Catalog, Column, Table, TableId};
use crate::event::{Change, Op, RowText, Rows, Seq};
use crate::identity::Claims;
use crate::policy::{Case, Request, Served, TableSettings, View};
use crate::shape::ShapeKey;
use crate::wire::{Batch, Feed, Format, Formats};

mod cases;
mod log;
mod merged;
mod rounds;
mod shares;

pub const ORDERS: TableId = TableId(1);
pub const LINES: TableId = TableId(2);
pub const NOTES: TableId = TableId(3);

pub fn served() -> Arc<Served> {
    let tables = [
        (ORDERS, "orders", vec!["id"]),
        (LINES, "lines", vec!["id", "part"]),
        (NOTES, "notes", vec![]),
    ];
    let names =
        [(1, "id", "bigint"), (2, "part", "text"), (3, "owner", "bigint"), (4, "total", "bigint")];
    let table = |(id, name, key): (TableId, &str, Vec<&str>)| {
        let columns =
            names.iter().map(|&(number, name, kind)| Column::built_in(number, name, kind));
        let table = Table {
            id,
            schema: "public".to_owned(),
            name: name.to_owned(),
            listed_as: name.to_owned(),
            columns: columns.collect(),
            key: key.into_iter().map(str::to_owned).collect(),
        };
        (id, Arc::new(table))
    };
    let catalog = Catalog { tables: tables.into_iter().map(table).collect::<HashMap<_, _>>() };
    let settings = ["orders", "lines", "notes"].map(TableSettings::open_to_all);
    Arc::new(Served::bind(&catalog, &settings, 1 << 20).unwrap())
}

pub fn view(served: &Served, table: &str, filter: Option<&str>) -> Arc<View> {
    let request = Request { filter: filter.map(str::to_owned), ..Request::whole(table) };
    Arc::new(served.view(&request, &Claims::default()).unwrap())
}

pub fn shape(served: &Served, table: &str, filter: Option<&str>) -> ShapeKey {
    ShapeKey { view: view(served, table, filter), with_old: true, copy: 0 }
}

/// A row, by its key, and what else it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    pub id: i64,
    pub part: &'static str,
    pub owner: i64,
    pub total: i64,
}

impl Order {
    pub fn new(id: i64, owner: i64, total: i64) -> Self {
        Self { id, part: "a", owner, total }
    }

    pub fn text(&self) -> RowText {
        let Self { id, part, owner, total } = self;
        let json = format!(r#"{{"id":{id},"part":"{part}","owner":{owner},"total":{total}}}"#);
        RowText { json, key_only: false }
    }
}

pub fn change(
    seq: i64,
    txid: u64,
    table: TableId,
    old: Option<RowText>,
    new: Option<RowText>,
) -> Change {
    let op = match (&old, &new) {
        (None, Some(_)) => Op::Insert,
        (Some(_), Some(_)) => Op::Update,
        (Some(_), None) => Op::Delete,
        (None, None) => Op::Truncate,
    };
    let origin = Some(format!("o{seq}"));
    Change { seq: Seq(seq), txid, table, op, old, new, at: UNIX_EPOCH, origin }
}

pub fn orders(seq: i64, old: Option<Order>, new: Option<Order>) -> Change {
    change(seq, 1, ORDERS, old.map(|of| of.text()), new.map(|of| of.text()))
}

/// The events of a view, as JSON.
pub fn seen(served: &Served, view: &View, changes: &[Change]) -> Vec<serde_json::Value> {
    let mut batch = Batch::new(Feed(1), view, true);
    for change in changes.iter().filter(|change| change.table == view.table_id()) {
        let table = served.table(change.table).unwrap();
        let rows = Rows::read(change, &table.table().columns).unwrap();
        view.see(&Case::new(&rows, table)).for_each(|seen| batch.push(&seen));
    }
    let formats = Formats { poll: true, ..Formats::default() };
    let end = crate::cursor::Cursor::new(rounds::ERA, "9:9:".parse().unwrap());
    let sealed = batch.seal_all(formats, &crate::wire::Commit::new(Arc::new(end)));
    let delivery = sealed.format(Format::Poll).unwrap().without_commit();
    rounds::events(Format::Poll, delivery)
}

/// Rows by their keys, as a client that applies events has them.
pub type State = BTreeMap<String, serde_json::Value>;

pub fn apply(state: &mut State, event: &serde_json::Value) {
    match event["event"].as_str().unwrap() {
        "truncated" => state.clear(),
        "removed" => drop(state.remove(&event["key"].to_string())),
        _ => drop(state.insert(event["key"].to_string(), event["data"].clone())),
    }
}

/// What transactions might do to a table, one after the other: true changes of what is there.
#[derive(Clone, Debug)]
pub enum Act {
    /// Puts a row there, whatever was there.
    Set(TableId, Order),
    Remove(TableId, i64, &'static str),
    /// To another key, if it is free.
    Move(TableId, i64, &'static str, i64),
    Truncate(TableId),
}

pub fn act() -> impl Strategy<Value = Act> {
    let table = || select(vec![ORDERS, LINES]);
    let (id, part) = (|| 0..5_i64, || select(vec!["a", "b"]));
    prop_oneof![
        12 => (table(), id(), part(), 0..3_i64, 0..100_i64).prop_map(|(table, id, part, owner, total)| {
            Act::Set(table, Order { id, part, owner, total })
        }),
        6 => (table(), id(), part()).prop_map(|(table, id, part)| Act::Remove(table, id, part)),
        4 => (table(), id(), part(), id()).prop_map(|(table, id, part, to)| Act::Move(table, id, part, to)),
        1 => table().prop_map(Act::Truncate),
    ]
}

/// The tables while acts are done to them.
#[derive(Default)]
pub struct World(HashMap<TableId, BTreeMap<(i64, &'static str), Order>>);

impl World {
    /// The change that the act makes, if it makes one.
    pub fn perform(&mut self, act: &Act, seq: i64, txid: u64) -> Option<Change> {
        let key = |table: TableId, id: i64, part: &'static str| {
            (id, if table == ORDERS { "" } else { part })
        };
        let of = |table: TableId, old: Option<Order>, new: Option<Order>| {
            let changed = old != new;
            changed
                .then(|| change(seq, txid, table, old.map(|of| of.text()), new.map(|of| of.text())))
        };
        match *act {
            Act::Set(table, row) => {
                let old =
                    self.0.entry(table).or_default().insert(key(table, row.id, row.part), row);
                of(table, old, Some(row))
            }
            Act::Remove(table, id, part) => {
                of(table, self.0.entry(table).or_default().remove(&key(table, id, part)), None)
            }
            Act::Move(table, id, part, to) => {
                let rows = self.0.entry(table).or_default();
                if rows.contains_key(&key(table, to, part)) {
                    return None;
                }
                let old = rows.remove(&key(table, id, part))?;
                let new = Order { id: to, ..old };
                rows.insert(key(table, to, part), new);
                of(table, Some(old), Some(new))
            }
            Act::Truncate(table) => {
                self.0.remove(&table);
                Some(change(seq, txid, table, None, None))
            }
        }
    }
}
