//! A filter's parameters, with all of their digits.

use serde_json::Value;
use serde_json::value::RawValue;

use super::Refusal;

/// Reads a JSON array. A number with a fraction or an exponent becomes a string with its digits,
/// which means the same in a predicate.
pub fn read_params(text: &str) -> Result<Vec<Value>, Refusal> {
    let items: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|_| wrong("must be a JSON array"))?;
    items.into_iter().map(|item| read_param(item.get())).collect()
}

/// Reads one of them.
pub fn read_param(text: &str) -> Result<Value, Refusal> {
    let read = || serde_json::from_str(text).map_err(|_| wrong("has what can't be read"));
    match text.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Ok(match read() {
            Ok(Value::Number(number)) if !number.is_f64() => Value::Number(number),
            _ => Value::String(text.to_owned()),
        }),
        Some(b'[' | b'{') if !keeps_numbers(text) => Err(wrong(
            "has a number within an array or an object that would lose digits: \
                       give all of that as a string",
        )),
        _ => read(),
    }
}

/// Whether the numbers in this JSON are written by `Value` as they are here.
fn keeps_numbers(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = &rest[at..];
        let end = match rest.strip_prefix('"') {
            Some(inner) => 1 + string_end(inner),
            None => {
                let end =
                    rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
                let number = &rest[..end.unwrap_or(rest.len())];
                if !is_kept(number) {
                    return false;
                }
                number.len()
            }
        };
        rest = &rest[end..];
    }
    true
}

/// Behind the closing quote.
fn string_end(inner: &str) -> usize {
    let mut escaped = false;
    let end = inner.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    end.map_or(inner.len(), |end| end + 1)
}

fn is_kept(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let read: Option<Value> = serde_json::from_str(number).ok();
    // With a fraction, what needs more than 15 digits isn't sure to be meant as it is written.
    let is_sure = |value: &Value| !value.is_f64() || digits <= 15;
    read.filter(is_sure).is_some_and(|value| number == value.to_string().as_str())
}

fn wrong(what: &str) -> Refusal {
    Refusal::invalid(format!("\"params\" {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_digit_is_lost() {
        for (text, read) in [
            ("[1.00000000000000000001]", json!(["1.00000000000000000001"])),
            ("[1.10, 1e400, -0]", json!(["1.10", "1e400", "-0"])),
            ("[123456789012345678901]", json!(["123456789012345678901"])),
            (" [7, -7, 18446744073709551615] ", json!([7, -7, u64::MAX])),
            (r#"["1.10", null, true, [1, 1.5]]"#, json!(["1.10", null, true, [1, 1.5]])),
            (r#"[{"a\"1.10": "\\", "b": 2}]"#, json!([{"a\"1.10": "\\", "b": 2}])),
            ("[]", json!([])),
        ] {
            assert_eq!(read_params(text).map(Value::Array).unwrap(), read, "{text}");
        }
    }

    #[test]
    fn what_would_lose_digits_is_refused() {
        for text in ["[[1.10]]", r#"[{"a": [1e2]}]"#, "[[1.00000000000000000001]]", "1", "{}", ""] {
            assert!(read_params(text).is_err(), "{text}");
        }
    }
}
