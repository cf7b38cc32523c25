//! Claims and parameters, which come as JSON values.

use std::sync::Arc;

use serde_json::Value as Given;

use super::array::Gathered;
use super::{Json, NotAValue, Value, from_text, scalar_from_text};
use crate::catalog::{DataType, Scalar};

/// Digits of a number with a fraction or an exponent that its JSON value surely keeps.
const MAX_FLOAT_DIGITS: usize = 15;

/// Reads a claim or a parameter as the type its context asks for; `null` is None.
pub fn from_json(given: &Given, of: &DataType) -> Result<Option<Value>, NotAValue> {
    match (given, of) {
        (Given::Null, _) => Ok(None),
        (Given::Array(_), DataType::Array(element)) => {
            let mut gathered = Gathered::default();
            put_level(given, element, &mut gathered, 0)?;
            Ok(Some(Value::Array(Arc::new(gathered.array()?))))
        }
        (_, DataType::Scalar(scalar)) => single(given, scalar).map(Some),
        (Given::String(text), _) => from_text(text, of).map(Some),
        _ => Err(NotAValue::new("not an array")),
    }
}

fn put_level(
    given: &Given,
    element: &Scalar,
    gathered: &mut Gathered,
    depth: usize,
) -> Result<(), NotAValue> {
    let Given::Array(members) = given else {
        let value = if given.is_null() { None } else { Some(single(given, element)?) };
        return gathered.push(depth.saturating_sub(1), value);
    };
    gathered.open(depth)?;
    for member in members {
        put_level(member, element, gathered, depth + 1)?;
    }
    gathered.close(depth, u32::try_from(members.len()).unwrap_or(u32::MAX))
}

fn single(given: &Given, of: &Scalar) -> Result<Value, NotAValue> {
    match (given, of) {
        (Given::String(text), _) => from_text(text, &DataType::Scalar(of.clone())),
        (Given::Bool(it), Scalar::Bool) => Ok(Value::Bool(*it)),
        (Given::Bool(it), Scalar::Text(_) | Scalar::Json | Scalar::Jsonb) => {
            scalar_from_text(if *it { "true" } else { "false" }, of)
        }
        (Given::Number(number), _) => from_number(number, of),
        (Given::Array(_) | Given::Object(_), Scalar::Jsonb) => {
            Json::parse(&given.to_string()).map(|json| Value::Jsonb(Arc::new(json)))
        }
        (Given::Array(_) | Given::Object(_), Scalar::Json) => {
            scalar_from_text(&given.to_string(), of)
        }
        _ => Err(NotAValue::new("a JSON value of another kind than the type asks for")),
    }
}

fn from_number(number: &serde_json::Number, of: &Scalar) -> Result<Value, NotAValue> {
    let text = number.to_string();
    let digits = text.split('e').next().unwrap_or("").bytes().filter(u8::is_ascii_digit).count();
    let is_float = matches!(of, Scalar::Float4 | Scalar::Float8);
    if number.is_f64() && digits > MAX_FLOAT_DIGITS && !is_float {
        return Err(NotAValue::new("a number with more digits than JSON surely keeps")
            .instead("the number as a string"));
    }
    scalar_from_text(&text, of)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_take_the_type_asked_for() {
        for (given, of, text) in [
            (json!("42"), "bigint", "42"),
            (json!(42), "bigint", "42"),
            (json!(42), "text", "42"),
            (json!(true), "boolean", "t"),
            (json!(1.5), "numeric", "1.5"),
            (json!(["a", null]), "text[]", "{a,NULL}"),
            (json!("{a,b}"), "text[]", "{a,b}"),
            (json!({"b": 1}), "jsonb", "{\"b\": 1}"),
            (json!([]), "bigint[]", "{}"),
            (json!([[1], [2]]), "integer[]", "{{1},{2}}"),
        ] {
            let value = from_json(&given, &DataType::named(of)).unwrap().unwrap();
            assert_eq!(super::super::to_text(&value), text);
        }
        assert_eq!(from_json(&Given::Null, &DataType::named("bigint")), Ok(None));
        for (given, of) in [
            (json!([1]), "bigint"),
            (json!({}), "text"),
            (json!(1), "bigint[]"),
            (json!(1.5), "bigint"),
            (json!("x"), "bigint"),
            (json!(1e22), "bigint"),
            (json!([1, [2]]), "bigint[]"),
        ] {
            assert!(from_json(&given, &DataType::named(of)).is_err(), "{given} {of}");
        }
    }
}
