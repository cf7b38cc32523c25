//! `[auth]` of the configuration.

use std::time::Duration;

use super::{ApiKey, jwt, request, session};

/// In which ways credentials are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether those may connect who show no credential.
    pub anonymous: bool,
    pub jwt: Option<jwt::Settings>,
    pub session: Option<session::Settings>,
    pub request: Option<request::Settings>,
    pub keys: Vec<ApiKey>,
    pub timing: Timing,
}

/// How often what vouches for identities is asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// A session, and what the application said, is checked again after this time.
    pub recheck: Duration,
    /// For so long they count although they can't be checked.
    pub grace: Duration,
    /// Between two fetches of keys that tokens with an unknown key made necessary.
    pub refetch: Duration,
    /// A file of keys is read again after this time.
    pub reread: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            recheck: Duration::from_secs(20),
            grace: Duration::from_secs(120),
            refetch: Duration::from_secs(5),
            reread: Duration::from_secs(5),
        }
    }
}

impl Settings {
    /// Whether anybody at all can connect.
    pub fn knows_anybody(&self) -> bool {
        self.anonymous || !self.ways().is_empty()
    }

    /// Who may connect, in words: `who shows a token or an API key may connect`.
    pub fn readers(&self) -> String {
        match self.ways().as_slice() {
            _ if self.anonymous => "everybody may connect".to_owned(),
            [] => "nobody may connect".to_owned(),
            ways => format!("who shows {} may connect", ways.join(" or ")),
        }
    }

    /// What is accepted as a credential.
    fn ways(&self) -> Vec<&'static str> {
        let ways = [
            (self.jwt.is_some(), "a token"),
            (self.session.is_some(), "a session's cookie"),
            (self.request.is_some(), "what the application accepts"),
            (!self.keys.is_empty(), "an API key"),
        ];
        ways.into_iter().filter_map(|(is_set, way)| is_set.then_some(way)).collect()
    }
}
