//! A connection string as pairs of keyword and value, whichever way it is written.

use std::path::PathBuf;

use super::keyword::{self, Keyword};
use super::{key_value, url};

/// A setting as written in a connection string or a service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub keyword: &'static Keyword,
    pub value: String,
}

/// Why a connection can't be told from what was given. None of the texts holds a password.
#[derive(Debug, thiserror::Error)]
pub enum ConninfoError {
    #[error("{what} (character {at} of the connection string)")]
    Syntax { at: usize, what: &'static str },
    #[error("unknown keyword {name:?} {origin}")]
    UnknownKeyword { name: String, origin: String },
    #[error("{keyword} {origin}: {what}")]
    Value { keyword: &'static str, origin: String, what: String },
    #[error("{keyword} {origin} is not supported: {why}")]
    Unsupported { keyword: &'static str, origin: String, why: &'static str },
    #[error("service {name:?} is defined neither in {}", list(.looked_in))]
    UnknownService { name: String, looked_in: Vec<PathBuf> },
    #[error("{}, line {line}: {what}", .path.display())]
    ServiceFile { path: PathBuf, line: usize, what: String },
    #[error("{} can't be read", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("no user is given, and this process runs as a user without a name")]
    NoUser,
}

impl ConninfoError {
    /// What to do about it, where there is something better to say than the error itself.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { .. } => Some(
                "write postgres://user:password@host:5432/dbname, special characters as %40, \
                 or host=… dbname=… with values in single quotes"
                    .into(),
            ),
            Self::UnknownKeyword { name, .. } => keyword::hint(name),
            Self::UnknownService { .. } => {
                Some("PGSERVICEFILE names the file that defines services".into())
            }
            Self::NoUser => Some("add user=… or set PGUSER".into()),
            _ => None,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(" nor in ")
}

/// Where a setting was written, as errors say it.
pub(super) const IN_STRING: &str = "in the connection string";

/// Reads a URL or a key=value string. Of settings given twice the later one counts.
pub(super) fn parse(text: &str) -> Result<Vec<Pair>, ConninfoError> {
    match text.split_once("://") {
        Some(("postgres" | "postgresql", _)) => url::parse(text),
        Some((scheme, _)) if !scheme.contains(['=', ' ', '\'']) => Err(ConninfoError::Syntax {
            at: 1,
            what: "the URL must start with postgres:// or postgresql://",
        }),
        _ => key_value::parse(text),
    }
}

/// The keyword of this name, which stands behind `before` at byte `offset` of `text`.
///
/// An unknown word behind a password may be a part of the password: it isn't repeated in the error.
pub(super) fn keyword_at(
    name: &str,
    before: Option<&Pair>,
    text: &str,
    offset: usize,
) -> Result<&'static Keyword, ConninfoError> {
    match keyword::find(name) {
        Some(keyword) => Ok(keyword),
        None if before.is_some_and(|pair| pair.keyword.secret) => {
            Err(syntax(text, offset, "an unknown keyword follows the password: is it quoted?"))
        }
        None => Err(ConninfoError::UnknownKeyword { name: name.into(), origin: IN_STRING.into() }),
    }
}

/// A syntax error at a byte offset.
pub(super) fn syntax(text: &str, offset: usize, what: &'static str) -> ConninfoError {
    let at = text.get(..offset).map_or(1, |before| before.chars().count() + 1);
    ConninfoError::Syntax { at, what }
}

/// What was read, or the error, for tables in tests.
#[cfg(test)]
pub(super) fn shown(parsed: Result<Vec<Pair>, ConninfoError>) -> String {
    match parsed {
        Err(error) => error.to_string(),
        Ok(pairs) => {
            let show = |pair: &Pair| format!("{}={}", pair.keyword.name, pair.value);
            pairs.iter().map(show).collect::<Vec<_>>().join(" ")
        }
    }
}
