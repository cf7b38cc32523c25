//! API keys: long-lived tokens of which only the hash is known.

use super::secret::{same, sha256};
use super::{Claims, Identity};

/// `[[auth.key]]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub name: String,
    /// Of the key itself.
    pub sha256: [u8; 32],
    pub claims: Claims,
}

/// Whose key this is. Takes equally long for every key.
pub(super) fn find(keys: &[ApiKey], token: &str) -> Option<Identity> {
    let hash = sha256(token.as_bytes());
    let mut found = None;
    for key in keys {
        if same(&key.sha256, &hash) {
            found = Some(key);
        }
    }
    found.map(|key| Identity::lasting(key.claims.clone()))
}
