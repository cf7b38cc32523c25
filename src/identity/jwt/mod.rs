//! JSON Web Tokens. Which algorithms and keys count is fixed by the configuration, never by the token.
//!
//! <https://www.rfc-editor.org/rfc/rfc7519>, <https://www.rfc-editor.org/rfc/rfc8725>

mod jwks;
mod kept;
mod key;
mod settings;
mod sign;
mod times;
mod token;
mod verifier;

pub use jsonwebtoken::Algorithm;
pub use key::KeyFault;
pub use settings::{KeySource, Settings};
pub use sign::{SignError, sign};
pub use times::Expiry;
pub(super) use token::looks_like_one;
pub(super) use verifier::Verifier;

#[cfg(test)]
mod tests;
