//! Who checks credentials, in which ways.

use std::future::Future;

use super::{Claims, Settings};
use crate::database::Database;

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
pub struct Authority {
    anonymous: bool,
}

/// Someone whose credential was accepted, for as long as it is.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    claims: Claims,
}

/// Why an identity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Expired,
    /// The session, or whatever vouched for it, is gone.
    Gone,
}

/// Why a request has no identity. The reason is for the client: it doesn't help to guess credentials.
#[derive(Debug, thiserror::Error)]
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
        Ok(Self::anonymous_only(settings.anonymous))
    }

    /// Knows no credentials.
    pub fn anonymous_only(allowed: bool) -> Self {
        Self { anonymous: allowed }
    }

    /// Who is asking.
    pub fn identify(&self, shown: Shown) -> impl Future<Output = Result<Identity, Refused>> + Send {
        let known = match shown {
            Shown { token: None, authorization: None, .. } if self.anonymous => {
                Ok(Identity::default())
            }
            Shown { token: None, authorization: None, .. } => Err(Refused::Missing),
            _ => Err(Refused::Bad("no way to check credentials is configured")),
        };
        std::future::ready(known)
    }
}

impl Identity {
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Waits until the identity ends; for ever, if it doesn't. May be dropped and called again.
    pub fn ended(&self) -> impl Future<Output = Ended> + Send + use<> {
        std::future::pending()
    }
}
