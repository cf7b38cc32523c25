//! Who is asking: credentials → claims.
//!
//! A bad or ended credential is refused, never treated as anonymous. Credentials are never logged.

mod authority;
mod claims;
pub mod jwt;
mod lasting;
mod secret;
mod settings;

pub use authority::{Authority, NotUsable, Refused, Shown};
pub use claims::{Claims, Who};
pub use jwt::{SignError, sign};
pub use lasting::{Ended, Identity};
pub use secret::Secret;
pub use settings::Settings;
