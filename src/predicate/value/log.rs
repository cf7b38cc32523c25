//! The log's JSON, as `row_to_json` writes it.

use std::borrow::Cow;
use std::sync::Arc;

use super::array::Gathered;
use super::input::{scalar_from_text, trim};
use super::json::Reader;
use super::{Interval, NotAValue, Numeric, Value};
use crate::catalog::{DataType, Scalar};
use crate::predicate::Undecidable;

/// Reads a value as the log has it; `null` is None.
///
/// `null` in a column of json or jsonb may be SQL's NULL or JSON's; in an array of them it is undecidable.
pub fn from_log(json: &str, of: &DataType) -> Result<Option<Value>, Undecidable> {
    let scalar = match of {
        DataType::Scalar(Scalar::Int2 | Scalar::Int4 | Scalar::Int8) => {
            if let Ok(int) = json.parse() {
                return Ok(Some(Value::Int(int)));
            }
            return if json == "null" { Ok(None) } else { Err(Undecidable) };
        }
        DataType::Scalar(scalar) => scalar,
        DataType::Array(_) if json == "null" => return Ok(None),
        DataType::Array(element) => return array(json, element).map(Some).map_err(|_| Undecidable),
        DataType::Other => return Err(Undecidable),
    };
    if json == "null" {
        let ambiguous = matches!(scalar, Scalar::Json | Scalar::Jsonb);
        return Ok(ambiguous.then_some(Value::NullOrJsonNull));
    }
    single(json, scalar).map(Some).map_err(|_| Undecidable)
}

fn single(json: &str, of: &Scalar) -> Result<Value, NotAValue> {
    match of {
        Scalar::Json => Ok(Value::Json(json.into())),
        Scalar::Jsonb => scalar_from_text(json, of),
        Scalar::Bool => match json {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(NotAValue::new("not a boolean")),
        },
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => scalar_from_text(json, of),
        Scalar::Numeric => Numeric::parse(plain_or_quoted(json)).map(Value::Numeric),
        Scalar::Float4 | Scalar::Float8 => scalar_from_text(plain_or_quoted(json), of),
        Scalar::Interval => Interval::from_log(&string(json)?).map(Value::Interval),
        Scalar::Text(_) => Ok(Value::Text(string(json)?.into())),
        Scalar::Char(_) => Ok(Value::Char(string(json)?.into())),
        _ => scalar_from_text(&string(json)?, of),
    }
}

fn plain_or_quoted(json: &str) -> &str {
    json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json)
}

fn string(json: &str) -> Result<Cow<'_, str>, NotAValue> {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        Some(_) => Reader::new(json).string().map(Cow::Owned),
        None => Err(NotAValue::new("not a string")),
    }
}

fn array(json: &str, element: &Scalar) -> Result<Value, NotAValue> {
    let mut gathered = Gathered::default();
    let mut reader = Reader::new(json);
    level(&mut reader, element, &mut gathered, 0)?;
    reader.end()?;
    Ok(Value::Array(Arc::new(gathered.array()?)))
}

fn level(
    reader: &mut Reader<'_>,
    element: &Scalar,
    gathered: &mut Gathered,
    depth: usize,
) -> Result<(), NotAValue> {
    gathered.open(depth)?;
    let mut members = 0;
    reader.elements(depth, |reader, inner| {
        members += 1;
        if reader.peek() == b'[' {
            return nested(reader, element, gathered, inner);
        }
        let start = reader.place();
        reader.skip(inner)?;
        gathered.push(depth, member(trim(reader.since(start)), element)?)
    })?;
    gathered.close(depth, members)
}

/// A row of an array of several dimensions. An element of type json may look the same, so it can't be told.
fn nested(
    reader: &mut Reader<'_>,
    element: &Scalar,
    gathered: &mut Gathered,
    depth: usize,
) -> Result<(), NotAValue> {
    match element {
        Scalar::Json | Scalar::Jsonb => Err(NotAValue::new("JSON in an array")),
        _ => level(reader, element, gathered, depth),
    }
}

fn member(json: &str, of: &Scalar) -> Result<Option<Value>, NotAValue> {
    match (json, of) {
        ("null", Scalar::Json | Scalar::Jsonb) => Err(NotAValue::new("JSON or SQL null")),
        ("null", _) => Ok(None),
        _ => single(json, of).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(json: &str, type_name: &str) -> Result<Option<String>, Undecidable> {
        let value = from_log(json, &DataType::named(type_name))?;
        Ok(value.as_ref().map(super::super::to_text))
    }

    #[test]
    fn reads_what_row_to_json_writes() {
        for (json, of, text) in [
            ("1", "integer", "1"),
            ("true", "boolean", "t"),
            ("1.50", "numeric", "1.50"),
            ("\"NaN\"", "numeric", "NaN"),
            ("1e+20", "double precision", "1e+20"),
            ("\"-Infinity\"", "real", "-Infinity"),
            (
                "\"2024-01-31T10:00:00.5+00:00\"",
                "timestamp with time zone",
                "2024-01-31 10:00:00.5+00",
            ),
            ("\"0044-03-15T10:00:00 BC\"", "timestamp without time zone", "0044-03-15 10:00:00 BC"),
            ("\"\\\\x0aff\"", "bytea", "\\x0aff"),
            ("\"a\\n\\u0001é\"", "text", "a\n\u{1}é"),
            ("\"ab  \"", "character(4)", "ab  "),
            ("[[1,2],[3,null]]", "integer[]", "{{1,2},{3,NULL}}"),
            ("[]", "text[]", "{}"),
            ("[\"a\\\"b\", \"c\"]", "text[]", "{\"a\\\"b\",c}"),
        ] {
            assert_eq!(text_of(json, of), Ok(Some(text.to_owned())), "{json} {of}");
        }
        assert_eq!(text_of("null", "integer"), Ok(None));
        let null = from_log("null", &DataType::named("jsonb"));
        assert_eq!(null, Ok(Some(Value::NullOrJsonNull)));
        for (json, of) in [
            ("\"1\"", "integer"),
            ("1.5", "integer"),
            ("1", "text"),
            ("\"t\"", "boolean"),
            ("{}", "integer[]"),
            ("\"2024-02-30\"", "date"),
            ("1", "point"),
            ("[1,\"2\"]", "integer[]"),
            ("[null]", "jsonb[]"),
        ] {
            assert_eq!(text_of(json, of), Err(Undecidable), "{json} {of}");
        }
    }
}
