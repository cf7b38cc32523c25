//! `[auth.jwt]` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use jsonwebtoken::Algorithm;

use super::super::secret::Secret;

/// Which tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub keys: KeySource,
    /// The only ones that are accepted. Empty if the key allows just one.
    pub algorithms: Vec<Algorithm>,
    /// One of these must be in `aud`, unless there is none.
    pub audience: Vec<String>,
    /// One of these must be `iss`, unless there is none.
    pub issuer: Vec<String>,
    /// How far the issuer's clock may be off.
    pub leeway: Duration,
    /// Whether tokens without `exp` are refused. Accepted, they never end.
    pub require_exp: bool,
}

/// Where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    Secret(Secret),
    SecretFile(PathBuf),
    /// PEM.
    PublicKeyFile(PathBuf),
    /// A JWK Set.
    JwksFile(PathBuf),
    JwksUrl(Uri),
}

impl Settings {
    /// HS256 with this secret, and nothing else asked for.
    pub fn with_secret(secret: Secret) -> Self {
        Self {
            keys: KeySource::Secret(secret),
            algorithms: Vec::new(),
            audience: Vec::new(),
            issuer: Vec::new(),
            leeway: Duration::ZERO,
            require_exp: false,
        }
    }
}
