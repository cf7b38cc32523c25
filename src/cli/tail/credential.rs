//! Who is asking: a token that was given, or one that is signed here.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value};

use crate::cli::token::{self, Lifetime};
use crate::config::Config;

/// How long a token counts that is signed here; half of it later it is renewed.
const LIFETIME: Duration = Duration::from_secs(600);
/// The largest file that is taken for a token.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// A token, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "" => Err("it is empty"),
            token => Ok(Self(token.to_owned())),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Where the token for a connection comes from.
pub enum Credential {
    None,
    Given(Token),
    /// Read anew for each connection.
    File(PathBuf),
    /// Signed anew for each connection, and again before it ends.
    Signed {
        config: Box<Config>,
        claims: Map<String, Value>,
    },
}

impl Credential {
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The token to show now.
    pub fn token(&self) -> anyhow::Result<Option<String>> {
        Ok(match self {
            Self::None => None,
            Self::Given(Token(token)) => Some(token.clone()),
            Self::File(path) => Some(read(path)?),
            Self::Signed { config, claims } => {
                let lifetime = Lifetime(Some(LIFETIME));
                Some(token::signed(config, claims.clone(), None, lifetime)?)
            }
        })
    }

    /// Waits until it is time to show another one.
    pub async fn is_due(&self) {
        match self {
            Self::Signed { .. } => tokio::time::sleep(LIFETIME / 2).await,
            _ => std::future::pending().await,
        }
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let name = || format!("--token-file {}", path.display());
    let file = std::fs::File::open(path).with_context(name)?;
    let mut text = String::new();
    file.take(MAX_TOKEN_BYTES + 1).read_to_string(&mut text).with_context(name)?;
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    ensure!(length <= MAX_TOKEN_BYTES, "{}: this is no token, it is too large", name());
    let Token(token) = text.parse().map_err(anyhow::Error::msg).with_context(name)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_printed() {
        let token: Token = " abc.def\n".parse().unwrap();
        assert_eq!(format!("{token:?}"), "Token");
        assert!(token == Token("abc.def".to_owned()));
        assert_eq!(" \n".parse::<Token>(), Err("it is empty"));
    }

    #[test]
    fn a_file_holds_a_token_or_it_is_said_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let said = || read(&path).map_err(|error| format!("{error:#}"));
        assert!(said().unwrap_err().contains("No such file"));
        std::fs::write(&path, "abc.def\n").unwrap();
        assert_eq!(said(), Ok("abc.def".to_owned()));
        std::fs::write(&path, "\n").unwrap();
        assert!(said().unwrap_err().ends_with("it is empty"));
        std::fs::write(&path, vec![b'a'; 65 * 1024]).unwrap();
        assert!(said().unwrap_err().ends_with("too large"));
    }
}
