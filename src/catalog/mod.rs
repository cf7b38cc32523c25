//! The watched tables as the database knows them: columns, types, keys.
//!
//! Finds what the configuration lists and says what is wrong with it. Reads PostgreSQL's catalogs
//! and changes nothing.

mod data_type;
mod differences;
mod fault;
mod fingerprint;
mod inspect;
mod load;
mod name;
mod settings;
mod types;

use std::collections::HashMap;
use std::sync::Arc;

pub use data_type::{Collation, DataType, EnumType, Scalar};
pub use differences::differences;
pub use fault::{At, Fault, Problem};
pub use fingerprint::fingerprints;
pub use inspect::indexed;
pub use load::{Found, Kind, LoadError, Loaded, load, look};
pub use name::{NameError, TableName, nearest};
pub use settings::{ColumnRule, TableSettings, UpdateKind};

/// `rowcast.watched.id`: a table's number in the change log, stable over dumps and renames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub i32);

/// A column, in the table's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// `pg_attribute.attnum`: the same for as long as the column exists, whatever it is called.
    pub number: i16,
    /// As `format_type` prints it: `bigint`, `character varying(20)`, `text[]`.
    pub type_name: String,
    pub data_type: DataType,
    /// `pg_attribute.attcollation`, if it isn't the database's own: two of them don't go together.
    pub collation: Option<u32>,
}

impl Column {
    /// A column of a built-in type, as `format_type` prints it.
    pub fn built_in(number: i16, name: &str, type_name: &str) -> Self {
        let data_type = DataType::named(type_name);
        let (name, type_name) = (name.to_owned(), type_name.to_owned());
        Self { name, number, type_name, data_type, collation: None }
    }
}

/// A table that the configuration lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub id: TableId,
    pub schema: String,
    pub name: String,
    /// As the configuration writes it, which is also how clients ask for it: `orders` or
    /// `sales.orders`.
    pub listed_as: String,
    /// Every column of the table, hidden ones included.
    pub columns: Vec<Column>,
    /// The columns that identify a row: the primary key or the configured one. Empty: rows have no
    /// key.
    pub key: Vec<String>,
}

/// The watched tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    pub tables: HashMap<TableId, Arc<Table>>,
}
