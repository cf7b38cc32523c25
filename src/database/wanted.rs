//! Which of several servers will do.

use tokio_postgres::Client;

use super::conninfo::ConninfoError;
use super::error::Problem;
use super::given::Given;
use super::session::Session;

/// `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl Wanted {
    pub fn from(given: &Given) -> Result<Self, ConninfoError> {
        let words = [
            ("any", Self::Any),
            ("read-write", Self::ReadWrite),
            ("read-only", Self::ReadOnly),
            ("primary", Self::Primary),
            ("standby", Self::Standby),
            ("prefer-standby", Self::PreferStandby),
        ];
        // Of several servers only one is the primary, and only that one has the log to read. Of one, a standby is named.
        let several = given.list("host").len().max(given.list("hostaddr").len()) > 1;
        let unsaid = if several { Self::Primary } else { Self::Any };
        Ok(given.choice("target_session_attrs", &words)?.unwrap_or(unsaid))
    }

    /// What to look for, in rounds over all servers.
    pub fn in_order(self) -> Vec<Self> {
        match self {
            Self::PreferStandby => vec![Self::Standby, Self::Any],
            wanted => vec![wanted],
        }
    }

    /// Gives the session back if its server will do.
    pub async fn check(self, session: Session) -> Result<Session, Problem> {
        match self.fault(&session.client).await? {
            Some(fault) => Err(Problem::Unsuitable(fault)),
            None => Ok(session),
        }
    }

    /// Why this server will not do.
    async fn fault(self, client: &Client) -> Result<Option<&'static str>, tokio_postgres::Error> {
        if self == Self::Any {
            return Ok(None);
        }
        let asked = "select pg_catalog.pg_is_in_recovery(), \
                     pg_catalog.current_setting('transaction_read_only')::bool";
        let row = client.query_one(asked, &[]).await?;
        let (standby, read_only): (bool, bool) = (row.get(0), row.get(1));
        Ok(match self {
            Self::ReadWrite if standby || read_only => Some("the server doesn't allow writes"),
            Self::ReadOnly if !standby && !read_only => Some("the server isn't read-only"),
            Self::Primary if standby => Some("the server is a standby"),
            Self::Standby if !standby => Some("the server is not a standby"),
            _ => None,
        })
    }
}
