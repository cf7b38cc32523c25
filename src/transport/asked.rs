//! What a request's query asks of a live feed.

use super::query::form_pairs;
use crate::policy::Request;
use crate::wire::{Refusal, read_params, wanted};

/// Parameters of later versions.
const NOT_YET: [&str; 6] = ["cursor", "snapshot", "coalesce", "wait", "limit", "order"];

/// The feed that a query describes.
#[derive(Debug, PartialEq)]
pub struct Asked {
    pub request: Request,
    pub old: bool,
}

impl Asked {
    /// Reads a query; what isn't understood could have narrowed the feed, and must not be passed over.
    pub fn read(table: String, query: &str) -> Result<Self, Refusal> {
        let (mut columns, mut filter, mut params, mut old) = (None, None, Vec::new(), false);
        let mut seen = Vec::new();
        for (name, value) in form_pairs(query) {
            if seen.contains(&name) {
                return Err(wrong(&name, "is given twice"));
            }
            match (name.as_str(), value.as_str()) {
                // The gate has taken it.
                ("access_token", _) | ("old" | "snapshot", "false") | ("coalesce", "0") => {}
                ("old", "true") => old = true,
                ("old", _) => return Err(wrong("old", "must be true or false")),
                ("columns", names) => columns = Some(read_columns(names)?),
                ("where", _) => filter = Some(value),
                ("params", list) => params = read_params(list)?,
                (later, _) if NOT_YET.contains(&later) => {
                    return Err(wrong(later, "is not available yet"));
                }
                (unknown, _) => return Err(wrong(unknown, "is not a parameter")),
            }
            seen.push(name);
        }
        Ok(Self { request: wanted(table, columns, filter, params)?, old })
    }
}

/// `id,status,"a name with a , in it"`; within quotes `""` is one.
fn read_columns(text: &str) -> Result<Vec<String>, Refusal> {
    let mut names = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let trimmed = text.trim_start();
        let (name, behind) = match trimmed.strip_prefix('"') {
            Some(quoted) => read_quoted(quoted)?,
            None => {
                let end = trimmed.find(',').unwrap_or(trimmed.len());
                (trimmed[..end].trim_end().to_owned(), &trimmed[end..])
            }
        };
        names.push(name);
        rest = behind.strip_prefix(',');
    }
    Ok(names)
}

/// The name up to its closing quote, and what is behind: nothing, or a comma.
fn read_quoted(text: &str) -> Result<(String, &str), Refusal> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let open = || wrong("columns", "has a quote that isn't closed");
        let (part, behind) = rest.split_once('"').ok_or_else(open)?;
        name.push_str(part);
        match behind.strip_prefix('"') {
            Some(on) => {
                name.push('"');
                rest = on;
            }
            None => {
                let behind = behind.trim_start();
                let ends = behind.is_empty() || behind.starts_with(',');
                let ends = ends.then_some((name, behind));
                return ends.ok_or_else(|| wrong("columns", "must have a comma between names"));
            }
        }
    }
}

fn wrong(name: &str, what: &str) -> Refusal {
    let shown: String = name.chars().take(40).collect();
    Refusal::invalid(format!("\"{shown}\" {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_may_be_quoted() {
        for (text, names) in [
            ("id", &["id"][..]),
            ("id, status ", &["id", "status"]),
            (r#"id,"a,b""#, &["id", "a,b"]),
            (r#" "a ""b"" " ,c"#, &[r#"a "b" "#, "c"]),
            (r#"a"b"#, &[r#"a"b"#]),
            ("", &[""]),
            ("a,", &["a", ""]),
        ] {
            assert_eq!(read_columns(text).unwrap(), names, "{text}");
        }
        for wrong in [r#"""#, r#""a"#, r#""a"b"#, r#"c,"a""#, r#""a""b"#] {
            assert_eq!(read_columns(wrong).is_err(), wrong != r#"c,"a""#, "{wrong}");
        }
    }

    #[test]
    fn a_filter_and_its_params_are_passed_on() {
        let query = "where=a+%3D+%241&params=%5B%22x%22%2C1%5D&old=true";
        let asked = Asked::read("t".to_owned(), query).unwrap();
        assert_eq!(asked.request.filter.as_deref(), Some("a = $1"));
        assert_eq!((asked.request.params, asked.old), (vec![json!("x"), json!(1)], true));
    }
}
