//! Keys that verify tokens, and for which algorithms.

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

use super::super::secret::{Secret, Unreadable, read_file};
use super::jwks;
use super::settings::{KeySource, Settings};

/// RSA keys of fewer bits verify nothing.
const RSA_LEAST_BITS: usize = 2048;

/// HMAC secrets that are shorter can be guessed from a token.
/// <https://www.rfc-editor.org/rfc/rfc7518#section-3.2>
const HMAC_LEAST_BYTES: usize = 32;

/// A key with what it is for.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its `kid` in a set of keys.
    pub id: Option<String>,
    /// Never empty, and all of them fit the key.
    pub algorithms: Vec<Algorithm>,
    pub key: DecodingKey,
}

/// Why a configured key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    #[error("the file {0}")]
    Unreadable(#[from] Unreadable),
    #[error("the secret is a public key in PEM: whoever knows it could sign tokens")]
    PublicSecret,
    #[error("this is a private key: only the public one is needed")]
    Private,
    #[error("this is a certificate, not a public key")]
    Certificate,
    #[error("this is no public key in PEM for RSA, ECDSA (P-256, P-384) or Ed25519")]
    NotPem,
    #[error("this RSA key has fewer than {RSA_LEAST_BITS} bits")]
    Short,
    #[error("{} doesn't fit this key, which is for {}", name(*.given), names(.possible))]
    Misfit { given: Algorithm, possible: Vec<Algorithm> },
    #[error("TLS can't be used")]
    Tls(#[from] rustls::Error),
    #[error("this is no JSON Web Key Set: an object with `keys`")]
    NotASet,
    #[error("no key in the set is for one of the `algorithms`")]
    NoneFits,
    #[error("this key is for {}: `algorithms` must say which are accepted", names(.0))]
    Undecided(Vec<Algorithm>),
}

impl KeyFault {
    /// What would be right.
    pub fn help(&self) -> &'static str {
        match self {
            KeyFault::Unreadable(_) => "the file has to be readable by the user that runs rowcast",
            KeyFault::PublicSecret => "name it with public_key_file, and list its algorithm",
            KeyFault::Private => "openssl pkey -in private.pem -pubout -out public.pem",
            KeyFault::Certificate => "openssl x509 -in cert.pem -noout -pubkey > public.pem",
            KeyFault::NotPem => "it begins with -----BEGIN PUBLIC KEY-----",
            KeyFault::Short => "make a longer one: openssl genrsa 2048",
            KeyFault::Tls(_) => "the system's certificates have to be in place",
            KeyFault::NotASet => "https://www.rfc-editor.org/rfc/rfc7517#section-5",
            KeyFault::NoneFits | KeyFault::Misfit { .. } | KeyFault::Undecided(_) => {
                "list in `algorithms` what your tokens are signed with"
            }
        }
    }
}

impl Settings {
    /// The secret, if there is one to sign with.
    pub(super) fn secret(&self) -> Result<Option<Secret>, Unreadable> {
        match &self.keys {
            KeySource::Secret(secret) => Ok(Some(secret.clone())),
            KeySource::SecretFile(path) => Secret::read(path).map(Some),
            KeySource::PublicKeyFile(_) | KeySource::JwksFile(_) | KeySource::JwksUrl(_) => {
                Ok(None)
            }
        }
    }

    /// The keys that are known from the start.
    pub(super) fn read_keys(&self) -> Result<Vec<Key>, KeyFault> {
        if let Some(secret) = self.secret()? {
            return from_secret(&secret, &self.algorithms).map(|key| vec![key]);
        }
        match &self.keys {
            KeySource::PublicKeyFile(path) => {
                from_pem(&read_file(path)?, &self.algorithms).map(|key| vec![key])
            }
            KeySource::JwksFile(path) => jwks::read(&read_file(path)?, &self.algorithms),
            KeySource::JwksUrl(_) | KeySource::Secret(_) | KeySource::SecretFile(_) => {
                Ok(Vec::new())
            }
        }
    }

