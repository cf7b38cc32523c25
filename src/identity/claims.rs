//! What is known of who is asking. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::secret::sha256;

/// The longest claims that are read.
pub const MAX_CLAIMS_BYTES: usize = 64 << 10;

/// How deep claims may be nested.
const MAX_DEPTH: usize = 32;

/// A JSON object, reachable in predicates as `auth.<claim>`. Anonymous has none. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(Arc<Map<String, Value>>);

/// By whom limits count: who has the same `sub`, or else the same claims, is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who([u8; 32]);

impl Claims {
    pub fn new(claims: Map<String, Value>) -> Self {
        Self(Arc::new(claims))
    }

    /// Reads a JSON object. A number that `Value` would round becomes a string with its digits,
    /// which means the same in a predicate.
    pub fn parse(json: &str) -> Option<Self> {
        if json.len() > MAX_CLAIMS_BYTES {
            return None;
        }
        match exact(serde_json::from_str(json).ok()?, 0)? {
            Value::Object(claims) => Some(Self::new(claims)),
            _ => None,
        }
    }

    /// The claim at this path, `auth.org.id`; a claim that is JSON's null is missing.
    pub fn get(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let found = rest.iter().try_fold(self.0.get(first)?, |value, name| value.get(name))?;
        (!found.is_null()).then_some(found)
    }

    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// `None` without claims.
    pub fn who(&self) -> Option<Who> {
        let text = match self.0.get("sub").filter(|sub| !sub.is_null()) {
            Some(sub) => serde_json::to_vec(&(sub, self.0.get("iss"))),
            None if self.0.is_empty() => return None,
            None => serde_json::to_vec(&*self.0),
        };
        Some(Who(sha256(&text.expect("JSON can be written"))))
    }
}

fn exact(raw: &RawValue, depth: usize) -> Option<Value> {
    let text = raw.get();
    if depth > MAX_DEPTH {
        return None;
    }
    match text.as_bytes().first()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            let field = |(name, raw)| Some((name, exact(raw, depth + 1)?));
            fields.into_iter().map(field).collect::<Option<_>>().map(Value::Object)
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            items.into_iter().map(|raw| exact(raw, depth + 1)).collect()
        }
        b'-' | b'0'..=b'9' => Some(number(text)),
        _ => serde_json::from_str(text).ok(),
    }
}

fn number(text: &str) -> Value {
    let number: Option<Value> = serde_json::from_str(text).ok();
    let same = |number: &Value| serde_json::to_string(number).is_ok_and(|written| written == text);
    number.filter(same).unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(json: &str) -> Option<Value> {
        Claims::parse(json).map(|claims| Value::Object(claims.as_map().clone()))
    }

    #[test]
    fn no_digit_is_lost() {
        for (json, expected) in [
            (r#"{"a":9223372036854775807}"#, json!({"a": i64::MAX})),
            (r#"{"a":-1,"b":1.5}"#, json!({"a": -1, "b": 1.5})),
            (r#"{"a":[12345678901234567890123]}"#, json!({"a": ["12345678901234567890123"]})),
            (r#"{"a":{"b":1.10}}"#, json!({"a": {"b": "1.10"}})),
            (r#"{"a":1e400}"#, json!({"a": "1e400"})),
            (r#"{"\u0061":"\u00e4","b":null,"c":true}"#, json!({"a": "ä", "b": null, "c": true})),
        ] {
            assert_eq!(parsed(json), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_is_no_object_or_too_much_is_refused() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
        let deeper = format!(r#"{{"a":{}1{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_CLAIMS_BYTES));
        for json in ["", "1", "[]", "null", "{\"a\":}", "{\"a\":1}x", &deep, &deeper, &long] {
            assert_eq!(parsed(json), None, "{json:.20}");
        }
    }

    #[test]
    fn who_is_the_subject_or_else_all_claims() {
        let who = |json| Claims::parse(json).unwrap().who();
        assert_eq!(who("{}"), None);
        assert_eq!(who(r#"{"sub":1,"exp":5}"#), who(r#"{"sub":1,"exp":6}"#));
        assert_ne!(who(r#"{"sub":1}"#), who(r#"{"sub":2}"#));
        assert_ne!(who(r#"{"sub":1}"#), who(r#"{"sub":1,"iss":"x"}"#));
        assert_ne!(who(r#"{"role":"a"}"#), who(r#"{"role":"b"}"#));
        assert_eq!(who(r#"{"role":"a","x":1}"#), who(r#"{"x":1,"role":"a"}"#));
    }
}
