//! What the types' input functions read, as far as it depends on neither clock nor settings.

use std::sync::Arc;

use super::array::parse_array;
use super::json::Reader;
use super::time::{parse_date, parse_time, parse_timestamp};
use super::{Inet, Interval, Json, NotAValue, Numeric, Value};
use crate::catalog::{DataType, EnumType, Scalar};

/// Reads a literal, as the type's input function does.
pub fn from_text(text: &str, of: &DataType) -> Result<Value, NotAValue> {
    if text.contains('\0') {
        return Err(NotAValue::new("text can't hold the character 0"));
    }
    match of {
        DataType::Scalar(scalar) => scalar_from_text(text, scalar),
        DataType::Array(element) => parse_array(text, element),
        DataType::Other => Err(NotAValue::new("values of this type aren't understood")),
    }
}

/// The same for a single value.
pub fn scalar_from_text(text: &str, of: &Scalar) -> Result<Value, NotAValue> {
    let trimmed = trim(text);
    Ok(match of {
        Scalar::Bool => Value::Bool(parse_bool(trimmed)?),
        Scalar::Int2 => Value::Int(parse_int(trimmed, i64::from(i16::MIN), i64::from(i16::MAX))?),
        Scalar::Int4 => Value::Int(parse_int(trimmed, i64::from(i32::MIN), i64::from(i32::MAX))?),
        Scalar::Int8 => Value::Int(parse_int(trimmed, i64::MIN, i64::MAX)?),
        Scalar::Numeric => Value::Numeric(Numeric::parse(trimmed)?),
        Scalar::Float4 => Value::Float4(parse_float4(trimmed)?),
        Scalar::Float8 => Value::Float8(parse_float8(trimmed)?),
        Scalar::Text(_) => Value::Text(text.into()),
        Scalar::Char(_) => Value::Char(text.into()),
        Scalar::Uuid => Value::Uuid(parse_uuid(text)?),
        Scalar::Date => Value::Date(parse_date(trimmed)?),
        Scalar::Time => Value::Time(parse_time(trimmed)?),
        Scalar::Timestamp => Value::Timestamp(parse_timestamp(trimmed, false)?),
        Scalar::Timestamptz => Value::Timestamptz(parse_timestamp(trimmed, true)?),
        Scalar::Interval => Value::Interval(Interval::parse(trimmed)?),
        Scalar::Bytea => Value::Bytea(parse_bytea(text)?.into()),
        Scalar::Enum(of) => parse_enum(text, of)?,
        Scalar::Json => Value::Json(checked_json(text)?.into()),
        Scalar::Jsonb => Value::Jsonb(Arc::new(Json::parse(text)?)),
        Scalar::Inet => Value::Inet(Inet::parse(text)?),
    })
}

/// Without what C's `isspace` calls spaces.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
}

fn parse_bool(text: &str) -> Result<bool, NotAValue> {
    let lower = text.to_ascii_lowercase();
    let starts = |word: &str, least: usize| lower.len() >= least && word.starts_with(&lower);
    if starts("true", 1) || starts("yes", 1) || lower == "on" || lower == "1" {
        Ok(true)
    } else if starts("false", 1) || starts("no", 1) || starts("off", 2) || lower == "0" {
        Ok(false)
    } else {
        Err(NotAValue::new("not a boolean").instead("true"))
    }
}

pub(super) fn parse_int(text: &str, least: i64, most: i64) -> Result<i64, NotAValue> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotAValue::new("not an integer in decimal digits").instead("42"));
    }
    let int = text.parse().ok().filter(|int| (least..=most).contains(int));
    int.ok_or_else(|| NotAValue::new(format!("out of the type's range, {least} to {most}")))
}

fn parse_float4(text: &str) -> Result<f32, NotAValue> {
    if let Some(special) = special_float(text)? {
        return Ok(special as f32);
    }
    let float: f32 = text.parse().map_err(|_| not_a_float())?;
    let lost = float.is_infinite() || (float == 0.0 && has_digits(text));
    if lost { Err(NotAValue::new("out of the range of real")) } else { Ok(float) }
}

pub(super) fn parse_float8(text: &str) -> Result<f64, NotAValue> {
    if let Some(special) = special_float(text)? {
        return Ok(special);
    }
    let float: f64 = text.parse().map_err(|_| not_a_float())?;
    let lost = float.is_infinite() || (float == 0.0 && has_digits(text));
    if lost { Err(NotAValue::new("out of the range of double precision")) } else { Ok(float) }
}

fn not_a_float() -> NotAValue {
    NotAValue::new("not a number").instead("1.5e3")
}

