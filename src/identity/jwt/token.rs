//! A token taken apart; nothing of it is trusted yet.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Three parts, each in base64.
pub struct Token<'a> {
    pub algorithm: Option<Algorithm>,
    pub key_id: Option<String>,
    /// What is signed.
    pub message: &'a str,
    pub payload: &'a str,
    pub signature: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// Whether this is meant as a JSON Web Token.
pub fn looks_like_one(token: &str) -> bool {
    parts(token).is_some_and(|(header, ..)| {
        let json = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
        json.trim_ascii_start().starts_with(b"{")
    })
}

/// `header.payload.signature`, and the first two together.
fn parts(token: &str) -> Option<(&str, &str, &str, &str)> {
    let (message, signature) = token.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    (!payload.contains('.')).then_some((header, payload, signature, message))
}

impl<'a> Token<'a> {
    /// `None` if it isn't one, or has extensions that must be understood.
    pub fn read(token: &'a str) -> Option<Self> {
        let (header, payload, signature, message) = parts(token)?;
        let header = BASE64_URL_SAFE_NO_PAD.decode(header).ok()?;
        let header: Header = serde_json::from_slice(&header).ok()?;
        let known = header.crit.is_none();
        let algorithm = header.alg.parse().ok();
        known.then_some(Self { algorithm, key_id: header.kid, message, payload, signature })
    }
}
