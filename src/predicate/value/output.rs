//! What the types' output functions write.

use std::fmt::Write as _;

use super::Value;
use super::array::put_array;
use super::time::{put_date, put_time, put_timestamp};

/// The value's text, as the output function writes it.
///
/// A cast to text differs for `boolean`, `character(n)` and `inet`: [`super::cast`] knows.
pub fn to_text(value: &Value) -> String {
    let mut text = String::new();
    put_text(value, &mut text);
    text
}

pub(super) fn put_text(value: &Value, text: &mut String) {
    match value {
        Value::Bool(it) => text.push(if *it { 't' } else { 'f' }),
        Value::Int(it) => put(text, format_args!("{it}")),
        Value::Numeric(it) => it.put_text(text),
        Value::Float4(it) => put_float(&format!("{it:e}"), 6, text),
        Value::Float8(it) => put_float(&format!("{it:e}"), 15, text),
        Value::Text(it) | Value::Char(it) | Value::Json(it) => text.push_str(it),
        Value::Uuid(it) => put_uuid(it, text),
        Value::Date(it) => put_date(*it, text),
        Value::Time(it) => put_time(*it, text),
        Value::Timestamp(it) => put_timestamp(*it, false, text),
        Value::Timestamptz(it) => put_timestamp(*it, true, text),
        Value::Interval(it) => it.put_text(text),
        Value::Bytea(it) => {
            text.push_str("\\x");
            put_hex(it, text);
        }
        Value::Enum(of, at) => {
            text.push_str(of.labels.get(*at as usize).map_or("", String::as_str))
        }
        Value::Jsonb(it) => it.put_text(text),
        Value::NullOrJsonNull => text.push_str("null"),
        Value::Inet(it) => it.put_text(text),
        Value::Array(it) => put_array(it, text),
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

fn put_hex(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        put(text, format_args!("{byte:02x}"));
    }
}

fn put_uuid(uuid: &[u8; 16], text: &mut String) {
    for (at, byte) in uuid.iter().enumerate() {
        text.push_str(if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" });
        put_hex(&[*byte], text);
    }
}

/// From the shortest digits that read back the same, as `{:e}` writes them.
fn put_float(shortest: &str, fixed_below: i32, text: &mut String) {
    let Some((mantissa, exponent)) = shortest.split_once('e') else {
        text.push_str(match shortest {
            "inf" => "Infinity",
            "-inf" => "-Infinity",
            _ => "NaN",
        });
        return;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(positive) => ("-", positive),
        None => ("", mantissa),
    };
    text.push_str(sign);
    if (-4..fixed_below).contains(&exponent) {
        put_fixed(&mantissa.replace('.', ""), exponent, text);
    } else {
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        put(text, format_args!("{mantissa}e{exponent_sign}{:02}", exponent.abs()));
    }
}

fn put_fixed(digits: &str, exponent: i32, text: &mut String) {
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if exponent < 0 {
        text.push_str("0.");
        text.extend((exponent + 1..0).map(|_| '0'));
        text.push_str(digits);
    } else if digits.len() > whole {
        put(text, format_args!("{}.{}", &digits[..whole], &digits[whole..]));
    } else {
        text.push_str(digits);
        text.extend((digits.len()..whole).map(|_| '0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_shortest() {
        for (float, text) in [
            (0.1, "0.1"),
            (-0.0, "-0"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e-5, "1e-05"),
            (1.5e-4, "0.00015"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (1e300, "1e+300"),
            (100.0, "100"),
        ] {
            assert_eq!(to_text(&Value::Float8(float)), text);
        }
        assert_eq!(to_text(&Value::Float4(1e6)), "1e+06");
        assert_eq!(to_text(&Value::Float4(123_456.0)), "123456");
    }
}
