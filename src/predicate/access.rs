//! What an index of predicates needs: `column = constant`.

/// Which rows a predicate can be true for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any: it has to be evaluated.
    Scan,
    /// Only rows that have, for at least one of these, this key in the column at this position.
    Keys(Vec<(usize, Key)>),
    Never,
}

/// A value such that equal values of the column's type have equal keys, and no others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(Box<[u8]>);

impl Key {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}
