//! `[auth.request]`: asking the application.

use http::Uri;

use super::super::fault::{Fault, Faults};
use super::super::section::Section;
use super::super::value;
use super::super::written::{Node, Written};
use super::session::cookie_name;
use crate::identity::request::Settings;

pub fn read(node: Node, faults: &mut Faults) -> Option<Settings> {
    let place = node.place.clone();
    let mut section = Section::new("[auth.request]", node, faults);
    let url = section.take("url");
    let cookies = section.get("cookie", cookies);
    section.finish();
    let Some(url) = url else {
        let fault = Fault::error("[auth.request] has no `url`").at(&place);
        faults.push(fault.help("url = \"http://app:3000/whoami\""));
        return None;
    };
    let url = web_address(&url, faults)?;
    Some(Settings { url, cookies: cookies.map(|cookies| cookies.value) })
}

fn cookies(node: &Node, faults: &mut Faults) -> Option<Vec<String>> {
    match &node.value {
        Written::Array(_) => {
            let list = value::list(node, cookie_name, faults)?;
            Some(list.into_iter().map(|item| item.value).collect())
        }
        _ => cookie_name(node, faults).map(|name| vec![name]),
    }
}

/// An address with `http` or `https`, without credentials in it.
pub fn web_address(node: &Node, faults: &mut Faults) -> Option<Uri> {
    let text = value::text(node, faults)?;
    let uri: Option<Uri> = text.parse().ok();
    let known = uri.filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    });
    if known.is_none() {
        let fault = Fault::error(format!("`{text}` is not an address to ask")).at(&node.place);
        faults.push(fault.help("write http:// or https://, a host, and a path, and no password"));
    }
    known
}

/// What comes from there decides who is let in: on the way nobody may change it.
pub fn safe_address(node: &Node, faults: &mut Faults) -> Option<Uri> {
    let uri = web_address(node, faults)?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if uri.scheme_str() == Some("https") || is_local {
        return Some(uri);
    }
    let fault = Fault::error("keys that come over plain http can be anybody's").at(&node.place);
    faults.push(fault.help("use https://; http:// is for this machine alone"));
    None
}
