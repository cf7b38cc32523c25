//! What a subscription must get, by the protocol's words alone. Which rows and columns are visible is PostgreSQL's to
//! say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::random::{Asked, MAX_EVENT_BYTES, Object, View, object};

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

/// An event without `seq` and `at`, in a form that can be compared.
pub type Told = BTreeMap<String, String>;

/// What must be told of the change with this number.
#[derive(Debug)]
pub struct Expected<'c> {
    pub change: &'c Change,
    pub told: Told,
}

impl View<'_> {
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
            "key" | "data" | "old" => format!("{:?}", object(value).0),
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
