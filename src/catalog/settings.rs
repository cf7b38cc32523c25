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
    /// Who sees which rows: a predicate over the row and `auth`.
    pub rows: String,
    /// Only these columns are served, if given; the key always is.
    pub columns: Option<Vec<String>>,
    /// These columns are served to nobody.
    pub hide: Vec<String>,
    /// The columns that identify a row, where it isn't the primary key. Empty: events without a key.
    pub key: Option<Vec<String>>,
    pub updates: UpdateKind,
    /// `[table.columns]`: in which rows, and to whom, these columns are visible.
    pub column_rules: Vec<ColumnRule>,
}

/// One line of `[table.columns]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRule {
    pub column: String,
    /// A predicate over the row and `auth`; where it isn't true, the column is left out.
    pub visible_if: String,
}

impl TableSettings {
    /// A table of which everybody sees everything.
    pub fn open_to_all(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            rows: "true".to_owned(),
            columns: None,
            hide: Vec::new(),
            key: None,
            updates: UpdateKind::default(),
            column_rules: Vec::new(),
        }
    }
}
