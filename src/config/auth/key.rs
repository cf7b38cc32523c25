//! `[[auth.key]]`: API keys.

use serde_json::{Map, Value};

use super::super::fault::{Fault, Faults, Place};
use super::super::section::Section;
use super::super::value;
use super::super::written::{Entry, Node, Written};
use crate::identity::{ApiKey, Claims};

pub fn read_all(node: Option<Node>, faults: &mut Faults) -> Vec<ApiKey> {
    let items = match node {
        None => return Vec::new(),
        Some(Node { value: Written::Array(items), .. }) => items,
        Some(node) => {
            let help = "write [[auth.key]], with two brackets, for each key";
            return value::wrong_type(&node, "a list of keys", help, faults).unwrap_or_default();
        }
    };
    let mut keys: Vec<ApiKey> = Vec::new();
    for item in items {
        let place = item.place.clone();
        let Some(key) = read(item, faults) else { continue };
        let same = |other: &&ApiKey| other.sha256 == key.sha256 || other.name == key.name;
        if let Some(other) = keys.iter().find(same) {
            let message = format!("this key has the name or the hash of `{}`", other.name);
            faults.push(Fault::error(message).at(&place).help("give each key its own"));
        }
        keys.push(key);
    }
    keys
}

fn read(node: Node, faults: &mut Faults) -> Option<ApiKey> {
    let place = node.place.clone();
    let mut section = Section::new("[[auth.key]]", node, faults);
    let [name, sha256, claims] = ["name", "sha256", "claims"].map(|key| section.take(key));
    section.finish();
    let name = required(name, "name", "name = \"wallboard\"", &place, faults);
    let sha256 = required(sha256, "sha256", HASH, &place, faults);
    let claims = required(claims, "claims", "claims = { role = \"wallboard\" }", &place, faults);
    let name = name.and_then(|node| value::text(&node, faults));
    let sha256 = sha256.and_then(|node| hash(&node, faults));
    let claims = claims.and_then(|node| read_claims(&node, faults));
    Some(ApiKey { name: name?, sha256: sha256?, claims: claims? })
}

fn required(
    node: Option<Node>,
    key: &str,
    help: &str,
    place: &Place,
    faults: &mut Faults,
) -> Option<Node> {
    if node.is_none() {
        let fault = Fault::error(format!("an [[auth.key]] has no `{key}`")).at(place);
        faults.push(fault.help(help));
    }
    node
}

const HASH: &str = "key=$(openssl rand -hex 32); echo \"$key\"; printf %s \"$key\" | sha256sum";

/// 64 hexadecimal digits.
fn hash(node: &Node, faults: &mut Faults) -> Option<[u8; 32]> {
    let text = value::text(node, faults)?;
    let hash = from_hex(&text);
    if hash.is_none() {
        let fault = Fault::error("`sha256` has 64 hexadecimal digits").at(&node.place);
        faults.push(fault.help(HASH));
    }
    hash
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok();
    let bytes: Vec<u8> = (0..32).map(byte).collect::<Option<_>>()?;
    bytes.try_into().ok()
}

fn read_claims(node: &Node, faults: &mut Faults) -> Option<Claims> {
    match &node.value {
        Written::Table(entries) => object(entries, faults).map(Claims::new),
        Written::Variable(text) if Claims::parse(text).is_some() => Claims::parse(text),
        _ => value::wrong_type(node, "a table", "write { role = \"wallboard\" }", faults),
    }
}

fn object(entries: &[Entry], faults: &mut Faults) -> Option<Map<String, Value>> {
    let pair = |entry: &Entry| Some((entry.key.clone(), claim(&entry.node, faults)?));
    entries.iter().map(pair).collect::<Vec<_>>().into_iter().collect()
}

fn claim(node: &Node, faults: &mut Faults) -> Option<Value> {
    match &node.value {
        Written::Text(text) | Written::Variable(text) => Some(Value::String(text.clone())),
        Written::Integer(Some(number)) => Some((*number).into()),
        Written::Boolean(yes) => Some((*yes).into()),
        Written::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| claim(item, faults)).collect();
            items.into_iter().collect::<Option<_>>().map(Value::Array)
        }
        Written::Table(entries) => object(entries, faults).map(Value::Object),
        Written::Integer(None) | Written::Float | Written::Datetime => value::wrong_type(
            node,
            "a claim",
            "write it as a string: in a predicate it is the same",
            faults,
        ),
    }
}
