//! What is known of who is asking. Pure.

use std::sync::Arc;

use serde_json::{Map, Value};

/// A JSON object, reachable in predicates as `auth.<claim>`. Anonymous has none. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(Arc<Map<String, Value>>);

impl Claims {
    pub fn new(claims: Map<String, Value>) -> Self {
        Self(Arc::new(claims))
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
}
