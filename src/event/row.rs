//! A row's JSON text, split into its columns without copying a value.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::RowText;
use crate::catalog::Column;

/// A row of the log whose text isn't a JSON object.
#[derive(Debug, thiserror::Error)]
#[error("a row of the change log can't be read")]
pub struct Unreadable(#[source] serde_json::Error);

/// A row: for each column of the catalog, its value's JSON text as PostgreSQL wrote it.
#[derive(Debug)]
pub struct Row<'a> {
    text: &'a str,
    key_only: bool,
    values: Vec<Option<&'a str>>,
    has_unlisted: bool,
    in_order: bool,
}

impl<'a> Row<'a> {
    /// Splits the text into `columns`; what the row has besides them is left out.
    pub fn read(row: &'a RowText, columns: &[Column]) -> Result<Self, Unreadable> {
        let text = row.json.as_str();
        let mut json = serde_json::Deserializer::from_str(text);
        let Found { values, has_unlisted, in_order } =
            json.deserialize_map(Split(columns)).map_err(Unreadable)?;
        json.end().map_err(Unreadable)?;
        Ok(Self { text, key_only: row.key_only, values, has_unlisted, in_order })
    }

    /// The value of the column at this position of the catalog; none if the row lacks it.
    pub fn value(&self, column: usize) -> Option<&'a str> {
        self.values.get(column).copied().flatten()
    }

    /// Whether the row was logged by its key alone.
    pub fn is_key_only(&self) -> bool {
        self.key_only
    }

    /// Whether all listed columns are there, in the table's order, and others only behind them: what a table's rows
    /// look like unless it was altered, or the row is a partition's. Of a row logged by its key nothing can be told.
    pub fn is_regular(&self) -> bool {
        self.key_only || (self.in_order && self.is_complete())
    }

    /// Whether all listed columns are there, or as many as a row logged by its key has.
    pub fn is_complete(&self) -> bool {
        self.key_only || self.values.iter().all(Option::is_some)
    }

    /// The names of the row's columns, as they come.
    pub fn names(&self) -> Vec<String> {
        let mut json = serde_json::Deserializer::from_str(self.text);
        json.deserialize_map(Names).unwrap_or_default()
    }

    /// The row's text, if it shows no column that the catalog doesn't list.
    pub fn text_of_listed(&self) -> Option<&'a str> {
        (!self.has_unlisted).then_some(self.text)
    }
}

/// What a row's text was found to have.
struct Found<'a> {
    values: Vec<Option<&'a str>>,
    has_unlisted: bool,
    in_order: bool,
}

struct Split<'c>(&'c [Column]);

impl<'de> Visitor<'de> for Split<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let values = vec![None; self.0.len()];
        let mut found = Found { values, has_unlisted: false, in_order: true };
        let mut expected = 0;
        while let Some(column) = map.next_key_seed(Position { columns: self.0, expected })? {
            let value: &'de RawValue = map.next_value()?;
            match column {
                Some(at) if found.values[at].is_some() => {
                    return Err(A::Error::custom("a column comes twice"));
                }
                Some(at) => {
                    found.values[at] = Some(value.get());
                    found.in_order &= at == expected && !found.has_unlisted;
                    expected = at + 1;
                }
                None => found.has_unlisted = true,
            }
        }
        Ok(found)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = map.next_entry()? {
            names.push(name);
        }
        Ok(names)
    }
}

/// Finds a name's position; rows come in the table's order, so the next column is tried first.
struct Position<'c> {
    columns: &'c [Column],
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Position<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Position<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        if self.columns.get(self.expected).is_some_and(|column| column.name == name) {
            return Ok(Some(self.expected));
        }
        Ok(self.columns.iter().position(|column| column.name == name))
    }
}
