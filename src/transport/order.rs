//! The parameter `order`: `created_at.desc,id`.

use std::collections::BTreeSet;

use crate::catalog::{DataType, Scalar};
use crate::policy::{Unknown, View};
use crate::snapshot::OrderBy;
use crate::wire::Refusal;

/// The most columns to order by.
const MAX_COLUMNS: usize = 32;

/// Reads it. Only columns that are in every row may be named: by the order of rows others could be guessed.
pub fn read_order(text: &str, view: &View) -> Result<Vec<OrderBy>, Refusal> {
    let mut order = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (item, behind) = read_item(text)?;
        order.push(item.resolve(view)?);
        rest = behind;
    }
    if order.len() > MAX_COLUMNS {
        return Err(wrong("names too many columns"));
    }
    Ok(order)
}

#[derive(Debug, PartialEq, Eq)]
struct Item {
    name: String,
    is_descending: bool,
    nulls_first: Option<bool>,
}

/// An item, and what is behind its comma.
fn read_item(text: &str) -> Result<(Item, Option<&str>), Refusal> {
    let text = text.trim_start();
    let (name, words, behind) = match text.strip_prefix('"') {
        Some(quoted) => {
            let (name, behind) = closing(quoted)?;
            let (words, behind) = split(behind);
            (Some(name), words.trim(), behind)
        }
        None => {
            let (words, behind) = split(text);
            (None, words.trim(), behind)
        }
    };
    let (left, nulls_first) = stripped(words, [(".nullsfirst", true), (".nullslast", false)]);
    let (left, descending) = stripped(left, [(".desc", true), (".asc", false)]);
    if name.is_some() && !left.is_empty() {
        return Err(wrong("must be like created_at.desc,id.asc.nullslast"));
    }
    let name = name.unwrap_or_else(|| left.to_owned());
    Ok((Item { name, is_descending: descending == Some(true), nulls_first }, behind))
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(',').map_or((text, None), |(item, behind)| (item, Some(behind)))
}

fn stripped<'t>(text: &'t str, endings: [(&str, bool); 2]) -> (&'t str, Option<bool>) {
    let found = endings.iter().find_map(|(end, what)| Some((text.strip_suffix(end)?, Some(*what))));
    found.unwrap_or((text, None))
}

/// A name up to its closing quote, and what is behind.
fn closing(quoted: &str) -> Result<(String, &str), Refusal> {
    let (mut name, mut rest) = (String::new(), quoted);
    loop {
        let (part, behind) =
            rest.split_once('"').ok_or_else(|| wrong("has a quote that isn't closed"))?;
        name.push_str(part);
        match behind.strip_prefix('"') {
            Some(on) => rest = on,
            None => return Ok((name, behind)),
        }
        name.push('"');
    }
}

impl Item {
    fn resolve(self, view: &View) -> Result<OrderBy, Refusal> {
        let masked: BTreeSet<usize> = view.masks().iter().map(|(at, _)| *at).collect();
        let found = view.columns().find(|(at, name)| *name == self.name && !masked.contains(at));
        let Some((column, _)) = found else { return Err(Unknown::Column(self.name).into()) };
        let of = &view.served().table().columns[column].data_type;
        if matches!(of, DataType::Scalar(Scalar::Json) | DataType::Array(Scalar::Json)) {
            return Err(wrong("names a column of type json, which has no order"));
        }
        let Self { is_descending, nulls_first, .. } = self;
        Ok(OrderBy { column, is_descending, nulls_first })
    }
}

fn wrong(what: &str) -> Refusal {
    Refusal::invalid(format!("\"order\" {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_a_direction_and_a_place_for_nulls() {
        for (text, name, is_descending, nulls_first, behind) in [
            ("id", "id", false, None, None),
            ("id.desc, b", "id", true, None, Some(" b")),
            (" id.asc.nullsfirst ,", "id", false, Some(true), Some("")),
            ("id.nullslast", "id", false, Some(false), None),
            ("a.b.desc", "a.b", true, None, None),
            (r#""a.desc",c"#, "a.desc", false, None, Some("c")),
            (r#""a ""b,"".asc".desc.nullslast"#, "a \"b,\".asc", true, Some(false), None),
            ("id.down", "id.down", false, None, None),
            ("", "", false, None, None),
        ] {
            let item = Item { name: name.to_owned(), is_descending, nulls_first };
            assert_eq!(read_item(text), Ok((item, behind)), "{text}");
        }
        for text in [r#"""#, r#""a"#, r#""a"b"#, r#""a".down"#] {
            assert!(read_item(text).is_err(), "{text}");
        }
    }
}
