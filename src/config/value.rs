//! Values of each type, read from where they were written; each reader reports what it can't
//! accept.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::fault::{Fault, Faults, Place};
use super::units::{self, BadUnit, DURATIONS, SIZES};
use super::written::{Node, Written};

/// Reads a value or reports why not.
pub type Reader<T> = fn(&Node, &mut Faults) -> Option<T>;

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    pub value: T,
    pub place: Place,
}

pub fn text(node: &Node, faults: &mut Faults) -> Option<String> {
    match &node.value {
        Written::Text(text) | Written::Variable(text) => Some(text.clone()),
        _ => wrong_type(node, "a string", "write it in quotes: \"…\"", faults),
    }
}

pub fn boolean(node: &Node, faults: &mut Faults) -> Option<bool> {
    match &node.value {
        Written::Boolean(yes) => Some(*yes),
        Written::Variable(text) if text == "true" => Some(true),
        Written::Variable(text) if text == "false" => Some(false),
        _ => wrong_type(node, "true or false", "write one of them, without quotes", faults),
    }
}

pub fn count(node: &Node, faults: &mut Faults) -> Option<usize> {
    let number = match &node.value {
        Written::Integer(number) => number.and_then(|number| usize::try_from(number).ok()),
        Written::Variable(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.or_else(|| wrong_type(node, "a whole number", "write digits alone: 1000", faults))
}

pub fn duration(node: &Node, faults: &mut Faults) -> Option<Duration> {
    match &node.value {
        Written::Text(text) | Written::Variable(text) => {
            or_fault(units::duration(text), node, faults)
        }
        Written::Integer(_) => wrong_type(node, "a duration with its unit", DURATIONS, faults),
        _ => wrong_type(node, "a duration", DURATIONS, faults),
    }
}

pub fn size(node: &Node, faults: &mut Faults) -> Option<u64> {
    match &node.value {
        Written::Text(text) | Written::Variable(text) => or_fault(units::size(text), node, faults),
        Written::Integer(Some(bytes)) if *bytes >= 0 => Some(bytes.unsigned_abs()),
        _ => wrong_type(node, "a size", SIZES, faults),
    }
}

/// An address to listen on: `127.0.0.1:7700`, `[::]:7700`, `localhost:7700`.
pub fn address(node: &Node, faults: &mut Faults) -> Option<SocketAddr> {
    let text = text(node, faults)?;
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let address =
        local.map(|port| (Ipv4Addr::LOCALHOST, port).into()).or_else(|| text.parse().ok());
    if address.is_none() {
        let port =
            text.rsplit(':').next().filter(|port| port.parse::<u16>().is_ok()).unwrap_or("7700");
        let fault =
            Fault::error(format!("`{text}` is not an address to listen on")).at(&node.place);
        faults.push(fault.label("needs an IP address and a port").help(format!(
            "\"127.0.0.1:{port}\" is for this machine alone, \
             \"0.0.0.0:{port}\" for all that reach it"
        )));
    }
    address
}

/// An origin as browsers send it: scheme, host, and the port unless it's the scheme's own.
///
/// <https://www.rfc-editor.org/rfc/rfc6454#section-6.2>
pub fn origin(node: &Node, faults: &mut Faults) -> Option<String> {
    let text = text(node, faults)?;
    match checked_origin(&text) {
        Ok(origin) => Some(origin),
        Err(help) => {
            let fault = Fault::error(format!("`{text}` is not an origin")).at(&node.place);
            faults.push(fault.help(help));
            None
        }
    }
}

fn checked_origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("any page could then read the feed as its visitor: list each origin".into());
    }
    let lower = text.to_ascii_lowercase();
    let Some((scheme, rest)) = lower.split_once("://") else {
        return Err(format!("an origin begins with its scheme: \"https://{text}\""));
    };
    let (host_and_port, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if !path.is_empty() {
        return Err(format!("an origin has no path: \"{scheme}://{host_and_port}\""));
    }
    let uri: Option<http::Uri> = lower.parse().ok();
    let known = uri.filter(|uri| uri.host().is_some() && !host_and_port.contains('@'));
    let Some(uri) = known else {
        return Err(
            "write the scheme, the host and, if needed, the port: \"https://shop.example:8443\""
                .into(),
        );
    };
    let own_port = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    if uri.port_u16().is_some() && uri.port_u16() == own_port {
        return Ok(format!("{scheme}://{}", uri.host().unwrap_or_default()));
    }
    Ok(lower)
}

/// One of a few words.
pub fn one_of<T: Copy>(node: &Node, words: &[(&str, T)], faults: &mut Faults) -> Option<T> {
    let text = text(node, faults)?;
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let fault = Fault::error(format!("`{text}` is not known here")).at(&node.place);
        faults.push(fault.help(format!("write {}", known.join(" or "))));
    }
    found
}

/// A list, each of its items read by `item`; from an environment variable, separated by commas.
pub fn list<T>(node: &Node, item: Reader<T>, faults: &mut Faults) -> Option<Vec<Placed<T>>> {
    let parts;
    let items = match &node.value {
        Written::Array(items) => items,
        Written::Variable(text) => {
            parts = separated(text, &node.place);
            &parts
        }
        _ => return wrong_type(node, "an array", "write [\"a\", \"b\"]", faults),
    };
    let read = |node: &Node| Some(Placed { value: item(node, faults)?, place: node.place.clone() });
    items.iter().map(read).collect::<Vec<_>>().into_iter().collect()
}

pub fn names(node: &Node, faults: &mut Faults) -> Option<Vec<Placed<String>>> {
    list(node, text, faults)
}

pub fn origins(node: &Node, faults: &mut Faults) -> Option<Vec<Placed<String>>> {
    list(node, origin, faults)
}

/// A host's name as browsers write it, without a port.
pub fn host(node: &Node, faults: &mut Faults) -> Option<String> {
    let text = text(node, faults)?;
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(part);
    if !is_name {
        let fault = Fault::error(format!("`{text}` is not a host's name")).at(&node.place);
        let help = "write the name alone, without scheme, port or path: \"rowcast.example\"";
        faults.push(fault.help(help));
    }
    is_name.then(|| text.trim_end_matches('.').to_ascii_lowercase())
}

pub fn hosts(node: &Node, faults: &mut Faults) -> Option<Vec<Placed<String>>> {
    list(node, host, faults)
}

fn separated(text: &str, place: &Place) -> Vec<Node> {
    let item = |part: &str| Node { value: Written::Variable(part.into()), place: place.clone() };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(item).collect()
}

fn or_fault<T>(read: Result<T, BadUnit>, node: &Node, faults: &mut Faults) -> Option<T> {
    read.map_err(|bad| faults.push(Fault::error(bad.message).at(&node.place).help(bad.help))).ok()
}

/// Reports that something else was expected here, and how it would be written.
pub fn wrong_type<T>(node: &Node, expected: &str, help: &str, faults: &mut Faults) -> Option<T> {
    let fault = match &node.value {
        Written::Variable(text) => Fault::error(format!("`{text}` is not {expected}")),
        _ => Fault::error(format!("expected {expected}")),
    };
    let fault = fault.at(&node.place).help(help);
    faults.push(match &node.value {
        Written::Variable(_) => fault,
        written => fault.label(format!("this is {}", written.type_name())),
    });
    None
}
