//! Arrays of single values, of any number of dimensions; every lower bound is 1.

use super::Value;

/// An array. No dimensions: empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Array {
    dimensions: Vec<u32>,
    elements: Vec<Option<Value>>,
}

impl Array {
    /// An array of one dimension, or an empty one.
    pub fn of(elements: Vec<Option<Value>>) -> Self {
        let count = u32::try_from(elements.len()).unwrap_or(u32::MAX);
        let dimensions = if elements.is_empty() { Vec::new() } else { vec![count] };
        Self { dimensions, elements }
    }

    pub fn dimensions(&self) -> &[u32] {
        &self.dimensions
    }

    /// All elements, in the order of storage; None is NULL.
    pub fn elements(&self) -> &[Option<Value>] {
        &self.elements
    }
}
