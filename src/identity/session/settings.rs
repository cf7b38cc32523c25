//! `[auth.session]` of the configuration.

use super::cookie;
use crate::identity::{Refused, Secret};

/// How the application's sessions are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The cookie's name.
    pub cookie: String,
    /// A query with the cookie's value as `$1`, whose only row is the claims.
    pub query: String,
    /// With which Express has signed the cookie; one of them must fit, unless there is none.
    pub secrets: Vec<Secret>,
}

impl Settings {
    /// The session that the cookies name; nothing without the cookie.
    pub(in super::super) fn session(
        &self,
        cookies: &str,
    ) -> Option<Result<super::SessionId, Refused>> {
        let value = cookie::decoded(cookie::find(cookies, &self.cookie)?);
        Some(self.checked(value).map(super::SessionId))
    }

    fn checked(&self, value: Option<String>) -> Result<String, Refused> {
        let value = value.ok_or(Refused::Bad("the session's cookie can't be read"))?;
        if self.secrets.is_empty() {
            return Ok(value);
        }
        let signed = cookie::unsigned(&value, &self.secrets).map(str::to_owned);
        signed.ok_or(Refused::Bad("the session's cookie is not signed as it should be"))
    }
}
