//! `[auth.session]`: cookies that are looked up in the database.

use super::super::fault::{Fault, Faults, Place};
use super::super::section::Section;
use super::super::value::{self, Placed};
use super::super::written::{Node, Written};
use super::jwt::{path, secret};
use crate::identity::Secret;
use crate::identity::session::Settings;

/// Where the words about sessions are.
#[derive(Clone, Debug)]
pub struct Places {
    pub query: Place,
    pub secret_file: Option<Place>,
}

pub fn read(node: Node, faults: &mut Faults) -> Option<(Settings, Places)> {
    let place = node.place.clone();
    let mut section = Section::new("[auth.session]", node, faults);
    let (cookie, query) = (section.take("cookie"), section.take("query"));
    let secrets = section.get("secret", secrets);
    let secret_file = section.get("secret_file", path);
    section.finish();
    let cookie = required(cookie, "cookie = \"sid\"", &place, cookie_name, faults);
    let example = "query = \"select user_id as sub from sessions where id = $1\"";
    let query = required(query, example, &place, value::text, faults);
    if let (Some(_), Some(file)) = (&secrets, &secret_file) {
        let fault = Fault::error("[auth.session] has both `secret` and `secret_file`");
        faults.push(fault.at(&file.place).help("remove one of them"));
    }
    let query = query?;
    let settings = Settings {
        cookie: cookie?.value,
        query: query.value,
        secrets: secrets.map(|it| it.value).unwrap_or_default(),
        secret_file: secret_file.as_ref().map(|file| file.value.clone()),
    };
    let places = Places { query: query.place, secret_file: secret_file.map(|file| file.place) };
    Some((settings, places))
}

fn required(
    node: Option<Node>,
    example: &str,
    section: &Place,
    read: value::Reader<String>,
    faults: &mut Faults,
) -> Option<Placed<String>> {
    let Some(node) = node else {
        let (key, _) = example.split_once(' ')?;
        let fault = Fault::error(format!("[auth.session] has no `{key}`")).at(section);
        faults.push(fault.help(example));
        return None;
    };
    Some(Placed { value: read(&node, faults)?, place: node.place })
}

/// <https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1>
pub fn cookie_name(node: &Node, faults: &mut Faults) -> Option<String> {
    let text = value::text(node, faults)?;
    let separators = |c: char| !c.is_ascii_graphic() || "()<>@,;:\\\"/[]?={}".contains(c);
    if text.is_empty() || text.contains(separators) {
        let fault = Fault::error(format!("`{text}` is not a cookie's name")).at(&node.place);
        faults.push(fault.help("the application's is \"connect.sid\", \"sessionid\" or the like"));
        return None;
    }
    Some(text)
}

/// A secret, or a list of which one has to fit.
fn secrets(node: &Node, faults: &mut Faults) -> Option<Vec<Secret>> {
    match &node.value {
        Written::Array(_) => {
            let list = value::list(node, secret, faults)?;
            Some(list.into_iter().map(|item| Secret::new(item.value)).collect())
        }
        _ => secret(node, faults).map(|secret| vec![Secret::new(secret)]),
    }
}
