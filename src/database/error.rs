//! Why there is no connection, by what to do next, and the sentence that says it.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use tokio_postgres::error::{DbError, SqlState};

use super::tls::{HandshakeFailed, TlsFault};

/// No connection. The attempts are in the order in which they were made.
#[derive(Debug)]
pub enum ConnectError {
    /// Nobody answers, or not yet: try again.
    Unreachable(Vec<Attempt>),
    /// The server answered and said no (password, `pg_hba.conf`, no such database): somebody must
    /// change something.
    Refused(Vec<Attempt>),
    /// A certificate, a key or the server's TLS is wrong: somebody must change something.
    Tls(Vec<Attempt>),
}

/// One attempt and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{at}")]
pub struct Attempt {
    /// The server as logs name it.
    pub at: String,
    #[source]
    pub(super) problem: Problem,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("the host's address can't be found")]
    LookUp(#[source] io::Error),
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("{0}")]
    Unsuitable(&'static str),
    #[error(transparent)]
    TlsFault(#[from] TlsFault),
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
}

/// What a problem means for the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Unreachable,
    Refused,
    Tls,
}

impl ConnectError {
    pub(super) fn new(attempts: Vec<Attempt>) -> Self {
        let has = |class| attempts.iter().any(|attempt| attempt.problem.class() == class);
        if has(Class::Refused) {
            Self::Refused(attempts)
        } else if has(Class::Tls) {
            Self::Tls(attempts)
        } else {
            Self::Unreachable(attempts)
        }
    }

    /// Every server that was tried.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Unreachable(attempts) | Self::Refused(attempts) | Self::Tls(attempts) => attempts,
        }
    }

    /// Whether it may go away by itself. What may not is a reason to stop at the start, and to go
    /// on trying, less often, later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// What happened at each server and what to do about it, in one line.
    pub fn explain(&self) -> String {
        let attempts: Vec<String> = self.attempts().iter().map(Attempt::explain).collect();
        attempts.join("; ")
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable(_) => "the database can't be reached",
            Self::Refused(_) => "the database refused the connection",
            Self::Tls(_) => "no secure connection to the database",
        })
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.attempts().last().map(|attempt| attempt as _)
    }
}

impl Attempt {
    /// What happened and what to do about it, in one line.
    pub fn explain(&self) -> String {
        let what = self.problem.sentence();
        match self.problem.hint() {
            Some(hint) => format!("{}: {what}: {hint}", self.at),
            None => format!("{}: {what}", self.at),
        }
    }
}

impl Problem {
    pub fn class(&self) -> Class {
        match self {
            Self::LookUp(_) | Self::TimedOut(_) | Self::Unsuitable(_) => Class::Unreachable,
            Self::TlsFault(_) => Class::Tls,
            Self::Postgres(error) => class(error),
        }
    }

    /// Whether the servers that were named after this one are to be tried, as libpq would.
    pub fn leaves_others(&self) -> bool {
        self.class() == Class::Unreachable
    }

    fn sentence(&self) -> String {
        match self {
            Self::Postgres(error) => match error.as_db_error() {
                Some(refusal) => refusal.message().into(),
                None => chain(error),
            },
            other => chain(other),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::LookUp(_) => Some("check the host's name"),
            Self::Postgres(error) => match error.as_db_error() {
                Some(refusal) => refusal_hint(refusal),
                None => failure_hint(error),
            },
            _ => None,
        }
    }
}

/// An error and its sources, without what a source repeats.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        source = error.source();
    }
    text
}

fn class(error: &tokio_postgres::Error) -> Class {
    if let Some(refusal) = error.as_db_error() {
        return if is_temporary(refusal.code()) { Class::Unreachable } else { Class::Refused };
    }
    if is_tls(error) {
        return Class::Tls;
    }
    match error.to_string().as_str() {
        AUTHENTICATION | CONFIGURATION => Class::Refused,
        _ => Class::Unreachable,
    }
}

