//! JSON objects, read strictly, whose values keep their text.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object whose values are kept as they were written; no name may come twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut found = Object::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if found.0.insert(name, value.get().to_owned()).is_some() {
                        return Err(A::Error::custom("a name comes twice"));
                    }
                }
                Ok(found)
            }
        }
        json.deserialize_map(Pairs)
    }
}

pub fn object(json: &str) -> Object {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

impl Object {
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A string's text.
    pub fn text(&self, name: &str) -> String {
        serde_json::from_str(self.get(name)).unwrap_or_else(|_| panic!("no {name} in {self:?}"))
    }
}

/// As JSON.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}:{value}", serde_json::Value::from(name.as_str()))?;
        }
        f.write_str("}")
    }
}
