//! What is wrong with `[auth]` as its files and the database show.

use tokio_postgres::Client;

use super::super::fault::Fault;
use super::super::{Config, Draft, place};
use crate::identity::session::QueryFault;
use crate::identity::{jwt, session};

const READABLE: &str = "it has to be readable by the user that runs rowcast";
const QUERY: &str =
    "the query gives, as one row, the claims of the session that $1 names, the cookie's value";

impl Draft {
    /// Reads the keys that credentials are checked with, and adds what is wrong with them.
    pub fn check_keys(&mut self) {
        let Some(config) = &self.config else { return };
        let faults = [config.token_key_fault(), config.cookie_secret_fault()];
        faults.into_iter().flatten().for_each(|fault| self.faults.push(fault));
    }

    /// Runs the query for sessions and adds what is wrong with it.
    pub async fn check_session(&mut self, client: &Client) -> Result<(), tokio_postgres::Error> {
        let Some(config) = &self.config else { return Ok(()) };
        let Some(settings) = &config.settings.auth.session else { return Ok(()) };
        if let Some(found) = session::check(client, settings).await? {
            let fault = config.query_fault(settings, found);
            self.faults.push(fault);
        }
        Ok(())
    }
}

impl Config {
    /// The fault, at the place where `[auth.jwt]` names its key.
    pub fn at_token_key(&self, fault: Fault) -> Fault {
        Fault { place: self.auth_places.jwt.clone(), ..fault }
    }

    fn token_key_fault(&self) -> Option<Fault> {
        let fault = match self.settings.auth.jwt.as_ref().map(jwt::Settings::check)? {
            Ok(warning) => Fault::warning(warning?).help("openssl rand -hex 32"),
            Err(fault) => Fault::error(fault.to_string()).help(fault.help()),
        };
        Some(self.at_token_key(fault))
    }

    fn cookie_secret_fault(&self) -> Option<Fault> {
        let unreadable = self.settings.auth.session.as_ref()?.all_secrets().err()?;
        let place = self.auth_places.session.as_ref()?.secret_file.clone();
        Some(Fault { place, ..Fault::error(format!("the file {unreadable}")).help(READABLE) })
    }

    fn query_fault(&self, settings: &session::Settings, found: QueryFault) -> Fault {
        let place = self.auth_places.session.as_ref().map(|places| {
            let at = |position| place::word_at(&places.query, &settings.query, position);
            found.position.map_or_else(|| places.query.clone(), at)
        });
        let fault = Fault::error(format!("[auth.session]: {}", found.message));
        Fault { place, ..fault.help(found.hint.unwrap_or_else(|| QUERY.to_owned())) }
    }
}
