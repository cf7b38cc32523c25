//! Predicates: a subset of PostgreSQL's expressions, for policies and for clients' filters alike.
//!
//! Pure. What is accepted is evaluated exactly as PostgreSQL does; the rest is refused when it is read. One tree, three
//! uses: evaluate against a row of the log, print as SQL with parameters, extract the keys of an index.

mod access;
mod bound;
mod cells;
mod fault;
mod read;
mod scope;
pub mod value;

pub use access::{Access, Key};
pub use bound::{Bound, Sql};
pub use cells::{Cells, Undecidable};
pub use fault::Fault;
pub use read::{Predicate, parse};
pub use scope::{Scope, Source};
