//! What a subscription must get, by the protocol's words alone. Which rows and columns are visible is PostgreSQL's to
//! say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::clients::Asked;
use super::expr::{Claims, Expr};
use super::frames::Object;
use super::table::{MAX_EVENT_BYTES, Table};

/// A change, as the test's own trigger saw it.
#[derive(Debug)]
pub struct Change {
    pub n: i64,
    pub tx: String,
    pub op: String,
    pub origin: Option<String>,
    pub old: Object,
    pub new: Object,
}

/// What PostgreSQL says of a change: whether the row is visible, then each mask; before and after.
#[derive(Debug)]
pub struct Verdict {
    pub old: Vec<bool>,
    pub new: Vec<bool>,
}

/// The part of a table that is there for somebody.
pub struct View<'t> {
    table: &'t Table,
    /// Those that aren't always visible have the number of their mask.
    pub columns: Vec<(&'static str, Option<usize>)>,
    pub masks: Vec<&'t Expr>,
    pub is_never: bool,
}

/// An event without `seq` and `at`, in a form that can be compared.
pub type Told = BTreeMap<String, String>;

/// What must be told of the change with this number.
#[derive(Debug)]
pub struct Expected<'c> {
    pub change: &'c Change,
    pub told: Told,
}

impl<'t> View<'t> {
    pub fn whole(table: &'t Table, claims: &Claims) -> Option<Self> {
        let policy = &table.policy;
        if !policy.rows.possible(claims).0 {
            return None;
        }
        let is_never = policy.rows.is_never(claims);
        let mut view = Self { table, columns: Vec::new(), masks: Vec::new(), is_never };
        for name in table.served() {
            let rule = policy.rules.iter().find(|rule| rule.0 == name).map(|rule| &rule.1);
            match rule {
                Some(rule) if rule.is_never(claims) => {}
                Some(rule) if rule.constant(claims).is_none() => {
                    view.columns.push((name, Some(view.masks.len())));
                    view.masks.push(rule);
                }
                _ => view.columns.push((name, None)),
            }
        }
        Some(view)
    }

    /// What is asked for of it, or the code of the answer that refuses it.
    pub fn new(
        table: &'t Table,
        claims: &Claims,
        asked: &Asked,
        filter: Option<&Expr>,
    ) -> Result<Self, &'static str> {
        let mut view = Self::whole(table, claims).ok_or("unknown_table")?;
        let always = |name: &&'static str| view.columns.contains(&(*name, None));
        let mut read = filter.into_iter().flat_map(Expr::atoms).flat_map(|atom| &atom.columns);
        if !read.all(always) {
            return Err("invalid_filter");
        }
        if let Some(names) = &asked.columns {
            if !names.iter().all(|name| view.columns.iter().any(|column| column.0 == *name)) {
                return Err("unknown_column");
            }
            view.columns.retain(|(name, _)| names.contains(name) || table.key.contains(name));
        }
        Ok(view)
    }

    /// The columns of a row that are seen, with their values.
    pub fn seen(&self, row: &Object, verdict: &[bool]) -> Object {
        let is_seen = |mask: &Option<usize>| mask.is_none_or(|at| verdict[at + 1]);
        let columns = self.columns.iter().filter(|(_, mask)| is_seen(mask));
        Object(columns.map(|(name, _)| ((*name).to_owned(), row.get(name).to_owned())).collect())
    }

    fn key(&self, row: &Object) -> Option<Object> {
        let key = &self.table.key;
        let values = key.iter().map(|name| ((*name).to_owned(), row.get(name).to_owned()));
        (!key.is_empty()).then(|| Object(values.collect()))
    }

    /// The events that must be told of a change, in order.
    pub fn tell<'c>(
        &self,
        asked: &Asked,
        change: &'c Change,
        verdict: &Verdict,
    ) -> Vec<Expected<'c>> {
        let Change { op, old, new, .. } = change;
        let was = (op == "U" || op == "D") && verdict.old[0];
        let is = (op == "U" || op == "I") && verdict.new[0];
        let (before, after) = (self.seen(old, &verdict.old), self.seen(new, &verdict.new));
        let expect = |told: Told| Expected { change, told };
        let created = |cause: Option<&str>| {
            expect(self.told(asked, change, "created", self.key(new), Some(&after), cause, None))
        };
        let removed = |cause: Option<&str>| {
            let (key, row) = (self.key(old), Some(&before));
            expect(self.told(asked, change, "removed", key, row, cause, row))
        };
        let same_key = self.key(old) == self.key(new);
        match op.as_str() {
            "T" if self.is_never => vec![],
            "T" => vec![expect(self.told(asked, change, "truncated", None, None, None, None))],
            "I" => is.then(|| created(None)).into_iter().collect(),
            "D" => was.then(|| removed(None)).into_iter().collect(),
            _ if was && is && same_key => {
                let differs = |name: &&String| before.0.get(*name) != after.0.get(*name);
                let changed: BTreeSet<_> = after.0.keys().filter(differs).collect();
                let vanished = before.0.keys().any(|name| !after.0.contains_key(name));
                if changed.is_empty() && !vanished {
                    return vec![];
                }
                let (key, word) = (self.key(new), self.table.policy.updates);
                let mut told =
                    self.told(asked, change, word, key, Some(&after), None, Some(&before));
                told.insert("changed".to_owned(), json!(changed).to_string());
                vec![expect(told)]
            }
            _ => {
                let removed = was.then(|| removed((!is).then_some("leave")));
                let created = is.then(|| created((!was).then_some("enter")));
                removed.into_iter().chain(created).collect()
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an event has that many parts")]
    fn told(
        &self,
        asked: &Asked,
        change: &Change,
        event: &str,
        key: Option<Object>,
        data: Option<&Object>,
        cause: Option<&str>,
        old: Option<&Object>,
    ) -> Told {
        let text = |text: &str| json!(text).to_string();
        let shown = |object: &Object| format!("{:?}", object.0);
        let fits = |object: &Object| object.0.values().all(|value| value.len() <= MAX_EVENT_BYTES);
        let mut parts = vec![
            ("event", text(event)),
            ("table", text(&asked.table)),
            ("key", key.as_ref().map_or("null".to_owned(), shown)),
            ("tx", text(&change.tx)),
        ];
        parts.extend(data.map(|data| match fits(data) {
            true => ("data", shown(data)),
            false => ("oversize", "true".to_owned()),
        }));
        parts.extend(cause.map(|cause| ("cause", text(cause))));
        parts.extend(change.origin.as_ref().map(|origin| ("origin", text(origin))));
        parts.extend(old.filter(|old| asked.old && fits(old)).map(|old| ("old", shown(old))));
        parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// An event that came, in the form of those that are expected.
pub fn told(event: &Object) -> Told {
    let mut told = Told::new();
    for (name, value) in &event.0 {
        let shown = match name.as_str() {
            "seq" | "at" => continue,
            "key" if value == "null" => value.clone(),
            "key" | "data" | "old" => format!("{:?}", super::frames::object(value).0),
            "changed" => {
                let names: Vec<String> = serde_json::from_str(value).unwrap();
                let mut sorted = names;
                sorted.sort();
                json!(sorted).to_string()
            }
            "event" | "table" | "tx" | "cause" | "origin" => json!(event.text(name)).to_string(),
            _ => value.clone(),
        };
        told.insert(name.clone(), shown);
    }
    told
}
