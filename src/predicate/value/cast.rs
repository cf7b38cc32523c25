//! Casts that succeed for every value of their type, and are exact.

use std::sync::Arc;

use super::time::DAY_MICROS;
use super::{Array, Interval, NotAValue, Numeric, Value, to_text};
use crate::catalog::{DataType, Scalar};
use crate::predicate::Undecidable;

/// PostgreSQL's own limit.
const MAX_LENGTH: u32 = 10_485_760;

/// A cast that can't fail.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cast {
    to: DataType,
    how: How,
    of_elements: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum How {
    Same,
    ToText,
    Numeric,
    Float4,
    Float8,
    Bool,
    Int,
    Date,
    Timestamp,
    Timestamptz,
    Interval,
    Json,
}

/// The cast from one type to another, explicit ones included; none if it isn't there, could fail for some value,
/// or isn't exact here.
pub fn cast(from: &DataType, to: &DataType) -> Option<Cast> {
    let (how, of_elements) = match (from, to) {
        (DataType::Scalar(from), DataType::Scalar(to)) => (how(from, to)?, false),
        (DataType::Array(from), DataType::Array(to)) => (how(from, to)?, true),
        _ => return None,
    };
    Some(Cast { to: to.clone(), how, of_elements })
}

fn how(from: &Scalar, to: &Scalar) -> Option<How> {
    use Scalar::{
        Bool, Char, Date, Enum, Float4, Float8, Inet, Int2, Int4, Int8, Interval, Json, Jsonb,
        Numeric, Text, Time, Timestamp, Timestamptz, Uuid,
    };
    Some(match (from, to) {
        (Text(_), Text(_)) | (Char(_), Char(_)) | (Int2, Int4 | Int8) | (Int4, Int8) => How::Same,
        (from, to) if from == to => How::Same,
        (
            Bool | Int2 | Int4 | Int8 | Numeric | Char(_) | Uuid | Date | Time | Timestamp
            | Timestamptz | Interval | Enum(_) | Jsonb | Inet,
            Text(_),
        ) => How::ToText,
        (Int2 | Int4 | Int8, Numeric) => How::Numeric,
        (Int2 | Int4 | Int8, Float4) => How::Float4,
        (Int2 | Int4 | Int8 | Float4, Float8) => How::Float8,
        (Int4, Bool) => How::Bool,
        (Bool, Int4) => How::Int,
        (Timestamp | Timestamptz, Date) => How::Date,
        (Timestamptz, Timestamp) => How::Timestamp,
        (Timestamp, Timestamptz) => How::Timestamptz,
        (Time, Interval) => How::Interval,
        (Jsonb, Json) => How::Json,
        _ => return None,
    })
}

impl Cast {
    pub fn to(&self) -> &DataType {
        &self.to
    }

    pub fn apply(&self, value: &Value) -> Result<Value, Undecidable> {
        match value {
            Value::Array(array) if self.of_elements => {
                let elements = array.elements().iter();
                let converted =
                    elements.map(|it| it.as_ref().map(|it| convert(self.how, it)).transpose());
                let elements = converted.collect::<Result<_, _>>()?;
                let dimensions = array.dimensions().to_vec();
                Ok(Value::Array(Arc::new(Array::with_dimensions(dimensions, elements))))
            }
            value => convert(self.how, value),
        }
    }
}

fn convert(how: How, value: &Value) -> Result<Value, Undecidable> {
    Ok(match (how, value) {
        (How::Same, value) => value.clone(),
        (How::Json, Value::NullOrJsonNull) => Value::NullOrJsonNull,
        (_, Value::NullOrJsonNull) => return Err(Undecidable),
        (How::ToText, value) => Value::Text(cast_text(value).into()),
        (How::Numeric, Value::Int(int)) => Value::Numeric(Numeric::from_int(*int)),
        (How::Float4, Value::Int(int)) => Value::Float4(*int as f32),
        (How::Float8, Value::Int(int)) => Value::Float8(*int as f64),
        (How::Float8, Value::Float4(float)) => Value::Float8(f64::from(*float)),
        (How::Bool, Value::Int(int)) => Value::Bool(*int != 0),
        (How::Int, Value::Bool(it)) => Value::Int(i64::from(*it)),
        (How::Date, Value::Timestamp(micros) | Value::Timestamptz(micros)) => {
            Value::Date(day_of(*micros)?)
        }
        (How::Timestamp, Value::Timestamptz(micros)) => Value::Timestamp(*micros),
        (How::Timestamptz, Value::Timestamp(micros)) => Value::Timestamptz(*micros),
        (How::Interval, Value::Time(micros)) => {
            Value::Interval(Interval { months: 0, days: 0, micros: *micros })
        }
        (How::Json, Value::Jsonb(_)) => Value::Json(to_text(value).into()),
        _ => return Err(Undecidable),
    })
}