// tokio-postgres keeps the kinds of its errors private; the tests would notice other words.
const AUTHENTICATION: &str = "authentication error";
const CONFIGURATION: &str = "invalid configuration";
const TLS: &str = "error performing TLS handshake";
const NO_PASSWORD: &str = "password missing";
const NO_TLS: &str = "server does not support TLS";

/// Starting, stopping, recovering, or too busy.
fn is_temporary(code: &SqlState) -> bool {
    let code = code.code();
    code.starts_with("57P") || code.starts_with("53") || code.starts_with("08")
}

/// Also what comes as an error of the socket: in TLS 1.3 a server refuses a client's certificate
/// after the client has found the handshake complete.
pub(super) fn is_tls(error: &tokio_postgres::Error) -> bool {
    let Some(source) = error.source() else { return false };
    let io = source.downcast_ref::<io::Error>();
    let alert = io.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<rustls::Error>());
    alert || source.is::<HandshakeFailed>() || error.to_string() == TLS
}

/// Whether the server's rules for connections said no, which may know others with or without TLS.
pub(super) fn is_unauthorized(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("28"))
}

/// Whether a pooler stumbled over the settings that were sent at the start.
pub(super) fn is_pooler_without_options(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|refusal| {
        let message = refusal.message();
        message.contains("startup parameter") || message.contains("command-line options")
    })
}

fn refusal_hint(refusal: &DbError) -> Option<&'static str> {
    let code = refusal.code();
    if *code == SqlState::INVALID_PASSWORD {
        Some("check the password in the url, PGPASSWORD or the password file")
    } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        Some("check the user and the server's pg_hba.conf")
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        Some("check the database's name")
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        Some("raise max_connections or close other connections")
    } else {
        None
    }
}

fn failure_hint(error: &tokio_postgres::Error) -> Option<&'static str> {
    let source = error.source()?;
    match source.to_string().as_str() {
        NO_PASSWORD => {
            return Some("give a password in the url, PGPASSWORD or the password file");
        }
        NO_TLS => {
            return Some("set ssl = on in postgresql.conf, or allow sslmode=prefer");
        }
        _ => {}
    }
    let io = source
        .downcast_ref::<io::Error>()
        .or_else(|| source.downcast_ref::<HandshakeFailed>().map(HandshakeFailed::io))?;
    if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return certificate_hint(tls);
    }
    match io.kind() {
        io::ErrorKind::ConnectionRefused => Some("is PostgreSQL running there, with this port?"),
        io::ErrorKind::NotFound => Some("there is no such socket: is PostgreSQL running?"),
        _ => None,
    }
}

fn certificate_hint(error: &rustls::Error) -> Option<&'static str> {
    use rustls::{AlertDescription as Alert, CertificateError as Fault, Error};
    match error {
        Error::InvalidCertificate(Fault::UnknownIssuer | Fault::BadSignature) => {
            Some("sslrootcert must hold the certificate of the authority that signed the server's")
        }
        Error::InvalidCertificate(
            Fault::NotValidForName | Fault::NotValidForNameContext { .. },
        ) => Some("connect by a name that the certificate has, or use sslmode=verify-ca"),
        Error::InvalidCertificate(Fault::Expired | Fault::ExpiredContext { .. }) => {
            Some("renew the server's certificate")
        }
        Error::AlertReceived(Alert::CertificateRequired) => {
            Some("the server wants a client certificate: give sslcert and sslkey")
        }
        Error::AlertReceived(_) => Some("check sslcert and sslkey"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_must_change() {
        for (code, expected) in [
            ("57P03", true),  // starting up
            ("57P01", true),  // shutting down
            ("53300", true),  // too many connections
            ("08006", true),  // a pooler lost its server
            ("28P01", false), // wrong password
            ("28000", false), // pg_hba.conf
            ("3D000", false), // no such database
            ("42501", false), // no right to connect
            ("42704", false), // no such setting
        ] {
            assert_eq!(is_temporary(&SqlState::from_code(code)), expected, "{code}");
        }
    }
}
