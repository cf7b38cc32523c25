//! When a token counts: `exp` and `nbf`.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::Settings;
use crate::identity::Refused;

/// When an accepted token ends, the leeway included; none: never.
pub type Expiry = Option<SystemTime>;

/// The latest time that is told apart from never.
const MAX_SECS: f64 = 1e11;

/// Whether the token counts now, and until when.
pub fn check(
    claims: &Map<String, Value>,
    settings: &Settings,
    now: SystemTime,
) -> Result<Expiry, Refused> {
    let expires = seconds(claims, "exp")?.map(|secs| secs + settings.leeway.as_secs_f64());
    if expires.is_none() && settings.require_exp {
        return Err(Refused::Bad("the token has no `exp`"));
    }
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    if expires.is_some_and(|expires| expires <= now) {
        return Err(Refused::Bad("the token has expired"));
    }
    let begins = seconds(claims, "nbf")?.map(|secs| secs - settings.leeway.as_secs_f64());
    if begins.is_some_and(|begins| begins > now) {
        return Err(Refused::Bad("the token is not valid yet"));
    }
    let distinct = expires.filter(|secs| *secs < MAX_SECS);
    Ok(distinct.map(|secs| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(secs)))
}

/// A time in seconds since 1970; what can't be understood is refused.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Refused> {
    let number = match claims.get(name) {
        None => return Ok(None),
        // A number that was written in an unusual way is kept as it was written.
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_f64(),
    };
    let finite = number.filter(|secs| secs.is_finite());
    finite.map(Some).ok_or(Refused::Bad("the token's times must be numbers"))
}
