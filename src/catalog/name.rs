//! Names of tables as people write them: `orders`, `sales.orders`, `"we.ird"."Tab""le"`.
//!
//! Names are taken literally: unlike in SQL nothing is folded to lower case, and blanks or other
//! characters need no quotes. Only a dot or a quote does: it goes into double quotes, with each
//! quote in it doubled.

use std::fmt;
use std::str::FromStr;

/// Where a table without a schema is looked up.
const DEFAULT_SCHEMA: &str = "public";

/// A table's schema and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    pub schema: String,
    pub name: String,
}

/// Text that names no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a part of the name is empty")]
    Empty,
    #[error("a quote is not closed")]
    OpenQuote,
    #[error("a quote stands inside of a name")]
    StrayQuote,
    #[error("more than a schema and a table")]
    TooManyParts,
    #[error("a name can't contain a zero byte")]
    Zero,
}

impl FromStr for TableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains('\0') {
            return Err(NameError::Zero);
        }
        let (first, rest) = part(text)?;
        let Some(rest) = rest else {
            return Ok(Self { schema: DEFAULT_SCHEMA.into(), name: first });
        };
        match part(rest)? {
            (name, None) => Ok(Self { schema: first, name }),
            _ => Err(NameError::TooManyParts),
        }
    }
}

/// One part, and what follows the dot after it.
fn part(text: &str) -> Result<(String, Option<&str>), NameError> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => closing(quoted)?,
        None => {
            let (name, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
            if name.contains('"') {
                return Err(NameError::StrayQuote);
            }
            (name.to_owned(), rest)
        }
    };
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    match rest.strip_prefix('.') {
        Some(next) => Ok((name, Some(next))),
        None if rest.is_empty() => Ok((name, None)),
        None => Err(NameError::StrayQuote),
    }
}

/// What a quote encloses, and what follows it.
fn closing(quoted: &str) -> Result<(String, &str), NameError> {
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"').ok_or(NameError::OpenQuote)?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                name.push('"');
                rest = next;
            }
            None => return Ok((name, after)),
        }
    }
}

/// As short as the configuration may write it: without `public`, with quotes only where they are
/// needed.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema != DEFAULT_SCHEMA {
            write!(f, "{}.", quoted_if_needed(&self.schema))?;
        }
        f.write_str(&quoted_if_needed(&self.name))
    }
}

impl TableName {
    /// As SQL writes it, always quoted.
    pub fn sql(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

fn quoted_if_needed(name: &str) -> String {
    if name.contains(['.', '"']) { quoted(name) } else { name.to_owned() }
}

/// A name as SQL writes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name that is most like `wanted`, if one is near enough to be meant.
pub fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = wanted.to_lowercase();
    names
        .into_iter()
        .filter_map(|name| Some((unlikeness(&wanted, &name.to_lowercase())?, name)))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Small for names that differ by a slip or share their beginning; `None` for names that are simply
/// others.
fn unlikeness(wanted: &str, name: &str) -> Option<f64> {
    const ALIKE: f64 = 0.85;
    let slips = strsim::osa_distance(wanted, name);
    let forgiven = (wanted.chars().count().max(name.chars().count()) + 1) / 4;
    let alike = strsim::jaro_winkler(wanted, name);
    (slips <= forgiven || alike >= ALIKE).then_some(1.0 - alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_literally_and_printed_back() {
        for (text, schema, name, printed) in [
            ("orders", "public", "orders", "orders"),
            ("sales.orders", "sales", "orders", "sales.orders"),
            ("public.orders", "public", "orders", "orders"),
            ("Orders", "public", "Orders", "Orders"),
            ("my table", "public", "my table", "my table"),
            ("größe", "public", "größe", "größe"),
            ("\"orders\"", "public", "orders", "orders"),
            ("\"a.b\"", "public", "a.b", "\"a.b\""),
            ("\"we.ird\".\"Tab\"\"le\"", "we.ird", "Tab\"le", "\"we.ird\".\"Tab\"\"le\""),
            ("s.\"\"\"\"", "s", "\"", "s.\"\"\"\""),
        ] {
            let read: TableName = text.parse().unwrap();
            assert_eq!((read.schema.as_str(), read.name.as_str()), (schema, name), "{text}");
            assert_eq!(read.to_string(), printed);
            assert_eq!(printed.parse(), Ok(read));
        }
    }

    #[test]
    fn text_that_names_no_table_is_refused() {
        for (text, error) in [
            ("", NameError::Empty),
            (".", NameError::Empty),
            ("a.", NameError::Empty),
            (".a", NameError::Empty),
            ("\"\"", NameError::Empty),
            ("a.b.c", NameError::TooManyParts),
            ("\"a", NameError::OpenQuote),
            ("\"a\"\"", NameError::OpenQuote),
            ("a\"b", NameError::StrayQuote),
            ("\"a\"b", NameError::StrayQuote),
            ("a\0", NameError::Zero),
        ] {
            assert_eq!(text.parse::<TableName>(), Err(error), "{text}");
        }
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["orders", "order_items", "customers"];
        assert_eq!(nearest("oders", names), Some("orders"));
        assert_eq!(nearest("CUSTOMER", names), Some("customers"));
        assert_eq!(nearest("ulr", ["url"]), Some("url"));
        assert_eq!(nearest("zebra", names), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
