//! The configuration as written: a tree in which every value knows its place.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults, Place};
use super::secrets;

/// A value where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    pub value: Written,
    pub place: Place,
}

/// What can be written.
#[derive(Clone, Debug)]
pub enum Written {
    Text(String),
    /// Absent if it needs more than 64 bits.
    Integer(Option<i64>),
    Float,
    Boolean(bool),
    Datetime,
    Array(Vec<Node>),
    Table(Vec<Entry>),
    /// An environment variable's text; who reads it knows of what type it is.
    Variable(String),
}

impl Written {
    /// In the words of TOML, with an article.
    pub fn type_name(&self) -> &'static str {
        match self {
            Written::Text(_) | Written::Variable(_) => "a string",
            Written::Integer(_) => "an integer",
            Written::Float => "a float",
            Written::Boolean(_) => "a boolean",
            Written::Datetime => "a date",
            Written::Array(_) => "an array",
            Written::Table(_) => "a table",
        }
    }
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

/// Text to point into: its name, and the text with its secrets masked.
pub fn source(name: &str, text: &str) -> Arc<NamedSource<String>> {
    Arc::new(NamedSource::new(name, secrets::masked(text)))
}

/// A configuration without a file.
pub fn nothing() -> Node {
    let place = Place::new(&source("rowcast.toml", ""), 0..0);
    Node { value: Written::Table(Vec::new()), place }
}

/// Reads a file. Where its syntax is broken, what could be read of it is still returned, and where
/// that begins.
pub fn parse(name: &str, text: &str, faults: &mut Faults) -> (Node, Option<Place>) {
    let source = source(name, text);
    let place = |span: Range<usize>| Place::new(&source, span.start..span.end.min(text.len()));
    let (table, errors) = DeTable::parse_recoverable(text);
    let broken = errors.iter().filter_map(toml::de::Error::span).min_by_key(|span| span.start);
    let mut last_line = 0;
    for error in errors {
        let place = place(error.span().unwrap_or(0..0));
        let (line, _) = place.line_and_column();
        if std::mem::replace(&mut last_line, line) != line {
            faults.push(syntax_fault(&error, &place));
        }
    }
    let value = Written::Table(entries(table.into_inner(), &place));
    (Node { value, place: place(0..0) }, broken.map(place))
}

fn syntax_fault(error: &toml::de::Error, place: &Place) -> Fault {
    let message = error.message();
    let help = if message.contains("must be quoted") {
        "text goes in quotes: name = \"orders\""
    } else if message.contains("duplicate key") && place.text() == "columns" {
        "`columns` lists the columns that are served, or [table.columns] has rules for some of them: to have rules and \
         leave columns out, name these in `hide`"
    } else {
        "https://toml.io says how this is written"
    };
    Fault::error(format!("not TOML: {message}")).at(place).help(help)
}

/// Reads one value, for environment variables; `offset` is where it begins in `source`.
pub fn parse_value(text: &str, source: &Arc<NamedSource<String>>, offset: usize) -> Option<Node> {
    let place = |span: Range<usize>| Place::new(source, span.start + offset..span.end + offset);
    let parsed = DeValue::parse(text).ok()?;
    let span = parsed.span();
    Some(node(parsed.into_inner(), span, &place))
}

fn entries(table: DeTable<'_>, place: &impl Fn(Range<usize>) -> Place) -> Vec<Entry> {
    let entry = |(key, value): (toml::Spanned<_>, toml::Spanned<_>)| Entry {
        key_place: place(key.span()),
        key: std::borrow::Cow::into_owned(key.into_inner()),
        node: {
            let span = value.span();
            node(value.into_inner(), span, place)
        },
    };
    table.into_iter().map(entry).collect()
}

fn node(value: DeValue<'_>, span: Range<usize>, place: &impl Fn(Range<usize>) -> Place) -> Node {
    let value = match value {
        DeValue::String(text) => Written::Text(text.into_owned()),
        DeValue::Integer(digits) => {
            Written::Integer(i64::from_str_radix(digits.as_str(), digits.radix()).ok())
        }
        DeValue::Float(_) => Written::Float,
        DeValue::Boolean(yes) => Written::Boolean(yes),
        DeValue::Datetime(_) => Written::Datetime,
        DeValue::Array(items) => Written::Array(
            items
                .into_iter()
                .map(|item| {
                    let span = item.span();
                    node(item.into_inner(), span, place)
                })
                .collect(),
        ),
        DeValue::Table(table) => Written::Table(entries(table, place)),
    };
    Node { value, place: place(span) }
}
