//! Settings from environment variables, laid over what the file says.
//!
//! `ROWCAST_SERVER__LISTEN` is `listen` in `[server]`: two underscores go one level down.
//! `ROWCAST_TABLE` replaces the whole list of tables (an array in TOML or JSON),
//! `ROWCAST_TABLE__0__HIDE` is one value of its first entry. Other variables that begin with
//! `ROWCAST_` are left alone unless they look like a setting: an orchestrator may have put them
//! there (`ROWCAST_PORT`, `ROWCAST_SERVICE_HOST`).

use std::sync::Arc;

use miette::NamedSource;

use super::Environment;
use super::fault::{Fault, Faults, Place};
use super::secrets;
use super::written::{self, Entry, Node, Written};

const PREFIX: &str = "ROWCAST_";

/// Between the levels.
const SEPARATOR: &str = "__";

/// The single values, as paths.
const SCALARS: [&str; 14] = [
    "database.url",
    "server.listen",
    "server.allowed_origins",
    "server.max_event_bytes",
    "server.outbox_max_bytes",
    "server.max_connections",
    "log.retention",
    "log.max_size",
    "log.wake",
    "auth.anonymous",
    "auth.jwt.secret",
    "auth.jwt.secret_file",
    "auth.session.secret",
    "auth.session.secret_file",
];

/// Sets in `root` what the environment says.
pub fn overlay(root: &mut Node, environment: &Environment, faults: &mut Faults) {
    let settings = |(name, _): &(&String, &String)| {
        name.strip_prefix(PREFIX).is_some_and(|rest| rest.contains(SEPARATOR) || rest == "TABLE")
    };
    let mut found: Vec<(Vec<Step>, Node)> = environment
        .iter()
        .filter(settings)
        .map(|(name, value)| (path(&name[PREFIX.len()..]), node(name, value)))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, node) in found {
        let place = node.place.clone();
        if let Err(message) = set(root, &path, node) {
            faults.push(Fault::error(message).at(&place));
        }
    }
    environment.keys().filter_map(|name| mistaken(name)).for_each(|fault| faults.push(fault));
}

/// A variable's value, and for lists and tables what is in it.
fn node(name: &str, value: &str) -> Node {
    let (source, offset) = source(name, value);
    let whole = Place::new(&source, offset..offset + value.len());
    let structured = value.trim_start().starts_with(['[', '{']);
    let parsed = structured
        .then(|| written::parse_value(value, &source, offset).or_else(|| from_json(value, &whole)));
    let text = || Node { value: Written::Variable(value.to_owned()), place: whole.clone() };
    parsed.flatten().unwrap_or_else(text)
}

/// The variable as a shell would write it, and where in that its value begins.
pub fn source(name: &str, value: &str) -> (Arc<NamedSource<String>>, usize) {
    let hidden = "*".repeat(value.len());
    let shown = if secrets::is_secret_variable(name) { &hidden } else { value };
    let text = format!("{name}={shown}");
    (written::source(&format!("environment variable {name}"), &text), name.len() + 1)
}

fn from_json(text: &str, place: &Place) -> Option<Node> {
    serde_json::from_str(text).ok().map(|value| json_node(value, place))
}

fn json_node(value: serde_json::Value, place: &Place) -> Node {
    use serde_json::Value;
    let value = match value {
        Value::Null => Written::Table(Vec::new()),
        Value::Bool(yes) => Written::Boolean(yes),
        Value::Number(number) if number.is_f64() => Written::Float,
        Value::Number(number) => Written::Integer(number.as_i64()),
        Value::String(text) => Written::Text(text),
        Value::Array(items) => {
            Written::Array(items.into_iter().map(|item| json_node(item, place)).collect())
        }
        Value::Object(object) => {
            let entry = |(key, value)| entry(key, json_node(value, place));
            Written::Table(object.into_iter().map(entry).collect())
        }
    };
    Node { value, place: place.clone() }
}

fn entry(key: String, node: Node) -> Entry {
    Entry { key, key_place: node.place.clone(), node }
}

/// One level down: into a list by number, or into a table by name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Item(usize),
    Key(String),
}

fn path(name: &str) -> Vec<Step> {
    let step =
        |part: &str| part.parse().map_or_else(|_| Step::Key(part.to_ascii_lowercase()), Step::Item);
    name.split(SEPARATOR).map(step).collect()
}

/// Puts `node` at the end of `path`, making the tables on the way.
fn set(at: &mut Node, path: &[Step], node: Node) -> Result<(), &'static str> {
    let Some((step, rest)) = path.split_first() else {
        *at = node;
        return Ok(());
    };
    let empty = match rest.first() {
        Some(Step::Item(_)) => Written::Array(Vec::new()),
        _ => Written::Table(Vec::new()),
    };
    let empty = Node { value: empty, place: node.place.clone() };
    let next = match (step, &mut at.value) {
        (Step::Item(number), Written::Array(items)) => {
            if *number == items.len() {
                items.push(empty);
            }
            items.get_mut(*number).ok_or("the list is shorter: its entries are numbered from 0")?
        }
        (Step::Key(key), Written::Table(entries)) => {
            let found = entries.iter().position(|entry| entry.key == *key);
            let found = found.unwrap_or_else(|| {
                entries.push(entry(key.clone(), empty));
                entries.len() - 1
            });
            &mut entries[found].node
        }
        (Step::Key(_), Written::Array(_)) => return Err("a list's entries are numbered from 0"),
        _ => return Err("no setting has such a name"),
    };
    set(next, rest, node)
}

/// A warning for a variable that isn't a setting, but was probably meant to be one:
/// `ROWCAST_SERVER_LISTEN`.
fn mistaken(name: &str) -> Option<Fault> {
    let rest = name.strip_prefix(PREFIX).filter(|rest| !rest.contains(SEPARATOR))?.to_lowercase();
    let meant = SCALARS.iter().find(|path| {
        let last = path.rsplit('.').next().unwrap_or(path);
        rest == path.replace('.', "_") || rest == last
    })?;
    let right = format!("{PREFIX}{}", meant.replace('.', SEPARATOR).to_uppercase());
    let place = Place::new(&source(name, "…").0, 0..name.len());
    let fault = Fault::warning(format!("the environment variable {name} is not a setting"));
    Some(fault.at(&place).help(format!("did you mean {right}?")))
}
