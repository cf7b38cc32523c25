//! Who may see what: the only maker of a visible event.
//!
//! Pure. What can't be decided is invisible: a column that the catalog didn't list when the table was bound is
//! shown to nobody, and a name that isn't for the asker looks like one that doesn't exist.

mod served;
mod view;

pub use crate::catalog::{TableSettings, UpdateKind};
pub use served::{NotServable, Served, ServedTable, Unknown};
pub use view::{Content, View, Visible};
