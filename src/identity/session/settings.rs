//! `[auth.session]` of the configuration.

use std::path::PathBuf;

use super::cookie;
use crate::identity::{Refused, Secret, Unreadable};

/// How the application's sessions are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The cookie's name.
    pub cookie: String,
    /// A query with the cookie's value as `$1`, whose only row is the claims.
    pub query: String,
    /// With which Express has signed the cookie; one of them must fit, unless there is none.
    pub secrets: Vec<Secret>,
    /// A file with another one.
    pub secret_file: Option<PathBuf>,
}

impl Settings {
    /// The listed secrets and the file's.
    pub fn all_secrets(&self) -> Result<Vec<Secret>, Unreadable> {
        let from_file = self.secret_file.as_deref().map(Secret::read).transpose()?;
        Ok(self.secrets.iter().cloned().chain(from_file).collect())
    }

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
