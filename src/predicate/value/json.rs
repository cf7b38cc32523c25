//! JSON trees: `jsonb`.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::{NotAValue, Numeric};

/// How deep JSON may be nested; what is deeper is undecidable.
pub const MAX_JSON_DEPTH: usize = 256;

/// How many values a tree may have; what has more is undecidable.
pub const MAX_JSON_VALUES: usize = 1 << 20;

/// A `jsonb` value. An object's keys are unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Json {
    Null,
    Bool(bool),
    Number(Numeric),
    String(Box<str>),
    Array(Vec<Json>),
    /// By key length, then by bytes, as PostgreSQL stores and prints it.
    Object(Vec<(Box<str>, Json)>),
}

impl Json {
    pub fn parse(text: &str) -> Result<Self, NotAValue> {
        let mut reader = Reader::new(text);
        let value = reader.value(0)?;
        reader.end()?;
        Ok(value)
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        let Json::Object(fields) = self else { return None };
        let at = fields.binary_search_by(|(field, _)| key_order(field, key)).ok()?;
        Some(&fields[at].1)
    }

    /// The element at this position; negative ones count from the end.
    pub fn at(&self, index: i64) -> Option<&Json> {
        let Json::Array(elements) = self else { return None };
        elements.get(position(index, elements.len())?)
    }

    pub fn equal(&self, other: &Json) -> bool {
        match (self, other) {
            (Json::Number(left), Json::Number(right)) => left.compare(right).is_eq(),
            (Json::Array(left), Json::Array(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.equal(b))
            }
            (Json::Object(left), Json::Object(right)) => {
                let mut pairs = left.iter().zip(right);
                left.len() == right.len() && pairs.all(|(a, b)| a.0 == b.0 && a.1.equal(&b.1))
            }
            _ => self == other,
        }
    }

    /// As `jsonb_out` writes it.
    pub fn put_text(&self, text: &mut String) {
        match self {
            Json::Null => text.push_str("null"),
            Json::Bool(it) => text.push_str(if *it { "true" } else { "false" }),
            Json::Number(it) => it.put_text(text),
            Json::String(it) => put_string(it, text),
            Json::Array(elements) => {
                text.push('[');
                for (at, element) in elements.iter().enumerate() {
                    text.push_str(if at > 0 { ", " } else { "" });
                    element.put_text(text);
                }
                text.push(']');
            }
            Json::Object(fields) => {
                text.push('{');
                for (at, (key, value)) in fields.iter().enumerate() {
                    text.push_str(if at > 0 { ", " } else { "" });
                    put_string(key, text);
                    text.push_str(": ");
                    value.put_text(text);
                }
                text.push('}');
            }
        }
    }
}

pub(super) fn position(index: i64, len: usize) -> Option<usize> {
    let from_end = i64::try_from(len).ok()?.checked_add(index)?;
    usize::try_from(if index < 0 { from_end } else { index }).ok()
}

