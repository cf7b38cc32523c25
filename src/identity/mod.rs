//! Who is asking: credentials → claims.
//!
//! A bad or ended credential is refused, never treated as anonymous. Credentials are never logged.

mod api_key;
mod authority;
mod claims;
mod complaint;
mod http;
pub mod jwt;
mod lasting;
pub mod request;
mod secret;
pub mod session;
mod settings;
mod watched;

pub use api_key::ApiKey;
pub use authority::{Authority, NotUsable, Refused, Shown};
pub use claims::{Claims, Who};
pub use jwt::{SignError, sign};
pub use lasting::{Ended, Identity};
pub use secret::{Secret, Unreadable};
pub use settings::{Settings, Timing};
