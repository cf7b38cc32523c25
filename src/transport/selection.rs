//! What a request's query selects of a table, for rows and changes alike.

use super::query::form_pairs;
use crate::policy::Request;
use crate::wire::{Refusal, read_params, wanted};

/// What was said so far.
#[derive(Debug, Default)]
pub struct Selection {
    columns: Option<Vec<String>>,
    filter: Option<String>,
    params: Vec<serde_json::Value>,
}

impl Selection {
    /// Takes a parameter; false if it isn't one of these.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, Refusal> {
        match name {
            // The gate has taken it.
            "access_token" => {}
            "columns" => self.columns = Some(read_columns(value)?),
            "where" => self.filter = Some(value.to_owned()),
            "params" => self.params = read_params(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub fn of(self, table: String) -> Result<Request, Refusal> {
        wanted(table, self.columns, self.filter, self.params)
    }
}

/// A query's parameters, decoded: none may be given twice.
pub fn parameters(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in form_pairs(query) {
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(wrong(&name, "is given twice"));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// `true` or `false`.
pub fn read_switch(name: &str, value: &str) -> Result<bool, Refusal> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong(name, "must be true or false")),
    }
}

/// A parameter that can't be obeyed: passed over, it could have narrowed what is sent.
pub fn wrong(name: &str, what: &str) -> Refusal {
    let shown: String = name.chars().take(40).collect();
    Refusal::invalid(format!("\"{shown}\" {what}"))
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

#[cfg(test)]
mod tests {
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
}
