//! Tokens for development and demonstration.

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Map, Value};

use super::key::KeyFault;
use super::settings::Settings;

/// Why no token can be made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("the keys of [auth.jwt] only verify tokens: those who sign have another key")]
    NoSecret,
    #[error(transparent)]
    Key(#[from] KeyFault),
    #[error("the claims can't be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// A token with these claims as they are, signed with the configured secret.
pub fn sign(settings: &Settings, claims: &Map<String, Value>) -> Result<String, SignError> {
    let secret = settings.secret().map_err(KeyFault::from)?.ok_or(SignError::NoSecret)?;
    let keys = settings.read_keys()?;
    let key = keys.first().ok_or(SignError::NoSecret)?;
    let algorithm = *key.algorithms.first().expect("a key has an algorithm");
    let key = EncodingKey::from_secret(secret.bytes());
    Ok(jsonwebtoken::encode(&Header::new(algorithm), claims, &key)?)
}