fn day_of(micros: i64) -> Result<i32, Undecidable> {
    match micros {
        i64::MIN => Ok(i32::MIN),
        i64::MAX => Ok(i32::MAX),
        micros => i32::try_from(micros.div_euclid(DAY_MICROS)).map_err(|_| Undecidable),
    }
}

/// Where a cast to text isn't the output function, it is a function of its own.
fn cast_text(value: &Value) -> String {
    match value {
        Value::Bool(it) => it.to_string(),
        Value::Char(it) => it.trim_end_matches(' ').to_owned(),
        Value::Inet(it) => {
            let mut text = String::new();
            it.put_with_length(&mut text);
            text
        }
        value => to_text(value),
    }
}

/// What a type's name has in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Modifier {
    /// `varchar(n)`, `char(n)`: characters.
    Length(u32),
    /// `numeric(p,s)`.
    Precision(u32, i32),
}

/// An explicit cast of a constant to its own type with a modifier: `'abc'::varchar(2)`, `1.25::numeric(3,1)`.
pub fn fit(value: Value, modifier: Modifier) -> Result<Value, NotAValue> {
    match (value, modifier) {
        (Value::Text(text), Modifier::Length(length @ 1..=MAX_LENGTH)) => {
            Ok(Value::Text(text.chars().take(length as usize).collect()))
        }
        (Value::Char(text), Modifier::Length(length @ 1..=MAX_LENGTH)) => {
            let kept: String = text.chars().take(length as usize).collect();
            let missing = length as usize - kept.chars().count();
            Ok(Value::Char((kept + &" ".repeat(missing)).into()))
        }
        (Value::Numeric(number), Modifier::Precision(precision @ 1..=1000, scale)) => {
            let scale = u16::try_from(scale).ok().filter(|&scale| u32::from(scale) <= precision);
            let scale = scale.ok_or_else(|| NotAValue::new("not a scale of every version"))?;
            number.fit(precision, scale).map(Value::Numeric)
        }
        _ => Err(NotAValue::new("not a modifier of this type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predicate::value::scalar_from_text;

    fn cast_by_name(value: &str, from: &str, to: &str) -> Option<String> {
        let (from, to) = (DataType::named(from), DataType::named(to));
        let DataType::Scalar(scalar) = &from else { return None };
        let value = scalar_from_text(value, scalar).unwrap();
        cast(&from, &to).map(|cast| to_text(&cast.apply(&value).unwrap()))
    }

    #[test]
    fn casts() {
        for (value, from, to, expected) in [
            ("t", "boolean", "text", "true"),
            ("ab  ", "character(4)", "text", "ab"),
            ("10.0.0.1", "inet", "text", "10.0.0.1/32"),
            ("9007199254740993", "bigint", "double precision", "9.007199254740992e+15"),
            ("16777217", "integer", "real", "1.6777216e+07"),
            ("1999-12-31 23:00:00", "timestamp without time zone", "date", "1999-12-31"),
        ] {
            assert_eq!(cast_by_name(value, from, to).as_deref(), Some(expected), "{value}");
        }
        for (value, from, to) in [
            ("1", "text", "integer"),
            ("1", "bigint", "integer"),
            ("2024-01-01", "date", "timestamp without time zone"),
            ("1", "numeric", "double precision"),
            ("{}", "json", "jsonb"),
        ] {
            assert_eq!(cast_by_name(value, from, to), None, "{from} {to}");
        }
    }

    #[test]
    fn modifiers() {
        let char = |text: &str| Value::Char(text.into());
        assert_eq!(fit(char("é"), Modifier::Length(3)), Ok(char("é  ")));
        assert_eq!(fit(char("abcd"), Modifier::Length(3)), Ok(char("abc")));
        assert!(fit(char("a"), Modifier::Length(0)).is_err());
    }
}
