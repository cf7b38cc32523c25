//! Arrays of single values, of any number of dimensions; every lower bound is 1.

use std::cmp::Ordering;
use std::sync::Arc;

use super::input::scalar_from_text;
use super::{NotAValue, Value, compare, equal, to_text};
use crate::catalog::Scalar;

/// PostgreSQL's own limit.
const MAX_DIMENSIONS: usize = 6;

/// How many elements are read; an array with more is undecidable.
pub const MAX_ARRAY_ELEMENTS: usize = 1 << 20;

/// An array. No dimensions: empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Array {
    dimensions: Vec<u32>,
    elements: Vec<Option<Value>>,
}

impl Array {
    /// An array of one dimension, or an empty one.
    pub fn of(elements: Vec<Option<Value>>) -> Self {
        let count = u32::try_from(elements.len()).unwrap_or(u32::MAX);
        let dimensions = if elements.is_empty() { Vec::new() } else { vec![count] };
        Self { dimensions, elements }
    }

    pub fn dimensions(&self) -> &[u32] {
        &self.dimensions
    }

    /// All elements, in the order of storage; None is NULL.
    pub fn elements(&self) -> &[Option<Value>] {
        &self.elements
    }

    pub(super) fn with_dimensions(dimensions: Vec<u32>, elements: Vec<Option<Value>>) -> Self {
        Self { dimensions, elements }
    }

    /// By elements, NULL last and equal to NULL, then by the number of them, then by dimensions.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        for (left, right) in self.elements.iter().zip(&other.elements) {
            let order = match (left, right) {
                (Some(left), Some(right)) => compare(left, right)?,
                (left, right) => left.is_none().cmp(&right.is_none()),
            };
            if order.is_ne() {
                return Some(order);
            }
        }
        let size = self.elements.len().cmp(&other.elements.len());
        let dimensions = self.dimensions.len().cmp(&other.dimensions.len());
        Some(size.then(dimensions).then_with(|| self.dimensions.cmp(&other.dimensions)))
    }

    pub(super) fn equal(&self, other: &Self) -> Option<bool> {
        if self.dimensions != other.dimensions {
            return Some(false);
        }
        for pair in self.elements.iter().zip(&other.elements) {
            match pair {
                (Some(left), Some(right)) if equal(left, right)? => {}
                (None, None) => {}
                _ => return Some(false),
            }
        }
        Some(true)
    }

    pub(super) fn has(&self, value: &Value) -> Option<bool> {
        for element in self.elements.iter().flatten() {
            if equal(element, value)? {
                return Some(true);
            }
        }
        Some(false)
    }
}

/// Gathers nested elements and finds the dimensions that they make.
#[derive(Default)]
pub(super) struct Gathered {
    dimensions: Vec<Option<u32>>,
    elements: Vec<Option<Value>>,
    /// How deep the elements are, once one has been seen.
    depth: Option<usize>,
}

impl Gathered {
    /// Enters a level; `depth` from 0.
    pub fn open(&mut self, depth: usize) -> Result<(), NotAValue> {
        if depth == MAX_DIMENSIONS || self.depth.is_some_and(|deepest| depth >= deepest) {
            return Err(uneven());
        }
        if self.dimensions.len() == depth {
            self.dimensions.push(None);
        }
        Ok(())
    }

    /// Takes an element of the level `depth`.
    pub fn push(&mut self, depth: usize, element: Option<Value>) -> Result<(), NotAValue> {
        if *self.depth.get_or_insert(depth + 1) != depth + 1 || self.dimensions.len() != depth + 1 {
            return Err(uneven());
        }
        if self.elements.len() == MAX_ARRAY_ELEMENTS {
            return Err(NotAValue::new(format!("more than {MAX_ARRAY_ELEMENTS} elements")));
        }
        self.elements.push(element);
        Ok(())
    }

    /// Leaves a level that had this many members.
    pub fn close(&mut self, depth: usize, members: u32) -> Result<(), NotAValue> {
        let length = self.dimensions.get_mut(depth).ok_or_else(uneven)?;
        if *length.get_or_insert(members) == members { Ok(()) } else { Err(uneven()) }
    }

    pub fn array(self) -> Result<Array, NotAValue> {
        if self.elements.is_empty() {
            let plain = self.dimensions.len() <= 1;
            return if plain { Ok(Array::of(Vec::new())) } else { Err(uneven()) };
        }
        let dimensions = self.dimensions.into_iter().map(|length| length.unwrap_or(0)).collect();
        Ok(Array::with_dimensions(dimensions, self.elements))
    }
}

fn uneven() -> NotAValue {
    NotAValue::new("an array whose rows differ in length, or with too many dimensions")
}

