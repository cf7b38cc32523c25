//! Tables, policies, identities and subscriptions at random, and what PostgreSQL says of them: what the leak test and the
//! equality test have in common.

mod ask;
mod expr;
mod identities;
mod object;
mod statement;
mod table;
mod view;

pub use ask::{Asked, ask};
pub use expr::{Claims, Expr, ask_about_claims};
pub use identities::{Identity, SECRET};
pub use object::{Object, object};
pub use statement::statement;
pub use table::{GROWN, MAX_EVENT_BYTES, Policy, Table, grown, value};
pub use view::View;
