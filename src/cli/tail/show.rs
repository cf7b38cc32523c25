//! Events as lines: for people, or as they came.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// Longer values are cut where people read.
const MAX_VALUE_CHARS: usize = 60;

const DIM: &str = "2";
const BOLD: &str = "1";

/// How an event looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it came.
    Json,
    Text {
        colourful: bool,
    },
}

impl Style {
    /// The line for a row's JSON, with its line break.
    pub fn row(self, row: &str) -> String {
        match self {
            Self::Json => verbatim(row),
            Self::Text { colourful } => match serde_json::from_str::<Fields<'_>>(row) {
                Ok(fields) => Line::of_row(&fields, colourful),
                Err(_) => verbatim(row),
            },
        }
    }

    /// The line for an event's JSON, with its line break.
    pub fn line(self, event: &str) -> String {
        match self {
            Self::Json => verbatim(event),
            Self::Text { colourful } => match serde_json::from_str::<Event<'_>>(event) {
                Ok(read) => Line::of(&read, colourful),
                Err(_) => verbatim(event),
            },
        }
    }
}

/// Line breaks in JSON can only be white space: in strings they are escaped.
fn verbatim(event: &str) -> String {
    event.replace(['\n', '\r'], " ") + "\n"
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    key: Option<Fields<'a>>,
    #[serde(borrow)]
    data: Option<Fields<'a>>,
    #[serde(borrow)]
    old: Option<Fields<'a>>,
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    oversize: bool,
    at: Option<Cow<'a, str>>,
    origin: Option<Cow<'a, str>>,
}

/// A JSON object, its values as they came.
#[derive(Default)]
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Pairs<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'a>, M::Error> {
                let mut fields = Fields::default();
                while let Some(field) = map.next_entry()? {
                    fields.0.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Pairs(std::marker::PhantomData))
    }
}

/// A line while it is written: time, event, key, what changed, the other columns.
struct Line {
    text: String,
    colourful: bool,
}

impl Line {
    fn of_row(row: &Fields<'_>, colourful: bool) -> String {
        let mut line = Self { text: String::new(), colourful };
        line.coloured(DIM, "row");
        let columns: Vec<String> =
            row.0.iter().map(|(name, value)| pair(name, value, ": ")).collect();
        line.coloured("", &format!("{{{}}}", columns.join(", ")));
        line.text.push('\n');
        line.text
    }

    fn of(event: &Event<'_>, colourful: bool) -> String {
        let mut line = Self { text: String::new(), colourful };
        line.coloured(DIM, &event.at.as_deref().map_or(Cow::Borrowed("-"), time));
        line.coloured(colour(&event.event), &format!("{:9}", printable(&event.event)));
        let none = Fields::default();
        let key = event.key.as_ref().unwrap_or(&none);
        let data = event.data.as_ref().unwrap_or(&none);
        let keys: Vec<String> = key.0.iter().map(|(name, value)| pair(name, value, "=")).collect();
        if !keys.is_empty() {
            line.coloured(BOLD, &keys.join(" "));
        }
        let changes: Vec<String> = event.changed.iter().map(|name| change(name, event)).collect();
        if !changes.is_empty() {
            line.coloured("36", &changes.join(", "));
        }
        let others = data
            .0
            .iter()
            .filter(|(name, _)| key.get(name).is_none() && !event.changed.contains(name));
        let others: Vec<String> = others.map(|(name, value)| pair(name, value, ": ")).collect();
        if !others.is_empty() {
            let dim = if changes.is_empty() { "" } else { DIM };
            line.coloured(dim, &format!("{{{}}}", others.join(", ")));
        }
        if event.oversize {
            line.coloured("33", "(too large to be sent)");
        }
        if let Some(origin) = &event.origin {
            line.coloured(DIM, &format!("by {}", printable(origin)));
        }
        line.text.push('\n');
        line.text
    }

    /// Appends a part; `colour` is an SGR parameter (ECMA-48), or none.
    fn coloured(&mut self, colour: &str, part: &str) {
        if !self.text.is_empty() {
            self.text.push_str("  ");
        }
        match self.colourful && !colour.is_empty() {
            true => _ = write!(self.text, "\u{1b}[{colour}m{part}\u{1b}[0m"),
            false => self.text.push_str(part),
        }
    }
}

