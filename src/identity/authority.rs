//! Who checks credentials, in which ways.

use std::fmt;
use std::sync::Arc;

use super::request::{Application, Forwarded};
use super::session::Sessions;
use super::watched::Watched;
use super::{ApiKey, Identity, Settings, api_key, jwt, request, session};
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

#[derive(Debug, Default)]
struct Ways {
    anonymous: bool,
    jwt: Option<jwt::Verifier>,
    keys: Vec<ApiKey>,
    session: Option<(session::Settings, Watched<Sessions>)>,
    request: Option<(request::Settings, Watched<Application>)>,
}

/// Why a request has no identity. The reason is for the client: it doesn't help to guess credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// Reads the keys. What has to be fetched or asked again is, by tasks that end with the last clone.
    pub fn new(settings: &Settings, database: &Database) -> Result<Self, NotUsable> {
        let Settings { anonymous, jwt, session, request, keys, timing } = settings;
        let verifier = |jwt| {
            jwt::Verifier::new(jwt, timing)
                .map_err(|fault| NotUsable(format!("[auth.jwt]: {fault}")))
        };
        let sessions = |session: &session::Settings| {
            let secrets = session.all_secrets().map_err(|unreadable| {
                NotUsable(format!("[auth.session]: the file {unreadable}"))
            })?;
            let sessions = Watched::start(Sessions::new(session, database), timing);
            Ok((session::Settings { secrets, ..session.clone() }, sessions))
        };
        let application = |request: &request::Settings| {
            let application = Application::new(request)
                .map_err(|error| NotUsable(format!("[auth.request]: {error}")))?;
            Ok((request.clone(), Watched::start(application, timing)))
        };
        Ok(Self(Arc::new(Ways {
            anonymous: *anonymous,
            jwt: jwt.as_ref().map(verifier).transpose()?,
            keys: keys.clone(),
            session: session.as_ref().map(sessions).transpose()?,
            request: request.as_ref().map(application).transpose()?,
        })))
    }

    /// Knows no credentials.
    pub fn anonymous_only(allowed: bool) -> Self {
        Self(Arc::new(Ways { anonymous: allowed, ..Ways::default() }))
    }

    /// Who is asking: by the token if there is one, else by another `Authorization`, else by cookies.
    pub async fn identify(&self, shown: Shown) -> Result<Identity, Refused> {
        let Shown { token, cookies, authorization } = shown;
        match (token, authorization) {
            (Some(token), _) => self.0.by_token(&token, cookies).await,
            (None, Some(authorization)) => self.0.by_application(cookies, authorization).await,
            (None, None) => self.0.by_cookies(cookies).await,
        }
    }
}

impl Ways {
    /// What looks like a JSON Web Token is nothing else where such tokens are checked.
    async fn by_token(&self, token: &str, cookies: Option<String>) -> Result<Identity, Refused> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refused::Bad("the token is too long"));
        }
        if let Some(verifier) = self.jwt.as_ref().filter(|_| jwt::looks_like_one(token)) {
            let (claims, expiry) = verifier.verify(token).await?;
            return Ok(Identity::until(claims, expiry));
        }
        match api_key::find(&self.keys, token) {
            Some(identity) => Ok(identity),
            None => self.by_application(cookies, format!("Bearer {token}")).await,
        }
    }

    /// A credential that is none of the daemon's own: the application's word counts.
    async fn by_application(
        &self,
        cookies: Option<String>,
        authorization: String,
    ) -> Result<Identity, Refused> {
        let unknown = Refused::Bad("the credential is unknown");
        let Some((_, application)) = &self.request else { return Err(unknown) };
        let shown = Forwarded { cookies, authorization: Some(authorization) };
        match application.ask(shown).await {
            Ok(hold) => Ok(Identity::vouched(hold)),
            Err(Refused::Missing) => Err(unknown),
            Err(refused) => Err(refused),
        }
    }

    /// The session's cookie decides if it is there. Cookies that nobody knows are no credential.
    async fn by_cookies(&self, cookies: Option<String>) -> Result<Identity, Refused> {
        let Some(cookies) = cookies else { return self.nobody() };
        if let Some((settings, sessions)) = &self.session
            && let Some(id) = settings.session(&cookies)
        {
            return sessions.ask(id?).await.map(Identity::vouched);
        }
        let Some((settings, application)) = &self.request else { return self.nobody() };
        let named = settings
            .cookies
            .as_ref()
            .map(|names| names.iter().any(|name| session::find(&cookies, name).is_some()));
        if named == Some(false) {
            return self.nobody();
        }
        match application.ask(Forwarded { cookies: Some(cookies), authorization: None }).await {
            Ok(hold) => Ok(Identity::vouched(hold)),
            Err(Refused::Missing) if named.is_none() => self.nobody(),
            Err(Refused::Missing) => Err(Refused::Bad("the session is unknown or has ended")),
            Err(refused) => Err(refused),
        }
    }

    fn nobody(&self) -> Result<Identity, Refused> {
        if self.anonymous { Ok(Identity::default()) } else { Err(Refused::Missing) }
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
