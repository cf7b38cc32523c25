//! Who may see what: the only maker of a visible event.
//!
//! Pure, but for `current`, which hands renewed tables to those who use them. What can't be decided is invisible: a
//! column that the catalog didn't list when the daemon started is shown to nobody, and a name that isn't for the
//! asker looks like one that doesn't exist.

mod case;
mod current;
mod grant;
mod request;
mod rules;
mod see;
mod served;
mod table;
mod view;
mod visible;

pub use crate::catalog::{ColumnRule, TableSettings, UpdateKind};
pub use case::Case;
pub use current::{Current, Renewal, State, current};
pub use request::Request;
pub use rules::{RuleAt, RuleFault, Rules};
pub use served::{Listed, NotServable, Served, Unknown};
pub use table::ServedTable;
pub use view::View;
pub use visible::{Cause, Content, Visible};

#[cfg(test)]
mod tests;
