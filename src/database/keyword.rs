//! libpq's keywords, the environment variables behind them, and what becomes of each here.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>

/// A keyword of a connection string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keyword {
    pub name: &'static str,
    /// The environment variable that stands in for it.
    pub env: Option<&'static str>,
    pub meaning: Meaning,
    /// Its value, and what might be a piece of its value, is never repeated.
    pub secret: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Used,
    /// Makes no difference here.
    Ignored,
    /// These values make no difference; any other asks for something that can't be kept, for this
    /// reason.
    Only(&'static [&'static str], &'static str),
}

use Meaning::{Ignored, Only, Used};

const fn used(name: &'static str, env: &'static str) -> Keyword {
    Keyword { name, env: Some(env), meaning: Used, secret: false }
}

const fn used_here(name: &'static str) -> Keyword {
    Keyword { name, env: None, meaning: Used, secret: false }
}

const fn ignored(name: &'static str) -> Keyword {
    Keyword { name, env: None, meaning: Ignored, secret: false }
}

const fn only(
    name: &'static str,
    env: Option<&'static str>,
    values: &'static [&'static str],
    why: &'static str,
) -> Keyword {
    Keyword { name, env, meaning: Only(values, why), secret: false }
}

const NO_GSS: &str = "there is no GSSAPI here";
const NO_CRL: &str = "revocation lists are not checked here";
const NO_OAUTH: &str = "there is no OAuth here";

pub(super) static KEYWORDS: &[Keyword] = &[
    used("host", "PGHOST"),
    used("hostaddr", "PGHOSTADDR"),
    used("port", "PGPORT"),
    used("dbname", "PGDATABASE"),
    used("user", "PGUSER"),
    Keyword { name: "password", env: Some("PGPASSWORD"), meaning: Used, secret: true },
    used("passfile", "PGPASSFILE"),
    used("service", "PGSERVICE"),
    used("servicefile", "PGSERVICEFILE"),
    used("sslmode", "PGSSLMODE"),
    used("sslrootcert", "PGSSLROOTCERT"),
    used("sslcert", "PGSSLCERT"),
    used("sslkey", "PGSSLKEY"),
    used("sslnegotiation", "PGSSLNEGOTIATION"),
    used("sslsni", "PGSSLSNI"),
    used("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    used("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    used("channel_binding", "PGCHANNELBINDING"),
    used("application_name", "PGAPPNAME"),
    used_here("fallback_application_name"),
    used("connect_timeout", "PGCONNECT_TIMEOUT"),
    used_here("keepalives"),
    used_here("keepalives_idle"),
    used_here("keepalives_interval"),
    used_here("keepalives_count"),
    used_here("tcp_user_timeout"),
    used("options", "PGOPTIONS"),
    used("target_session_attrs", "PGTARGETSESSIONATTRS"),
    used("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    used("sslcertmode", "PGSSLCERTMODE"),
    // Sessions are always in UTF8.
    ignored("client_encoding"),
    ignored("sslcompression"),
    ignored("krbsrvname"),
    ignored("gsslib"),
    ignored("gssdelegation"),
    only("gssencmode", Some("PGGSSENCMODE"), &["disable", "prefer"], NO_GSS),
    only("requirepeer", Some("PGREQUIREPEER"), &[], "the server's user is not checked here"),
    only("require_auth", Some("PGREQUIREAUTH"), &[], "methods can't be restricted here"),
    only("sslcrl", Some("PGSSLCRL"), &[], NO_CRL),
    only("sslcrldir", Some("PGSSLCRLDIR"), &[], NO_CRL),
    Keyword {
        name: "sslpassword",
        env: None,
        meaning: Only(&[], "encrypted keys can't be read here"),
        secret: true,
    },
    only("sslkeylogfile", None, &[], "session keys are not written to files"),
    only("replication", None, &["false", "off", "no", "0"], "sessions are ordinary ones"),
    only("min_protocol_version", Some("PGMINPROTOCOLVERSION"), &["3.0"], "version 3.0 is spoken"),
    ignored("max_protocol_version"),
    Keyword {
        name: "scram_client_key",
        env: None,
        meaning: Only(&[], "give the password"),
        secret: true,
    },
    Keyword {
        name: "scram_server_key",
        env: None,
        meaning: Only(&[], "give the password"),
        secret: true,
    },
    only("oauth_issuer", None, &[], NO_OAUTH),
    only("oauth_client_id", None, &[], NO_OAUTH),
    Keyword { name: "oauth_client_secret", env: None, meaning: Only(&[], NO_OAUTH), secret: true },
    only("oauth_scope", None, &[], NO_OAUTH),
];

pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// Parameters that other programs put into their URLs.
static FOREIGN: &[(&str, &str)] = &[
    ("schema", "tables are named in the configuration, as schema.table: remove it"),
    ("currentSchema", "tables are named in the configuration, as schema.table: remove it"),
    ("search_path", "write options=-csearch_path%3D…"),
    ("database", "libpq calls it dbname"),
    ("username", "libpq calls it user"),
    ("keepalives_retries", "libpq calls it keepalives_count"),
    ("ssl", "libpq calls it sslmode"),
    ("pgbouncer", "it belongs to another client: remove it"),
    ("connection_limit", "it belongs to another client: remove it"),
    ("pool_timeout", "it belongs to another client: remove it"),
    ("sslaccept", "libpq calls it sslmode"),
    ("statement_cache_size", "it belongs to another client: remove it"),
];

/// What somebody who wrote this unknown keyword may have meant.
pub(super) fn hint(name: &str) -> Option<String> {
    if let Some((_, hint)) = FOREIGN.iter().find(|(foreign, _)| *foreign == name) {
        return Some((*hint).into());
    }
    nearest(name, KEYWORDS.iter().map(|keyword| keyword.name))
        .map(|known| format!("did you mean {known}?"))
}

/// The most similar of some words, if one is similar enough to have been meant.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .map(|candidate| (strsim::jaro_winkler(&word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
