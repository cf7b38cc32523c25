//! What an event must look like, what it does to a copy, and what every state of a copy must be like.

use std::collections::BTreeSet;

use super::copy::{Fault, Row, Rows, brief};
use crate::random::{Object, object};

/// What a subscription promises.
#[derive(Clone, Debug)]
pub struct Rules {
    /// As it was asked for.
    pub table: String,
    pub key: Vec<&'static str>,
    /// What an UPDATE is called.
    pub update: &'static str,
    pub with_old: bool,
    /// Whether several changes of a row may come as one.
    pub merges: bool,
    /// What every state must be like.
    pub always: Always,
}

/// What transactions keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Always {
    Anything,
    /// The sum of the balances.
    Sum(i64),
}

const NAMES: [&str; 12] = [
    "event", "table", "key", "data", "changed", "cause", "old", "seq", "tx", "at", "origin",
    "oversize",
];

impl Rules {
    pub fn key_of(&self, row: &Object) -> Result<String, Fault> {
        let values: Vec<_> = self.key.iter().map(|name| row.get(name)).collect();
        match values.iter().any(|value| value.is_empty()) {
            true => Err(format!("a row without its key: {row:?}")),
            false => Ok(values.join("|")),
        }
    }

    pub fn check_form(&self, event: &Object) -> Result<(), Fault> {
        let wrong = |what: &str| Err(format!("{what}: {}", brief(event)));
        if let Some(name) = event.0.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return wrong(&format!("an event has {name}"));
        }
        if event.text("table") != self.table {
            return wrong("an event of another table");
        }
        let kind = event.text("event");
        let is_update = kind == "patched" || kind == "updated";
        if is_update && kind != self.update {
            return wrong("an update is called otherwise");
        }
        if !is_update && !["created", "removed", "truncated"].contains(&kind.as_str()) {
            return wrong("an unknown event");
        }
        if is_update != event.0.contains_key("changed") && !event.0.contains_key("oversize") {
            return wrong("changed is there, or isn't, against the rule");
        }
        if !self.with_old && event.0.contains_key("old") {
            return wrong("old wasn't asked for");
        }
        let has_data = event.0.contains_key("data") != event.0.contains_key("oversize");
        if (kind == "truncated") == has_data {
            return wrong("there is data, or isn't, against the rule");
        }
        Ok(())
    }

    pub fn check_state(&self, rows: &Rows) -> Result<(), Fault> {
        let Always::Sum(expected) = self.always else { return Ok(()) };
        let balance = |row: &Row| match row {
            Row::Known(row) => row.get("balance").parse::<i64>().ok(),
            Row::Large => None,
        };
        let sum: Option<i64> = rows.values().map(balance).sum();
        match sum == Some(expected) {
            true => Ok(()),
            false => Err(format!("the sum is {sum:?}, not {expected}; {} rows", rows.len())),
        }
    }
}

/// Does to the rows what the event says.
pub fn apply(rules: &Rules, rows: &mut Rows, event: &Object) -> Result<(), Fault> {
    let kind = event.text("event");
    if kind == "truncated" {
        rows.clear();
        return Ok(());
    }
    let key = rules.key_of(&object(event.get("key")))?;
    let before = rows.remove(&key);
    let data = event.0.get("data").map(|data| object(data));
    let wrong = |what: &str| Err(format!("{what}: {}\n  the copy has {before:?}", brief(event)));
    if let Some(data) = &data
        && rules.key_of(data)? != key
    {
        return wrong("key and data differ");
    }
    match (kind.as_str(), &before) {
        ("created", Some(_)) => return wrong("created, and was there"),
        ("created", None) => {}
        (_, None) => return wrong("it wasn't there"),
        ("removed", Some(Row::Known(row))) if data.as_ref().is_some_and(|data| data != row) => {
            return wrong("removed, and isn't what was there");
        }
        ("removed", Some(_)) => {}
        (_, Some(Row::Known(row))) => check_update(row, data.as_ref(), event)?,
        (_, Some(Row::Large)) => {}
    }
    if kind != "removed" {
        rows.insert(key, data.map_or(Row::Large, Row::Known));
    }
    Ok(())
}

/// `old` is what was there, and `changed` names what differs.
fn check_update(before: &Object, data: Option<&Object>, event: &Object) -> Result<(), Fault> {
    let wrong = |what: &str| {
        Err(format!("{what}: {}\n  the copy has {before:?}\n  data {data:?}", brief(event)))
    };
    if let Some(old) = event.0.get("old")
        && object(old) != *before
    {
        return wrong("old isn't what was there");
    }
    let Some(data) = data else { return Ok(()) };
    let differs = |name: &&String| before.0.get(*name) != data.0.get(*name);
    let expected: BTreeSet<&String> = data.0.keys().filter(differs).collect();
    let listed: Vec<String> = serde_json::from_str(event.get("changed"))
        .map_err(|error| format!("{error}: {}", brief(event)))?;
    if !expected.iter().copied().eq(listed.iter().collect::<BTreeSet<_>>()) {
        return wrong("changed is wrong");
    }
    let vanished = before.0.keys().any(|name| !data.0.contains_key(name));
    if expected.is_empty() && !vanished {
        return wrong("nothing changed");
    }
    Ok(())
}
