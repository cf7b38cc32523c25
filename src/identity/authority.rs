//! Who checks credentials, in which ways.

use std::fmt;
use std::sync::Arc;

use super::lasting::End;
use super::{Identity, Settings, jwt};
use crate::database::Database;

/// The longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 32 << 10;

/// What a request shows of who is asking.
#[derive(Clone, Default)]
pub struct Shown {
    /// A token: from `Authorization: Bearer`, `access_token` or the `auth` message.
    pub token: Option<String>,
    /// The `Cookie` header.
    pub cookies: Option<String>,
    /// An `Authorization` header that isn't `Bearer`: the application may know what to do with it.
    pub authorization: Option<String>,
}

/// Checks credentials. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authority(Arc<Ways>);

#[derive(Debug)]
struct Ways {
    anonymous: bool,
    jwt: Option<jwt::Verifier>,
}

/// Why a request has no identity. The reason is for the client: it doesn't help to guess credentials.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing was shown, and anonymous isn't allowed.
    #[error("a credential is needed")]
    Missing,
    #[error("{0}")]
    Bad(&'static str),
    /// What would check it can't be reached.
    #[error("credentials can't be checked just now")]
    Unavailable,
}

/// Why the configured ways can't be used: a key file that can't be read, a key of another algorithm.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotUsable(pub String);

impl Authority {
    /// Reads the keys.
    pub fn new(settings: &Settings, _database: &Database) -> Result<Self, NotUsable> {
        let unusable = |fault| NotUsable(format!("[auth.jwt]: {fault}"));
        let jwt = settings.jwt.as_ref().map(jwt::Verifier::new).transpose().map_err(unusable)?;
        Ok(Self(Arc::new(Ways { anonymous: settings.anonymous, jwt })))
    }

    /// Knows no credentials.
    pub fn anonymous_only(allowed: bool) -> Self {
        Self(Arc::new(Ways { anonymous: allowed, jwt: None }))
    }

    /// Who is asking.
    pub async fn identify(&self, shown: Shown) -> Result<Identity, Refused> {
        let ways = &*self.0;
        if let Some(token) = &shown.token {
            return ways.by_token(token).await;
        }
        match shown.authorization {
            Some(_) => Err(Refused::Bad("no way to check such a credential is configured")),
            None if ways.anonymous => Ok(Identity::default()),
            None => Err(Refused::Missing),
        }
    }
}

impl Ways {
    async fn by_token(&self, token: &str) -> Result<Identity, Refused> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refused::Bad("the token is too long"));
        }
        if let Some(verifier) = self.jwt.as_ref().filter(|_| jwt::looks_like_one(token)) {
            let (claims, expiry) = verifier.verify(token).await?;
            return Ok(Identity::new(claims, expiry.map_or(End::Never, End::At)));
        }
        Err(Refused::Bad("the token is unknown"))
    }
}

/// Says which kinds of credential are shown, and nothing of them.
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |shown: &Option<String>| shown.as_ref().map(|_| "(hidden)");
        f.debug_struct("Shown")
            .field("token", &hidden(&self.token))
            .field("cookies", &hidden(&self.cookies))
            .field("authorization", &hidden(&self.authorization))
            .finish()
    }
}
