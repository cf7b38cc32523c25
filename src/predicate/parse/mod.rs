//! Text → syntax. Bounded before anything is built; nothing here knows a column.

mod grammar;
mod operand;
mod operation;
mod outline;
mod syntax;
mod token;
mod type_name;
mod words;

use super::Fault;
pub use outline::{Outline, outline};
pub use syntax::{Kind, Name, Syntax, Test, TypeName};

/// Longer texts aren't looked at.
const MAX_TEXT_BYTES: usize = 32 * 1024;

/// Reads an expression; the whole text must be one.
pub fn syntax(text: &str) -> Result<Syntax, Fault> {
    if text.len() > MAX_TEXT_BYTES {
        let reason = format!("a predicate may be at most {MAX_TEXT_BYTES} bytes long");
        return Err(Fault::new(1, reason));
    }
    grammar::Parser::new(token::tokens(text)?).whole()
}
