//! Predicates: a subset of PostgreSQL's expressions, for policies and for clients' filters alike.
//!
//! Pure. What is accepted is evaluated exactly as PostgreSQL does; the rest is refused when it is read. One tree, three
//! uses: evaluate against a row of the log, print as SQL with parameters, extract the keys of an index.

mod access;
mod ast;
mod bind;
mod bound;
mod cells;
mod check;
mod evaluate;
mod fault;
mod fold;
mod parse;
mod prefilter;
mod read;
mod scope;
mod set;
mod sql;
#[cfg(test)]
mod tests;
pub mod value;

pub use access::{Access, Key};
pub use bound::{Bound, Sql};
pub use cells::{Cells, Undecidable};
pub use fault::Fault;
pub use parse::{Outline, outline};
pub use prefilter::Prefilter;
pub use read::{Predicate, parse};
pub use scope::{Scope, Source};

/// How deep a predicate may be nested: parentheses, operators and calls alike.
const MAX_DEPTH: usize = 64;
/// `in (…)`, `array[…]`, arguments.
const MAX_LIST_ITEMS: usize = 1_000;
/// `$1`, `$2`, …
const MAX_PARAMS: usize = 1_000;
/// Nodes of the checked tree.
const MAX_NODES: usize = 20_000;
