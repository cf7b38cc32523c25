//! `[auth]` of the configuration.

use super::jwt;

/// In which ways credentials are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether those may connect who show no credential.
    pub anonymous: bool,
    pub jwt: Option<jwt::Settings>,
}

impl Settings {
    /// Whether anybody at all can connect.
    pub fn knows_anybody(&self) -> bool {
        self.anonymous || self.jwt.is_some()
    }
}
