//! TLS: which files, which checks, and the handshake.
//!
//! <https://www.postgresql.org/docs/current/libpq-ssl.html>

mod certificate;
mod files;
mod handshake;
mod verifier;

use std::path::PathBuf;

use super::conninfo::ConninfoError;
use super::given::Given;

pub(super) use files::TlsFault;
pub(super) use handshake::{Connector, HandshakeFailed};

/// `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Which authorities may vouch for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// `sslrootcert`.
    File(PathBuf),
    /// `~/.postgresql/root.crt`, if there is such a file; None without a home directory.
    Usual(Option<PathBuf>),
    /// Those that the system trusts.
    System,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub mode: Mode,
    pub roots: Roots,
    /// `~/.postgresql/root.crl`, which libpq would check.
    pub revoked: Option<PathBuf>,
    /// The client's certificate and key.
    pub client: Option<ClientFiles>,
    /// TLS from the first byte, without asking whether the server has it.
    pub direct: bool,
    /// Whether the host's name is sent in the clear, for proxies that need it.
    pub sni: bool,
    pub tls12: bool,
    pub tls13: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Whether the certificate was asked for; one in the usual place may be missing.
    pub named: bool,
}

impl Settings {
    pub fn from(given: &Given) -> Result<Self, ConninfoError> {
        let directory = given.home().map(|home| home.join(".postgresql"));
        let usual = |file: &str| directory.as_ref().map(|dir| dir.join(file));
        let roots = match given.text("sslrootcert").as_deref() {
            Some("system") => Roots::System,
            Some(path) => Roots::File(path.into()),
            None => Roots::Usual(usual("root.crt")),
        };
        let mode = mode(given, &roots)?;
        refuse_unnamed_hosts(given, mode)?;
        let (tls12, tls13) = versions(given)?;
        Ok(Self {
            mode,
            client: client_files(given, usual("postgresql.crt"), usual("postgresql.key"))?,
            direct: direct(given, mode)?,
            sni: given.choice("sslsni", &[("0", false), ("1", true)])?.unwrap_or(true),
            roots,
            revoked: usual("root.crl"),
            tls12,
            tls13,
        })
    }
}

fn mode(given: &Given, roots: &Roots) -> Result<Mode, ConninfoError> {
    let words = [
        ("disable", Mode::Disable),
        ("allow", Mode::Allow),
        ("prefer", Mode::Prefer),
        ("require", Mode::Require),
        ("verify-ca", Mode::VerifyCa),
        ("verify-full", Mode::VerifyFull),
    ];
    match (given.choice("sslmode", &words)?, roots) {
        (None, Roots::System) => Ok(Mode::VerifyFull),
        // Anybody can get a certificate from the authorities that systems trust.
        (Some(mode), Roots::System) if mode != Mode::VerifyFull => {
            Err(given.wrong("sslmode", "with sslrootcert=system it must be verify-full"))
        }
        (mode, _) => Ok(mode.unwrap_or(Mode::Prefer)),
    }
}

/// An address alone isn't a name that a certificate could be checked for.
fn refuse_unnamed_hosts(given: &Given, mode: Mode) -> Result<(), ConninfoError> {
    let unnamed = !given.list("hostaddr").is_empty() && given.list("host").is_empty();
    match mode == Mode::VerifyFull && unnamed {
        true => Err(given.wrong("sslmode", "verify-full needs a host name besides the address")),
        false => Ok(()),
    }
}

fn direct(given: &Given, mode: Mode) -> Result<bool, ConninfoError> {
    let words = [("postgres", false), ("direct", true)];
    let direct = given.choice("sslnegotiation", &words)?.unwrap_or(false);
    match direct && mode < Mode::Require {
        true => Err(given.wrong("sslnegotiation", "direct needs sslmode=require or stronger")),
        false => Ok(direct),
    }
}

fn client_files(
    given: &Given,
    usual_cert: Option<PathBuf>,
    usual_key: Option<PathBuf>,
) -> Result<Option<ClientFiles>, ConninfoError> {
    let words = [("disable", false), ("allow", true)];
    if given.choice("sslcertmode", &words)? == Some(false) {
        return Ok(None);
    }
    let named = given.path("sslcert");
    let is_named = named.is_some();
    let cert = named.or(usual_cert);
    let key = given.path("sslkey").or(usual_key);
    Ok(cert.zip(key).map(|(cert, key)| ClientFiles { cert, key, named: is_named }))
}

/// Whether TLS 1.2 and TLS 1.3 may be spoken.
fn versions(given: &Given) -> Result<(bool, bool), ConninfoError> {
    let words = [("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)];
    let least = given.choice("ssl_min_protocol_version", &words)?.unwrap_or(12);
    let most = given.choice("ssl_max_protocol_version", &words)?.unwrap_or(13);
    if most < 12 {
        return Err(given.wrong("ssl_max_protocol_version", "TLSv1.2 is the oldest spoken here"));
    }
    if least > most {
        return Err(given.wrong("ssl_min_protocol_version", "it is above the maximum"));
    }
    Ok((least <= 12, most >= 13))
}
