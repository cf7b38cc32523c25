//! Tables at random, their configuration, and values for their columns.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};

use super::expr::{Expr, quoted};

pub const MOODS: [&str; 4] = ["new", "open", "paid", "void"];
/// What a row's event may take; a column's value is far below it, or far above.
pub const MAX_EVENT_BYTES: usize = 4_096;
/// Few, so that writers meet.
const IDS: u64 = 12;
const LARGE_BYTES: usize = 3 * MAX_EVENT_BYTES;

/// The column that comes later.
pub const GROWN: &str = "grown";

pub type Kind = (&'static str, &'static str);

const POOL: [Kind; 12] = [
    ("customer", "bigint"),
    ("org", "integer"),
    ("owner", "text"),
    ("status", "mood"),
    ("amount", "numeric"),
    ("seen_at", "timestamp with time zone"),
    ("tags", "text[]"),
    ("doc", "jsonb"),
    ("note", "text"),
    ("secret", "text"),
    ("body", "text"),
    ("flag", "boolean"),
];

#[derive(Clone)]
pub struct Table {
    pub name: String,
    /// In the table's order, with their types.
    pub columns: Vec<Kind>,
    pub key: Vec<&'static str>,
    /// Two transactions may hold the same key at a time, until one has committed.
    pub deferrable: bool,
    /// Another column comes while clients are connected.
    pub grows: bool,
    /// Writers use the ids from 1 to this.
    pub ids: u64,
    pub policy: Policy,
}

#[derive(Clone)]
pub struct Policy {
    pub rows: Expr,
    pub only: Option<Vec<&'static str>>,
    pub hide: Vec<&'static str>,
    pub rules: Vec<(&'static str, Expr)>,
    pub updates: &'static str,
}

impl Table {
    pub fn random(rng: &mut StdRng, name: String) -> Self {
        let mut columns = POOL.to_vec();
        columns.shuffle(rng);
        columns.truncate(rng.random_range(6..=POOL.len()));
        let (in_key, key): (&[Kind], Vec<_>) = match rng.random_range(0..5) {
            0 => (&[("id", "integer")], vec![]),
            1 | 2 => (&[("id", "integer"), ("region", "text")], vec!["region", "id"]),
            _ => (&[("id", "bigint")], vec!["id"]),
        };
        for column in in_key {
            columns.insert(rng.random_range(0..=columns.len()), *column);
        }
        let deferrable = rng.random_bool(0.5);
        let policy = Policy::open();
        let grows = rng.random_bool(0.3);
        let mut table = Self { name, columns, key, deferrable, grows, ids: IDS, policy };
        table.policy = Policy::random(rng, &table);
        table
    }

    pub fn column(&self, name: &str) -> Option<Kind> {
        self.columns.iter().copied().find(|column| column.0 == name)
    }

    /// The columns that are served to somebody, in the table's order.
    pub fn served(&self) -> Vec<&'static str> {
        let Policy { only, hide, .. } = &self.policy;
        let names = self.columns.iter().map(|column| column.0);
        names
            .filter(|name| {
                self.key.contains(name)
                    || (only.as_ref().is_none_or(|only| only.contains(name))
                        && !hide.contains(name))
            })
            .collect()
    }

    /// The columns besides the key.
    pub fn others(&self) -> Vec<&'static str> {
        let names = self.columns.iter().map(|column| column.0);
        names.filter(|name| !["id", "region"].contains(name)).collect()
    }

    pub fn ddl(&self) -> String {
        let Self { name, columns, .. } = self;
        let columns: Vec<_> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        let key = match self.key.as_slice() {
            [] => String::new(),
            key => {
                let when = if self.deferrable { " deferrable initially deferred" } else { "" };
                format!(", primary key ({}){when}", key.join(", "))
            }
        };
        format!("create table {name} ({}{key})", columns.join(", "))
    }

    /// `[[table]]`.
    pub fn toml(&self) -> String {
        let Policy { rows, only, hide, rules, updates } = &self.policy;
        let mut toml = format!(
            "[[table]]\nname = '{}'\nupdates = '{updates}'\nrows = '''{} '''\n",
            self.name,
            rows.text()
        );
        if self.key.is_empty() {
            toml += "key = []\n";
        }
        if let Some(only) = only {
            writeln!(toml, "columns = {only:?}").unwrap();
        }
        if !hide.is_empty() {
            writeln!(toml, "hide = {hide:?}").unwrap();
        }
        if !rules.is_empty() {
            toml += "[table.columns]\n";
            for (name, rule) in rules {
                writeln!(toml, "{name} = '''{} '''", rule.text()).unwrap();
            }
        }
        toml
    }
}

