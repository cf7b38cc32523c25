//! `[auth.jwt]`: which tokens are accepted.

use std::path::PathBuf;
use std::time::Duration;

use super::super::fault::{Fault, Faults, Place};
use super::super::section::Section;
use super::super::value::{self, Placed};
use super::super::written::{Node, Written};
use super::request::safe_address;
use crate::identity::Secret;
use crate::identity::jwt::{Algorithm, KeySource, Settings};

const ALGORITHMS: [(&str, Algorithm); 12] = [
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// More would accept tokens that have long expired.
const MOST_LEEWAY: Duration = Duration::from_secs(600);

/// The settings, and where their key is named.
pub fn read(node: Node, faults: &mut Faults) -> Option<(Settings, Place)> {
    let place = node.place.clone();
    let mut section = Section::new("[auth.jwt]", node, faults);
    let sources = KEYS.map(|key| section.take(key));
    let algorithms = section.get("algorithms", algorithms);
    let audience = section.get("audience", one_or_more);
    let issuer = section.get("issuer", one_or_more);
    let print = |duration| humantime::format_duration(duration).to_string();
    let none = Duration::ZERO;
    let leeway = section.bounded("leeway", value::duration, none, (none, MOST_LEEWAY), print);
    let require_exp = section.get("require_exp", value::boolean);
    section.finish();

    let keys = read_keys(sources, &place, faults)?;
    if matches!(keys.value, KeySource::JwksFile(_) | KeySource::JwksUrl(_)) {
        check_set(algorithms.is_some(), audience.is_some(), &keys.place, faults);
    }
    let settings = Settings {
        keys: keys.value,
        algorithms: algorithms.map(|it| it.value).unwrap_or_default(),
        audience: audience.map(|it| it.value).unwrap_or_default(),
        issuer: issuer.map(|it| it.value).unwrap_or_default(),
        leeway,
        require_exp: require_exp.is_some_and(|it| it.value),
    };
    Some((settings, keys.place))
}

/// Where the keys may be; one of them must be there.
const KEYS: [&str; 5] = ["secret", "secret_file", "public_key_file", "jwks_file", "jwks_url"];

fn read_keys(
    sources: [Option<Node>; KEYS.len()],
    place: &Place,
    faults: &mut Faults,
) -> Option<Placed<KeySource>> {
    let mut given = KEYS.into_iter().zip(sources).filter_map(|(key, node)| Some((key, node?)));
    let Some((key, node)) = given.next() else {
        let fault = Fault::error("[auth.jwt] has no key to check tokens with").at(place);
        faults.push(fault.help(format!("set one of {}", KEYS.join(", "))));
        return None;
    };
    if let Some((second, node)) = given.next() {
        let message = format!("[auth.jwt] has both `{key}` and `{second}`");
        faults.push(Fault::error(message).at(&node.place).help("remove one of them"));
    }
    let value = match key {
        "secret" => KeySource::Secret(Secret::new(secret(&node, faults)?)),
        "secret_file" => KeySource::SecretFile(path(&node, faults)?),
        "public_key_file" => KeySource::PublicKeyFile(path(&node, faults)?),
        "jwks_file" => KeySource::JwksFile(path(&node, faults)?),
        _ => KeySource::JwksUrl(safe_address(&node, faults)?),
    };
    Some(Placed { value, place: node.place })
}

/// A set of keys is another's: it must be said what is accepted of it.
fn check_set(has_algorithms: bool, has_audience: bool, place: &Place, faults: &mut Faults) {
    if !has_algorithms && !faults.has_errors() {
        let fault = Fault::error("with a set of keys, `algorithms` must say which are accepted");
        faults.push(fault.at(place).help("algorithms = [\"RS256\"]"));
    }
    if !has_audience {
        let fault = Fault::warning("without `audience`, every token of this issuer is accepted");
        faults.push(fault.at(place).help("name yours: tokens for other applications have others"));
    }
}

/// A secret that isn't empty.
pub fn secret(node: &Node, faults: &mut Faults) -> Option<String> {
    let text = value::text(node, faults)?;
    if text.is_empty() {
        faults
            .push(Fault::error("the secret is empty").at(&node.place).help("openssl rand -hex 32"));
        return None;
    }
    Some(text)
}

pub fn path(node: &Node, faults: &mut Faults) -> Option<PathBuf> {
    value::text(node, faults).map(PathBuf::from)
}

fn algorithms(node: &Node, faults: &mut Faults) -> Option<Vec<Algorithm>> {
    let listed = value::list(node, algorithm, faults)?;
    if listed.is_empty() {
        let fault = Fault::error("no algorithm is accepted").at(&node.place);
        faults.push(fault.help("list what your tokens are signed with: [\"RS256\"]"));
    }
    Some(listed.into_iter().map(|item| item.value).collect())
}

fn algorithm(node: &Node, faults: &mut Faults) -> Option<Algorithm> {
    let text = value::text(node, faults)?;
    let found = ALGORITHMS.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let fault = Fault::error(format!("`{text}` is not an algorithm that is checked here"));
        let names = ALGORITHMS.map(|(name, _)| name).join(", ");
        faults.push(fault.at(&node.place).help(format!("there are {names}")));
    }
    found.map(|(_, algorithm)| *algorithm)
}

/// A name, or a list of names of which one has to match.
fn one_or_more(node: &Node, faults: &mut Faults) -> Option<Vec<String>> {
    let names = match &node.value {
        Written::Array(_) => value::names(node, faults)?.into_iter().map(|it| it.value).collect(),
        _ => vec![value::text(node, faults)?],
    };
    if names.is_empty() || names.iter().any(String::is_empty) {
        let fault = Fault::error("an empty name would match nothing").at(&node.place);
        faults.push(fault.help("remove the key to accept any"));
    }
    Some(names)
}
