//! Tokens → claims, or why not.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::key::{Key, KeyFault};
use super::settings::Settings;
use super::times::{self, Expiry};
use super::token::Token;
use crate::identity::{Claims, Refused};

/// Checks tokens against the configured keys.
#[derive(Debug)]
pub struct Verifier {
    settings: Settings,
    keys: Vec<Key>,
}

impl Verifier {
    /// Reads the keys.
    pub fn new(settings: &Settings) -> Result<Self, KeyFault> {
        Ok(Self { settings: settings.clone(), keys: settings.read_keys()? })
    }

    /// The token's claims, and when they end.
    #[expect(clippy::unused_async, reason = "keys may have to be fetched")]
    pub async fn verify(&self, token: &str) -> Result<(Claims, Expiry), Refused> {
        let token = Token::read(token).ok_or(Refused::Bad("the token can't be read"))?;
        let algorithm = token.algorithm.ok_or(UNACCEPTED)?;
        let signed = |key: &&Key| is_signed(&token, key, algorithm);
        let fits = |key: &&Key| key.algorithms.contains(&algorithm);
        if !self.keys.iter().any(|key| fits(&key)) {
            return Err(UNACCEPTED);
        }
        if !self.keys.iter().filter(fits).any(|key| signed(&key)) {
            return Err(Refused::Bad("the token's signature is wrong"));
        }
        let claims = claims(token.payload).ok_or(Refused::Bad("the token has no claims"))?;
        check_names(claims.as_map(), &self.settings)?;
        let expiry = times::check(claims.as_map(), &self.settings, SystemTime::now())?;
        Ok((claims, expiry))
    }
}

const UNACCEPTED: Refused = Refused::Bad("the token's algorithm is not accepted");

fn is_signed(token: &Token<'_>, key: &Key, algorithm: Algorithm) -> bool {
    let verified = jsonwebtoken::crypto::verify(
        token.signature,
        token.message.as_bytes(),
        &key.key,
        algorithm,
    );
    verified.unwrap_or(false)
}

fn claims(payload: &str) -> Option<Claims> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    Claims::parse(std::str::from_utf8(&json).ok()?)
}

/// Whether the token was made for this daemon, by whom it should be.
fn check_names(claims: &Map<String, Value>, settings: &Settings) -> Result<(), Refused> {
    let is_listed =
        |value: &Value, listed: &[String]| listed.iter().any(|name| value.as_str() == Some(name));
    let meant = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|aud| is_listed(aud, &settings.audience)),
        Some(one) => is_listed(one, &settings.audience),
        None => false,
    };
    if !settings.audience.is_empty() && !meant {
        return Err(Refused::Bad("the token is for another audience"));
    }
    let issued = claims.get("iss").is_some_and(|iss| is_listed(iss, &settings.issuer));
    if !settings.issuer.is_empty() && !issued {
        return Err(Refused::Bad("the token is from another issuer"));
    }
    Ok(())
}