impl Policy {
    pub fn open() -> Self {
        let rows = Expr::constantly(true);
        Self { rows, only: None, hide: Vec::new(), rules: Vec::new(), updates: "patched" }
    }

    fn random(rng: &mut StdRng, table: &Table) -> Self {
        let mut others = table.others();
        others.shuffle(rng);
        let mut policy = Self::open();
        if rng.random_bool(0.9) {
            let depth = rng.random_range(0..3);
            policy.rows = Expr::random(rng, table, depth, true);
        }
        if rng.random_bool(0.5) {
            policy.updates = "updated";
        }
        let hidden = rng.random_range(0..3);
        policy.hide = others.drain(..hidden).collect();
        if rng.random_bool(0.2) {
            let listed = rng.random_range(1..others.len());
            policy.only = Some(others.drain(..listed).chain(table.key.iter().copied()).collect());
        } else {
            let ruled = rng.random_range(0..=3);
            let rule = |rng: &mut StdRng, name| {
                let depth = rng.random_range(0..2);
                (name, Expr::random(rng, table, depth, true))
            };
            policy.rules = others.drain(..ruled).map(|name| rule(rng, name)).collect();
        }
        policy
    }
}

/// A word that is nowhere else.
fn canary() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(10);
    format!("canary-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A value for the column that comes later, as SQL.
pub fn grown() -> String {
    quoted(&canary())
}

fn one_of(rng: &mut StdRng, among: &[&str]) -> String {
    (*among.choose(rng).unwrap()).to_owned()
}

/// A value for a column, as SQL.
pub fn value(rng: &mut StdRng, table: &Table, column: Kind) -> String {
    let nullable = !["id", "region"].contains(&column.0);
    if nullable && rng.random_bool(0.12) {
        return "null".to_owned();
    }
    match column.0 {
        "id" => rng.random_range(1..=table.ids).to_string(),
        "region" => one_of(rng, &["'eu'", "'us'"]),
        "customer" => rng.random_range(1..=4).to_string(),
        "org" => rng.random_range(1..=3).to_string(),
        "owner" => one_of(rng, &["'u1'", "'u2'", "'u3'", "'x%'", "''"]),
        "status" => quoted(MOODS.choose(rng).unwrap()),
        "amount" => one_of(rng, &["5", "5.00", "10.5", "50", "49.99", "1e20", "'NaN'", "-3"]),
        "seen_at" => one_of(
            rng,
            &[
                "'2026-03-01 11:00Z'",
                "'2026-02-01 00:00:00.123456Z'",
                "'2027-01-01Z'",
                "'infinity'",
            ],
        ),
        "tags" => {
            let word = canary();
            one_of(rng, &["'{}'", "'{a}'", "'{u1,NULL}'", &format!("'{{b,{word}}}'")])
        }
        "doc" => {
            let word = canary();
            let whole = format!("'{{\"kind\": \"x\", \"n\": 1.0, \"w\": \"{word}\"}}'");
            one_of(rng, &["'{}'", "'{\"kind\": \"y\"}'", "'[\"kind\"]'", &whole])
        }
        "flag" => one_of(rng, &["true", "false"]),
        "body" if rng.random_bool(0.1) => {
            format!("'{}' || repeat('ab', {LARGE_BYTES})", canary())
        }
        _ => quoted(&canary()),
    }
}