    /// Reads the keys, and says what is wrong with them; else whether their secret is too short.
    pub fn check(&self) -> Result<Option<&'static str>, KeyFault> {
        self.read_keys()?;
        let short = |secret: Secret| secret.bytes().len() < HMAC_LEAST_BYTES;
        Ok(self
            .secret()?
            .is_some_and(short)
            .then_some("the secret is shorter than 32 bytes: it can be guessed from a token"))
    }
}

fn from_secret(secret: &Secret, listed: &[Algorithm]) -> Result<Key, KeyFault> {
    if secret.bytes().trim_ascii_start().starts_with(b"-----BEGIN") {
        return Err(KeyFault::PublicSecret);
    }
    let possible = AlgorithmFamily::Hmac.algorithms();
    let algorithms = match listed {
        [] => vec![Algorithm::HS256],
        listed => fitting(listed, possible)?,
    };
    Ok(Key { id: None, algorithms, key: DecodingKey::from_secret(secret.bytes()) })
}

fn from_pem(pem: &[u8], listed: &[Algorithm]) -> Result<Key, KeyFault> {
    let text = String::from_utf8_lossy(pem);
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyFault::Private);
    }
    if text.contains("BEGIN CERTIFICATE-----") {
        return Err(KeyFault::Certificate);
    }
    let key = DecodingKey::from_rsa_pem(pem)
        .or_else(|_| DecodingKey::from_ec_pem(pem))
        .or_else(|_| DecodingKey::from_ed_pem(pem))
        .map_err(|_| KeyFault::NotPem)?;
    let possible = possible(&key)?;
    let algorithms = match (listed, possible.as_slice()) {
        ([], [only]) => vec![*only],
        ([], _) => return Err(KeyFault::Undecided(possible)),
        (listed, possible) => fitting(listed, possible)?,
    };
    Ok(Key { id: None, algorithms, key })
}

/// All that were listed, if they fit.
fn fitting(listed: &[Algorithm], possible: &[Algorithm]) -> Result<Vec<Algorithm>, KeyFault> {
    match listed.iter().find(|algorithm| !possible.contains(algorithm)) {
        Some(given) => Err(KeyFault::Misfit { given: *given, possible: possible.to_vec() }),
        None => Ok(listed.to_vec()),
    }
}

/// The algorithms that the key can be used for.
pub(super) fn possible(key: &DecodingKey) -> Result<Vec<Algorithm>, KeyFault> {
    let family = key.family();
    match family {
        AlgorithmFamily::Rsa if rsa_bits(key).is_none_or(|bits| bits < RSA_LEAST_BITS) => {
            Err(KeyFault::Short)
        }
        AlgorithmFamily::Hmac | AlgorithmFamily::Rsa => Ok(family.algorithms().to_vec()),
        AlgorithmFamily::Ec => match key.try_get_as_bytes().map(<[u8]>::len) {
            Ok(65) => Ok(vec![Algorithm::ES256]),
            Ok(97) => Ok(vec![Algorithm::ES384]),
            _ => Err(KeyFault::NotPem),
        },
        AlgorithmFamily::Ed => match key.try_get_as_bytes().map(<[u8]>::len) {
            Ok(32) => Ok(vec![Algorithm::EdDSA]),
            _ => Err(KeyFault::NotPem),
        },
    }
}

/// Of the modulus, from the length of its base64; leading zeros don't count.
fn rsa_bits(key: &DecodingKey) -> Option<usize> {
    let AlgorithmParameters::RSA(rsa) = Jwk::from_decoding_key(key, None).ok()?.algorithm else {
        return None;
    };
    Some(rsa.n.trim_start_matches('A').len() * 6)
}

pub fn name(algorithm: Algorithm) -> String {
    format!("{algorithm:?}")
}

fn names(algorithms: &[Algorithm]) -> String {
    algorithms.iter().copied().map(name).collect::<Vec<_>>().join(", ")
}
