//! `[auth]` of the configuration.

/// In which ways credentials are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether those may connect who show no credential.
    pub anonymous: bool,
}