fn key_order(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn put_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Reads JSON by PostgreSQL's grammar, which is RFC 8259's.
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Values of trees so far.
    values: usize,
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0, values: 0 }
    }

    /// The next character that isn't a space, left in place; 0 at the end.
    pub fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or(0)
    }

    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    pub fn end(&mut self) -> Result<(), NotAValue> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { Err(invalid()) }
    }

    /// Where reading stands, after spaces.
    pub fn place(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// Another reader at the same place.
    pub fn ahead(&self) -> Self {
        Self { text: self.text, at: self.at, values: 0 }
    }

    pub fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.at]
    }

    pub fn value(&mut self, depth: usize) -> Result<Json, NotAValue> {
        self.values += 1;
        if self.values > MAX_JSON_VALUES {
            return Err(NotAValue::new(format!("JSON with more than {MAX_JSON_VALUES} values")));
        }
        match self.peek() {
            b'{' => self.object(depth),
            b'[' => {
                let mut elements = Vec::new();
                self.elements(depth, |reader, depth| {
                    elements.push(reader.value(depth)?);
                    Ok(())
                })?;
                Ok(Json::Array(elements))
            }
            b'"' => Ok(Json::String(self.string()?.into())),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => Numeric::parse(self.number()?).map(Json::Number),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, NotAValue> {
        let mut fields: Vec<(Box<str>, Json)> = Vec::new();
        self.fields(depth, |reader, key, depth| {
            fields.push((key.into(), reader.value(depth)?));
            Ok(())
        })?;
        fields.reverse();
        fields.sort_by(|(a, _), (b, _)| key_order(a, b));
        fields.dedup_by(|(later, _), (kept, _)| later == kept);
        Ok(Json::Object(fields))
    }

    /// Reads an array, each element by `each`.
    pub fn elements(
        &mut self,
        depth: usize,
        mut each: impl FnMut(&mut Self, usize) -> Result<(), NotAValue>,
    ) -> Result<(), NotAValue> {
        let depth = deeper(depth)?;
        if !self.take(b'[') {
            return Err(invalid());
        }
        if self.take(b']') {
            return Ok(());
        }
        loop {
            each(self, depth)?;
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(invalid());
            }
        }
    }

    /// Reads an object, each value by `each`.
    pub fn fields(
        &mut self,
        depth: usize,
        mut each: impl FnMut(&mut Self, String, usize) -> Result<(), NotAValue>,
    ) -> Result<(), NotAValue> {
        let depth = deeper(depth)?;
        if !self.take(b'{') {
            return Err(invalid());
        }
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.peek();
            let key = self.string()?;
            if !self.take(b':') {
                return Err(invalid());
            }
            each(self, key, depth)?;
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(invalid());
            }
        }
    }

    /// Reads a value and leaves it out.
    pub fn skip(&mut self, depth: usize) -> Result<(), NotAValue> {
        match self.peek() {
            b'{' => self.fields(depth, |reader, _, depth| reader.skip(depth)),
            b'[' => self.elements(depth, Self::skip),
            b'"' => self.string().map(drop),
            b't' => self.word("true", ()),
            b'f' => self.word("false", ()),
            b'n' => self.word("null", ()),
            _ => self.number().map(drop),
        }
    }

    fn word<T>(&mut self, word: &str, value: T) -> Result<T, NotAValue> {
        if !self.text[self.at..].starts_with(word) {
            return Err(invalid());
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<&'t str, NotAValue> {
        let start = self.at;
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        self.at += self.text.as_bytes()[start..].iter().take_while(|byte| is_part(byte)).count();
        let number = self.since(start);
        if is_json_number(number) { Ok(number) } else { Err(invalid()) }
    }

    pub fn string(&mut self) -> Result<String, NotAValue> {
        if self.text.as_bytes().get(self.at) != Some(&b'"') {
            return Err(invalid());
        }
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let stops = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
            let plain = rest.bytes().position(stops).ok_or_else(invalid)?;
            string.push_str(&rest[..plain]);
            self.at += plain + 1;
            match rest.as_bytes()[plain] {
                b'"' => return Ok(string),
                b'\\' => string.push(self.escape()?),
                _ => return Err(invalid()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, NotAValue> {
        let letter = self.text.as_bytes().get(self.at).copied().ok_or_else(invalid)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return Err(invalid()),
        })
    }

    fn unicode(&mut self) -> Result<char, NotAValue> {
        let mut code = self.hex()?;
        if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let low = self.hex()?;
            let is_low = (0xdc00..0xe000).contains(&low);
            code = if is_low { 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) } else { 0 };
        }
        char::from_u32(code)
            .filter(|&character| character != '\0')
            .ok_or_else(|| NotAValue::new("the JSON has an escape that text can't hold"))
    }

    fn hex(&mut self) -> Result<u32, NotAValue> {
        let digits = self.text.get(self.at..self.at + 4).ok_or_else(invalid)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| invalid())
    }
}

fn deeper(depth: usize) -> Result<usize, NotAValue> {
    if depth == MAX_JSON_DEPTH {
        return Err(NotAValue::new(format!("JSON nested more than {MAX_JSON_DEPTH} deep")));
    }
    Ok(depth + 1)
}

fn invalid() -> NotAValue {
    NotAValue::new("not JSON")
}

fn is_json_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_at(text.find(['e', 'E']).unwrap_or(text.len()));
    let (whole, fraction) = mantissa.split_at(mantissa.find('.').unwrap_or(mantissa.len()));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_digits = exponent.get(1..).unwrap_or("");
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && (fraction.is_empty() || digits(&fraction[1..]))
        && (exponent.is_empty()
            || digits(exponent_digits.strip_prefix(['+', '-']).unwrap_or(exponent_digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_jsonb() {
        for (given, printed) in [
            (r#"{"bb":1,"a":[1.0,  2e1],"a":{}}"#, r#"{"a": {}, "bb": 1}"#),
            (r#" "\u00e9\ud83d\ude00\n\u0001" "#, "\"é😀\\n\\u0001\""),
            ("[true,false,null,-0,1e2]", "[true, false, null, 0, 100]"),
        ] {
            let mut text = String::new();
            Json::parse(given).unwrap().put_text(&mut text);
            assert_eq!(text, printed);
        }
        for wrong in [
            "",
            "01",
            "[1,]",
            "{\"a\"}",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "nul",
            "1 2",
            "\"a\nb\"",
            "-",
            "1.",
        ] {
            assert!(Json::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(Json::parse(&"[".repeat(1_000_000)).is_err());
        let deepest = "[".repeat(MAX_JSON_DEPTH) + &"]".repeat(MAX_JSON_DEPTH);
        assert!(Json::parse(&deepest).is_ok());
        assert!(Json::parse(&format!("[{deepest}]")).is_err());
    }
}
