//! What is allowed, but may not be meant.

use std::collections::{BTreeSet, HashMap};

use super::words::is_served;
use crate::catalog::{Found, TableSettings};
use crate::config::{Config, Fault, Faults};
use crate::identity::{self, Claims};
use crate::policy::{RuleAt, Rules};
use crate::predicate;

/// Parts of names of columns that hardly anybody is to see.
const SECRETS: [&str; 6] = ["password", "passwd", "secret", "token", "hash", "api_key"];

/// The numbers of the columns that some index begins with, by table.
pub type Indexed = HashMap<u32, BTreeSet<i16>>;

/// Warnings about a table, at their places.
pub fn warnings(config: &Config, found: &Found, rules: &Rules, indexed: &Indexed) -> Faults {
    let settings = &config.settings.tables[found.settings];
    let intent = Intent { config, found, settings, rules };
    let mut faults = Faults::default();
    let said =
        [intent.open_to_all(), intent.secrets(), intent.without_index(indexed.get(&found.oid))];
    said.into_iter().flatten().for_each(|fault| faults.push(fault));
    intent.unknown_claims().into_iter().for_each(|fault| faults.push(fault));
    faults
}

struct Intent<'c> {
    config: &'c Config,
    found: &'c Found,
    settings: &'c TableSettings,
    rules: &'c Rules,
}

impl Intent<'_> {
    fn warning(&self, at: Option<RuleAt>, message: String, help: impl Into<String>) -> Fault {
        let fault = Fault::warning(message).help(help);
        self.config.at_table(self.found.settings, at, fault)
    }

    fn open_to_all(&self) -> Option<Fault> {
        let auth = &self.config.settings.auth;
        let table = &self.settings.name;
        let bound = self.rules.rows.bind(&Claims::default());
        let is_constant =
            self.rules.rows.columns().is_empty() && !mentions_claims(&self.settings.rows);
        let (message, help) = match bound.constant() {
            Some(true) if auth.anonymous => (
                format!("every row of `{table}` is visible to anonymous readers"),
                "if that isn't meant: rows = \"customer_id = auth.sub\", or anonymous = false",
            ),
            Some(true) if is_constant => (
                format!("every row of `{table}` is visible to everybody with a credential"),
                "if that isn't meant, say whose rows they are: rows = \"customer_id = auth.sub\"",
            ),
            _ => return None,
        };
        Some(self.warning(Some(RuleAt::Rows), message, help))
    }

    fn secrets(&self) -> Option<Fault> {
        let is_secret = |name: &str| {
            let name = name.to_lowercase();
            SECRETS.iter().any(|secret| name.contains(secret))
        };
        let has_rule = |name: &str| self.settings.column_rules.iter().any(|it| it.column == name);
        let columns = self.found.columns.iter().map(|column| &column.name);
        let shown = columns.filter(|name| {
            is_secret(name) && !has_rule(name) && is_served(self.found, self.settings, name)
        });
        let names: Vec<String> = shown.map(|name| format!("{name:?}")).collect();
        if names.is_empty() {
            return None;
        }
        let table = &self.settings.name;
        let listed = names.join(", ");
        let message = format!("{listed} of `{table}` is visible in every visible row");
        Some(self.warning(None, message, format!("if that isn't meant: hide = [{listed}]")))
    }

    fn without_index(&self, indexed: Option<&BTreeSet<i16>>) -> Option<Fault> {
        let read: Vec<_> =
            self.rules.rows.columns().iter().map(|&at| &self.found.columns[at]).collect();
        let begins_one = |number: i16| indexed.is_some_and(|indexed| indexed.contains(&number));
        if read.is_empty()
            || !mentions_claims(&self.settings.rows)
            || read.iter().any(|column| begins_one(column.number))
        {
            return None;
        }
        let table = &self.settings.name;
        let names: Vec<String> = read.iter().map(|column| format!("`{}`", column.name)).collect();
        let message = format!(
            "no index of `{table}` begins with {}, by which its rows are chosen",
            names.join(" or ")
        );
        let help = "each snapshot reads the whole table: create an index on the column";
        Some(self.warning(Some(RuleAt::Rows), message, help))
    }

    /// Claims that nobody can have, where all that anybody can have are in the configuration.
    fn unknown_claims(&self) -> Vec<Fault> {
        let Some(known) = known_claims(&self.config.settings.auth) else { return Vec::new() };
        let mut faults = Vec::new();
        let mut look = |at: RuleAt, text: &str| {
            let claims = predicate::outline(text).map(|outline| outline.claims).unwrap_or_default();
            for path in claims.iter().filter(|path| !known.contains(path[0].as_str())) {
                let message = format!("nobody has the claim `{}`", path.join("."));
                let help = match known.is_empty() {
                    true => "anonymous readers have no claims, and [auth] knows nobody else".into(),
                    false => format!("the keys in [[auth.key]] have {}", listed(&known)),
                };
                faults.push(self.warning(Some(at), message, help));
            }
        };
        look(RuleAt::Rows, &self.settings.rows);
        for (line, rule) in self.settings.column_rules.iter().enumerate() {
            look(RuleAt::ColumnRule(line), &rule.visible_if);
        }
        faults
    }
}

fn mentions_claims(text: &str) -> bool {
    predicate::outline(text).is_ok_and(|outline| !outline.claims.is_empty())
}

/// None if credentials may bring any.
fn known_claims(auth: &identity::Settings) -> Option<BTreeSet<&str>> {
    let open = auth.jwt.is_some() || auth.session.is_some() || auth.request.is_some();
    let names = auth.keys.iter().flat_map(|key| key.claims.as_map().keys());
    (!open).then(|| names.map(String::as_str).collect())
}

fn listed(names: &BTreeSet<&str>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