fn colour(event: &str) -> &'static str {
    match event {
        "created" => "32",
        "patched" | "updated" => "33",
        "removed" => "31",
        _ => "35",
    }
}

/// `status: "open" → "paid"`.
fn change(name: &str, event: &Event<'_>) -> String {
    let value = |fields: &Option<Fields<'_>>| {
        Some(printable(fields.as_ref()?.get(name)?.get()).into_owned())
    };
    let new = value(&event.data).unwrap_or_else(|| "?".to_owned());
    match value(&event.old) {
        Some(old) => format!("{}: {old} → {new}", printable(name)),
        None => format!("{}: {new}", printable(name)),
    }
}

fn pair(name: &str, value: &RawValue, between: &str) -> String {
    format!("{}{between}{}", printable(name), printable(value.get()))
}

/// `08:44:00.123Z` of `2026-11-20T08:44:00.123456Z`.
fn time(at: &str) -> Cow<'_, str> {
    match at.get(11..23) {
        Some(time) if at.ends_with('Z') => format!("{time}Z").into(),
        _ => printable(at),
    }
}

/// Cut to what people read, and without what would command a terminal.
fn printable(text: &str) -> Cow<'_, str> {
    let fits = text.len() <= MAX_VALUE_CHARS;
    if fits && !text.chars().any(char::is_control) {
        return text.into();
    }
    let mut shown = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(MAX_VALUE_CHARS) {
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style::Text { colourful: false };

    #[test]
    fn lines_for_people() {
        for (event, line) in [
            (
                r#"{"event":"patched","table":"t","key":{"id":42},"data":{"id":42,"status":"paid","n":1},
                    "changed":["status"],"old":{"id":42,"status":"open","n":1},"seq":1,"tx":"7",
                    "at":"2026-11-20T08:44:00.123456Z"}"#,
                "08:44:00.123Z  patched    id=42  status: \"open\" → \"paid\"  {n: 1}\n",
            ),
            (
                r#"{"event":"created","key":null,"data":{"x":12345678901234567890.10},"at":"2026-11-20T08:44:00.1Z",
                    "origin":"import"}"#,
                "2026-11-20T08:44:00.1Z  created    {x: 12345678901234567890.10}  by import\n",
            ),
            (
                r#"{"event":"patched","key":{"a":1,"b":"x"},"oversize":true,"changed":["c"],
                    "at":"2026-11-20T08:44:00.123456Z"}"#,
                "08:44:00.123Z  patched    a=1 b=\"x\"  c: ?  (too large to be sent)\n",
            ),
            (
                r#"{"event":"truncated","key":null,"at":"2026-11-20T08:44:00.123456Z"}"#,
                "08:44:00.123Z  truncated\n",
            ),
            ("7", "7\n"),
        ] {
            assert_eq!(PLAIN.line(event), line);
        }
    }

    #[test]
    fn a_terminal_takes_no_commands_from_rows() {
        let event =
            "{\"event\":\"created\",\"key\":{\"id\":\"\u{9b}31m\u{7f}\"},\"data\":{\"id\":1}}";
        let line = PLAIN.line(event);
        assert!(!line.trim_end().chars().any(char::is_control), "{line:?}");
        let colourful = Style::Text { colourful: true }.line(event);
        assert!(colourful.contains("\u{1b}[32m"), "{colourful:?}");
    }

    #[test]
    fn long_values_are_cut_for_people_alone() {
        let event = format!(
            "{{\"event\":\"created\",\"key\":null,\"data\":{{\"x\":\"{}\"}}}}",
            "ä".repeat(500)
        );
        assert!(PLAIN.line(&event).chars().count() < 100);
        assert_eq!(Style::Json.line(&event), event + "\n");
    }

    #[test]
    fn rows_are_shown_as_they_are() {
        let row = "{\"id\":1,\n\"name\":\"a\"}";
        assert_eq!(PLAIN.row(row), "row  {id: 1, name: \"a\"}\n");
        assert_eq!(Style::Json.row(row), "{\"id\":1, \"name\":\"a\"}\n");
    }

    #[test]
    fn json_stays_on_one_line() {
        assert_eq!(Style::Json.line("{\"a\":\n1,\r\n\"b\":2}"), "{\"a\": 1,  \"b\":2}\n");
    }
}
