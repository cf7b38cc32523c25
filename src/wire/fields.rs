//! A JSON object whose names are told apart: which of two equal ones is meant can't be known.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// An object's fields, and a name that was given twice.
pub(super) struct Fields {
    /// Without the contents of `params`.
    pub fields: Map<String, Value>,
    /// As they came, for their digits; none for null.
    pub params: Option<Box<RawValue>>,
    pub twice: Option<String>,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut read = Fields { fields: Map::new(), params: None, twice: None };
        while let Some(name) = map.next_key::<String>()? {
            let value = match name.as_str() {
                "params" => {
                    read.params = map.next_value()?;
                    Value::Null
                }
                _ => map.next_value()?,
            };
            if read.fields.insert(name.clone(), value).is_some() {
                read.twice = Some(name);
            }
        }
        Ok(read)
    }
}
