//! Sets of public keys.
//!
//! <https://www.rfc-editor.org/rfc/rfc7517>

use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::key::{Key, KeyFault, possible};

/// As many keys of a set are read.
const MAX_KEYS: usize = 100;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The keys of a set that are for one of the listed algorithms; others, and what isn't understood, are left out.
///
/// # Errors
///
/// If none is left.
pub fn read(json: &[u8], listed: &[Algorithm]) -> Result<Vec<Key>, KeyFault> {
    let set: Set = serde_json::from_slice(json).map_err(|_| KeyFault::NotASet)?;
    let known = |value| serde_json::from_value::<Jwk>(value).ok();
    let keys: Vec<Key> = set
        .keys
        .into_iter()
        .take(MAX_KEYS)
        .filter_map(known)
        .filter_map(|jwk| usable(&jwk, listed))
        .collect();
    if keys.is_empty() { Err(KeyFault::NoneFits) } else { Ok(keys) }
}

/// A public key with the listed algorithms that fit it. Secrets don't belong into such a set.
fn usable(jwk: &Jwk, listed: &[Algorithm]) -> Option<Key> {
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
    let verifies = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let key = DecodingKey::from_jwk(jwk).ok()?;
    if !signs || !verifies || key.family() == AlgorithmFamily::Hmac {
        return None;
    }
    let meant = common.key_algorithm.map(Algorithm::try_from).transpose().ok()?;
    let mut algorithms = possible(&key).ok()?;
    algorithms.retain(|it| listed.contains(it) && meant.is_none_or(|meant| meant == *it));
    let id = common.key_id.clone();
    (!algorithms.is_empty()).then_some(Key { id, algorithms, key })
}
