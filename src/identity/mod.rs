//! Who is asking: credentials → claims.
//!
//! A bad or ended credential is refused, never treated as anonymous. Credentials are never logged.

mod authority;
mod claims;
mod settings;

pub use authority::{Authority, Ended, Identity, NotUsable, Refused, Shown};
pub use claims::Claims;
pub use settings::Settings;
