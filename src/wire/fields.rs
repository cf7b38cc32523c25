//! A JSON object whose names are told apart: which of two equal ones is meant can't be known.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// An object's fields, and a name that was given twice.
pub(super) struct Fields {
    pub fields: Map<String, Value>,
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
        let mut read = Fields { fields: Map::new(), twice: None };
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if read.fields.insert(name.clone(), value).is_some() {
                read.twice = Some(name);
            }
        }
        Ok(read)
    }
}
