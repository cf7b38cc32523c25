//! `[[table]]` of the configuration.

/// What an UPDATE is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateKind {
    #[default]
    Patched,
    Updated,
}

/// One `[[table]]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSettings {
    /// As written: `orders` or `sales.orders`.
    pub name: String,
    /// Only these columns are served, if given; the key always is.
    pub columns: Option<Vec<String>>,
    /// These columns are served to nobody.
    pub hide: Vec<String>,
    /// The columns that identify a row, where it isn't the primary key. Empty: events without a key.
    pub key: Option<Vec<String>>,
    pub updates: UpdateKind,
}
