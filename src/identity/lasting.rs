//! Someone whose credential was accepted, and how long that lasts.

use std::time::{Duration, SystemTime};

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
pub(super) enum End {
    #[default]
    Never,
    At(SystemTime),
}

impl Identity {
    pub(super) fn new(claims: Claims, end: End) -> Self {
        Self { claims, end }
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
            }
        }
    }
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
