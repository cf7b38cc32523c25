//! Tokens → claims, or why not.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::super::http::{Http, Limits};
use super::kept::{Kept, Source};
use super::key::{Key, KeyFault};
use super::settings::{KeySource, Settings};
use super::times::{self, Expiry};
use super::token::Token;
use crate::identity::{Claims, Refused, Timing};

/// What a set of keys may take to fetch.
const JWKS: Limits = Limits { time: Duration::from_secs(5), bytes: 256 << 10 };

/// Checks tokens against the configured keys.
#[derive(Debug)]
pub struct Verifier {
    settings: Settings,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    Fixed(Arc<[Key]>),
    Kept(Kept),
}

impl Verifier {
    /// Reads the keys, or begins to.
    pub fn new(settings: &Settings, timing: &Timing) -> Result<Self, KeyFault> {
        let keys = settings.read_keys()?;
        let source = match &settings.keys {
            KeySource::JwksFile(path) => Some(Source::File(path.clone())),
            KeySource::JwksUrl(uri) => Some(Source::Url(Box::new(Http::new(uri.clone(), JWKS)?))),
            _ => None,
        };
        let keys = match source {
            Some(source) => Keys::Kept(Kept::start(source, settings.algorithms.clone(), timing)),
            None => Keys::Fixed(keys.into()),
        };
        Ok(Self { settings: settings.clone(), keys })
    }

    /// The token's claims, and when they end.
    pub async fn verify(&self, token: &str) -> Result<(Claims, Expiry), Refused> {
        let token = Token::read(token).ok_or(Refused::Bad("the token can't be read"))?;
        self.check_signature(&token).await?;
        let claims = claims(token.payload).ok_or(Refused::Bad("the token has no claims"))?;
        check_names(claims.as_map(), &self.settings)?;
        let expiry = times::check(claims.as_map(), &self.settings, SystemTime::now())?;
        Ok((claims, expiry))
    }

    async fn check_signature(&self, token: &Token<'_>) -> Result<(), Refused> {
        match &self.keys {
            Keys::Fixed(keys) => is_signed(token, keys.iter()),
            Keys::Kept(kept) => {
                let keys = kept.now().await?;
                if named(token, &keys).next().is_some() {
                    return is_signed(token, named(token, &keys));
                }
                if !token.algorithm.is_some_and(|it| self.settings.algorithms.contains(&it)) {
                    return Err(UNACCEPTED);
                }
                let keys = kept.newer().await?;
                is_signed(token, named(token, &keys))
            }
        }
    }
}

/// The keys that the token may be signed with, by its `kid`.
fn named<'a>(token: &'a Token<'_>, keys: &'a [Key]) -> impl Iterator<Item = &'a Key> {
    keys.iter().filter(|key| token.key_id.is_none() || key.id == token.key_id)
}

/// Whether one of the keys, by an algorithm that it is for, has signed the token.
fn is_signed<'a>(token: &Token<'_>, keys: impl Iterator<Item = &'a Key>) -> Result<(), Refused> {
    let mut keys = keys.peekable();
    if keys.peek().is_none() {
        return Err(Refused::Bad("the token's key is unknown"));
    }
    let algorithm = token.algorithm.ok_or(UNACCEPTED)?;
    let mut fitting = keys.filter(|key| key.algorithms.contains(&algorithm)).peekable();
    if fitting.peek().is_none() {
        return Err(UNACCEPTED);
    }
    let verifies = |key: &Key| {
        let message = token.message.as_bytes();
        let verified = jsonwebtoken::crypto::verify(token.signature, message, &key.key, algorithm);
        verified.unwrap_or(false)
    };
    match fitting.any(verifies) {
        true => Ok(()),
        false => Err(Refused::Bad("the token's signature is wrong")),
    }
}

const UNACCEPTED: Refused = Refused::Bad("the token's algorithm is not accepted");

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
