//! Who may see what: the only maker of a visible event.
//!
//! Pure, but for `current`, which hands renewed tables to those who use them. What can't be decided is invisible: a
//! column that the catalog didn't list when the table was bound is shown to nobody, and a name that isn't for the
//! asker looks like one that doesn't exist.

mod current;
mod request;
mod rules;
mod served;
mod view;

pub use crate::catalog::{ColumnRule, TableSettings, UpdateKind};
pub use current::{Current, Renewal, current};
pub use request::Request;
pub use rules::{RuleAt, RuleFault, Rules};
pub use served::{NotServable, Served, ServedTable, Unknown};
pub use view::{Content, View, Visible};