fn has_digits(number: &str) -> bool {
    let mantissa = number.split(['e', 'E']).next().unwrap_or("");
    mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

/// NaN and infinities; an error for what Rust reads and `strtod` doesn't.
fn special_float(text: &str) -> Result<Option<f64>, NotAValue> {
    match text.to_ascii_lowercase().as_str() {
        "nan" => Ok(Some(f64::NAN)),
        "inf" | "+inf" | "infinity" | "+infinity" => Ok(Some(f64::INFINITY)),
        "-inf" | "-infinity" => Ok(Some(f64::NEG_INFINITY)),
        other => {
            let plain = |byte: u8| byte.is_ascii_digit() || b"+-.e".contains(&byte);
            if other.bytes().all(plain) { Ok(None) } else { Err(not_a_float()) }
        }
    }
}

/// 32 digits, in braces or not, with a hyphen after any group of four.
fn parse_uuid(text: &str) -> Result<[u8; 16], NotAValue> {
    let fault = || NotAValue::new("not a UUID").instead("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    let braced = text.strip_prefix('{').map(|rest| rest.strip_suffix('}').ok_or_else(fault));
    let mut rest = braced.unwrap_or(Ok(text))?.as_bytes();
    let mut uuid = [0; 16];
    for (at, byte) in uuid.iter_mut().enumerate() {
        let (pair, after) = rest.split_first_chunk::<2>().ok_or_else(fault)?;
        *byte = hex_pair(*pair).ok_or_else(fault)?;
        let hyphen = at % 2 == 1 && at < 15 && after.first() == Some(&b'-');
        rest = &after[usize::from(hyphen)..];
    }
    if rest.is_empty() { Ok(uuid) } else { Err(fault()) }
}

fn hex_pair(pair: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(pair[0])? << 4 | digit(pair[1])?)
}

pub(super) fn parse_bytea(text: &str) -> Result<Vec<u8>, NotAValue> {
    let fault = || NotAValue::new("not a bytea").instead("\\x0a1b");
    match text.strip_prefix("\\x") {
        Some(hex) => parse_hex(hex.as_bytes()),
        None => parse_escaped(text.as_bytes()),
    }
    .ok_or_else(fault)
}

fn parse_hex(mut hex: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    while let Some((&first, rest)) = hex.split_first() {
        if matches!(first, b' ' | b'\t' | b'\n' | b'\r') {
            hex = rest;
            continue;
        }
        let (pair, rest) = hex.split_first_chunk::<2>()?;
        bytes.push(hex_pair(*pair)?);
        hex = rest;
    }
    Some(bytes)
}

fn parse_escaped(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    loop {
        text = match text {
            [] => return Some(bytes),
            [b'\\', b'\\', rest @ ..] => {
                bytes.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', ..] => return None,
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
}

pub(super) fn parse_enum(text: &str, of: &Arc<EnumType>) -> Result<Value, NotAValue> {
    let at = of.labels.iter().position(|label| label == text).and_then(|at| u32::try_from(at).ok());
    at.map(|at| Value::Enum(of.clone(), at))
        .ok_or_else(|| NotAValue::new(format!("not one of the values of {}", of.name)))
}

/// JSON that every function of PostgreSQL can read.
fn checked_json(text: &str) -> Result<&str, NotAValue> {
    let mut reader = Reader::new(text);
    reader.skip(0)?;
    reader.end()?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (text, value) in [
            ("t", true),
            ("TRUE", true),
            (" tr ", true),
            ("y", true),
            ("on", true),
            ("1", true),
            ("of", false),
            ("n", false),
            ("0", false),
            ("FaLs", false),
        ] {
            assert_eq!(scalar_from_text(text, &Scalar::Bool), Ok(Value::Bool(value)), "{text}");
        }
        for wrong in ["", "o", "truee", "2", "onn"] {
            assert!(scalar_from_text(wrong, &Scalar::Bool).is_err(), "{wrong}");
        }
    }

    #[test]
    fn integers_have_a_range() {
        assert_eq!(scalar_from_text(" -32768 ", &Scalar::Int2), Ok(Value::Int(-32768)));
        for wrong in ["32768", "", "1.0", "0x10", "1_000", "- 1", "१"] {
            assert!(scalar_from_text(wrong, &Scalar::Int2).is_err(), "{wrong}");
        }
    }

    #[test]
    fn floats_keep_what_fits() {
        for (text, of) in
            [("1e-400", Scalar::Float8), ("1e40", Scalar::Float4), ("0x1", Scalar::Float8)]
        {
            assert!(scalar_from_text(text, &of).is_err(), "{text}");
        }
        assert_eq!(scalar_from_text("0e-999", &Scalar::Float8), Ok(Value::Float8(0.0)));
        assert_eq!(scalar_from_text("5e-324", &Scalar::Float8), Ok(Value::Float8(5e-324)));
    }

    #[test]
    fn uuids_and_bytes() {
        let uuid = scalar_from_text("{A0EEBC999C0B4EF8-BB6D6BB9BD380A11}", &Scalar::Uuid);
        assert_eq!(uuid, scalar_from_text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", &Scalar::Uuid));
        assert!(uuid.is_ok());
        assert!(scalar_from_text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", &Scalar::Uuid).is_err());
        assert_eq!(parse_bytea("\\x 0a 1B"), Ok(vec![10, 27]));
        assert_eq!(parse_bytea("a\\\\\\001"), Ok(vec![b'a', b'\\', 1]));
        assert!(parse_bytea("\\x0").is_err() && parse_bytea("\\9").is_err());
    }
}
