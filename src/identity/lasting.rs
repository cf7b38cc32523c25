//! Someone whose credential was accepted, and how long that lasts.

use std::time::{Duration, SystemTime};

use super::jwt::Expiry;
use super::watched::Hold;
use super::{Claims, Who};

/// A clock that is set, or a machine that slept, is noticed within this time.
const CLOCK_CHECK: Duration = Duration::from_secs(20);

/// Someone whose credential was accepted, for as long as it is.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    claims: Claims,
    end: End,
}

/// Why an identity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Expired,
    /// The session, or whatever vouched for it, is gone.
    Gone,
}

/// How an identity ends.
#[derive(Clone, Debug, Default)]
enum End {
    #[default]
    Never,
    At(SystemTime),
    /// When nobody vouches for it any more.
    Vouched(Hold),
}

impl Identity {
    /// One that never ends.
    pub(super) fn lasting(claims: Claims) -> Self {
        Self { claims, end: End::Never }
    }

    /// One that a token gives.
    pub(super) fn until(claims: Claims, expiry: Expiry) -> Self {
        Self { claims, end: expiry.map_or(End::Never, End::At) }
    }

    /// One that others vouch for.
    pub(super) fn vouched(hold: Hold) -> Self {
        Self { claims: hold.claims().clone(), end: End::Vouched(hold) }
    }

    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// By whom limits count; anonymous is nobody.
    pub fn who(&self) -> Option<Who> {
        self.claims.who()
    }

    /// Waits until the identity ends; for ever, if it doesn't. May be dropped and called again.
    pub fn ended(&self) -> impl Future<Output = Ended> + Send + use<> {
        let end = self.end.clone();
        async move {
            match end {
                End::Never => std::future::pending().await,
                End::At(time) => expired(time).await,
                End::Vouched(hold) => gone(hold).await,
            }
        }
    }
}

async fn gone(hold: Hold) -> Ended {
    hold.gone().await;
    Ended::Gone
}

async fn expired(time: SystemTime) -> Ended {
    while let Ok(left) = time.duration_since(SystemTime::now()) {
        if left.is_zero() {
            break;
        }
        tokio::time::sleep(left.min(CLOCK_CHECK)).await;
    }
    Ended::Expired
}