/// Reads `{…}`.
pub(super) fn parse_array(text: &str, element: &Scalar) -> Result<Value, NotAValue> {
    let mut reader = Reader { rest: text, element, gathered: Gathered::default() };
    if reader.peek() == Some('[') {
        return Err(NotAValue::new("array bounds aren't understood").instead("{1,2,3}"));
    }
    reader.level(0)?;
    if reader.peek().is_some() {
        return Err(malformed());
    }
    Ok(Value::Array(Arc::new(reader.gathered.array()?)))
}

fn malformed() -> NotAValue {
    NotAValue::new("not an array").instead("{1,2,3}")
}

struct Reader<'t> {
    rest: &'t str,
    element: &'t Scalar,
    gathered: Gathered,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
        self.rest.chars().next()
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        self.rest = &self.rest[usize::from(found)..];
        found
    }

    fn level(&mut self, depth: usize) -> Result<(), NotAValue> {
        if !self.take('{') {
            return Err(malformed());
        }
        self.gathered.open(depth)?;
        let mut members = 0;
        if !self.take('}') {
            loop {
                self.member(depth)?;
                members += 1;
                if self.take('}') {
                    break;
                }
                if !self.take(',') {
                    return Err(malformed());
                }
            }
        }
        self.gathered.close(depth, members)
    }

    fn member(&mut self, depth: usize) -> Result<(), NotAValue> {
        if self.peek() == Some('{') {
            return self.level(depth + 1);
        }
        let element = match self.word()? {
            (word, false) if word.eq_ignore_ascii_case("null") => None,
            (word, _) => Some(scalar_from_text(&word, self.element)?),
        };
        self.gathered.push(depth, element)
    }

    /// An element's text and whether any of it was quoted.
    fn word(&mut self) -> Result<(String, bool), NotAValue> {
        if self.take('"') {
            return Ok((self.quoted()?, true));
        }
        let end = self.rest.find([',', '}', '{', '"', '\\']).ok_or_else(malformed)?;
        let (word, rest) = self.rest.split_at(end);
        let word = super::input::trim(word);
        if word.is_empty() || rest.starts_with(['{', '"', '\\']) {
            return Err(malformed());
        }
        self.rest = rest;
        Ok((word.to_owned(), false))
    }

    fn quoted(&mut self) -> Result<String, NotAValue> {
        let mut word = String::new();
        let mut characters = self.rest.chars();
        loop {
            match characters.next().ok_or_else(malformed)? {
                '"' => break,
                '\\' => word.push(characters.next().ok_or_else(malformed)?),
                other => word.push(other),
            }
        }
        self.rest = characters.as_str();
        Ok(word)
    }
}

pub(super) fn put_array(array: &Array, text: &mut String) {
    if array.elements.is_empty() {
        text.push_str("{}");
        return;
    }
    let dimensions: Vec<usize> = array.dimensions.iter().map(|&length| length as usize).collect();
    put_level(&dimensions, &array.elements, text);
}

fn put_level(dimensions: &[usize], elements: &[Option<Value>], text: &mut String) {
    text.push('{');
    let inner: usize = dimensions.iter().skip(1).product();
    for (at, part) in elements.chunks(inner.max(1)).enumerate() {
        text.push_str(if at > 0 { "," } else { "" });
        match part {
            [element] if dimensions.len() == 1 => put_element(element.as_ref(), text),
            _ => put_level(&dimensions[1..], part, text),
        }
    }
    text.push('}');
}

fn put_element(element: Option<&Value>, text: &mut String) {
    let Some(element) = element else {
        text.push_str("NULL");
        return;
    };
    let word = to_text(element);
    let special = |c: char| " \t\n\u{b}\u{c}\r{},\"\\".contains(c);
    if word.is_empty() || word.eq_ignore_ascii_case("null") || word.contains(special) {
        text.push('"');
        for character in word.chars() {
            text.push_str(if matches!(character, '"' | '\\') { "\\" } else { "" });
            text.push(character);
        }
        text.push('"');
    } else {
        text.push_str(&word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Collation;

    #[test]
    fn text_comes_back() {
        for text in [
            "{}",
            "{a,NULL,\"\",\"null\"}",
            "{{a,b},{c,d}}",
            "{\"a,b\",\"q\\\"\\\\\",\" \"}",
            "{{{é}}}",
        ] {
            let array = parse_array(text, &Scalar::Text(Collation::C)).unwrap();
            assert_eq!(to_text(&array), text);
        }
        let spaced = parse_array(" { 1 , null , {", &Scalar::Int4);
        assert!(spaced.is_err());
        assert_eq!(to_text(&parse_array(" { 1 , nULL } ", &Scalar::Int4).unwrap()), "{1,NULL}");
        for wrong in [
            "",
            "{",
            "{1",
            "{1,}",
            "{,1}",
            "{{1},2}",
            "{{1},{2,3}}",
            "{1}x",
            "[0:1]={1,2}",
            "{1,{2}}",
            "{{},{1}}",
        ] {
            assert!(parse_array(wrong, &Scalar::Int4).is_err(), "{wrong}");
        }
    }
}
