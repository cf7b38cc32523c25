//! An explanation, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::judge::{Judged, Outcome, Part, Reader};

/// For people: each part in a line, those that it consists of below it.
pub fn text(judged: &Judged, reader: &Reader<'_>) -> String {
    let mut text = match reader.claims.as_map().is_empty() {
        true => format!("{} for an anonymous reader\n", reader.table.listed_as),
        false => {
            let claims = Value::Object(reader.claims.as_map().clone());
            format!("{} for {claims}\n", reader.table.listed_as)
        }
    };
    predicate(&mut text, "rows", &judged.rows);
    for (column, part) in &judged.columns {
        predicate(&mut text, &format!("column {column}"), part);
    }
    if let Some(filter) = &judged.filter {
        predicate(&mut text, "filter", filter);
    }
    match &judged.outcome {
        Outcome::Row(columns) => {
            let row = object(columns);
            let _ = writeln!(text, "\nvisible: {row}");
        }
        Outcome::Nothing(why) => {
            let _ = writeln!(text, "\ninvisible: {why}");
        }
    }
    text
}

fn predicate(text: &mut String, what: &str, part: &Part) {
    let _ = writeln!(text, "\n{what}");
    lines(text, part, 1);
}

fn lines(text: &mut String, part: &Part, depth: usize) {
    let indent = "  ".repeat(depth);
    let known = |(name, value): &(String, Option<String>)| match value {
        Some(value) => format!("{name} is {value}"),
        None => format!("{name} is missing"),
    };
    let read: Vec<String> = part.read.iter().map(known).collect();
    let read = match part.parts.is_empty() && !read.is_empty() {
        true => format!("  ({})", read.join(", ")),
        false => String::new(),
    };
    let words = part.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(text, "{indent}{:11} {words}{read}", part.value.as_str());
    part.parts.iter().for_each(|part| lines(text, part, depth + 1));
}

/// The values' JSON as PostgreSQL wrote it, digits and all.
fn object(columns: &[(String, String)]) -> String {
    let field = |(name, value): &(String, String)| format!("{}:{value}", Value::from(&**name));
    let fields: Vec<String> = columns.iter().map(field).collect();
    format!("{{{}}}", fields.join(","))
}

/// For programs: one object. The row's values keep their digits.
pub fn json(judged: &Judged, reader: &Reader<'_>) -> String {
    let rules = judged.columns.iter().map(|(column, part)| (column.clone(), of_part(part)));
    let about = [
        ("table", Value::from(&*reader.table.listed_as)),
        ("claims", Value::Object(reader.claims.as_map().clone())),
        ("rows", of_part(&judged.rows)),
        ("columns", Value::Object(rules.collect())),
        ("where", judged.filter.as_ref().map(of_part).unwrap_or_default()),
    ];
    let mut fields: Vec<(String, String)> =
        about.into_iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
    let (visible, data, reason) = match &judged.outcome {
        Outcome::Row(columns) => (true, object(columns), Value::Null),
        Outcome::Nothing(why) => (false, "null".to_owned(), Value::from(&**why)),
    };
    let outcome =
        [("visible", json!(visible).to_string()), ("data", data), ("reason", reason.to_string())];
    fields.extend(outcome.map(|(name, value)| (name.to_owned(), value)));
    object(&fields)
}

fn of_part(part: &Part) -> Value {
    let read: Map<String, Value> = part
        .read
        .iter()
        .map(|(name, value)| (name.clone(), value.as_deref().map(exact).unwrap_or_default()))
        .collect();
    let parts: Vec<Value> = part.parts.iter().map(of_part).collect();
    json!({"text": part.text, "value": part.value.as_str(), "read": read, "parts": parts})
}

/// A value as it is; a number that would lose digits as text.
fn exact(json: &str) -> Value {
    match serde_json::from_str(json) {
        Ok(Value::Number(number)) if number.to_string() != json => Value::from(json),
        Ok(value) => value,
        Err(_) => Value::from(json),
    }
}
