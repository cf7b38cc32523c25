//! `rowcast token`: a token to try things out with.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::{Global, Usage, print};
use crate::config::{self, Config, Fault, Faults};
use crate::identity::{self, SignError};

/// Make a token for development
///
/// Signs a JSON Web Token with the secret of [auth.jwt] and prints it. Its audience and issuer are
/// the configured ones.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A claim; may be given many times
    ///
    /// What JSON understands as a number, true, false, null, a list or an object is that; anything
    /// else is text. In quotes it is text, too: sub='"42"'. Dots lead into objects: org.id=7.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub claims: Vec<String>,

    /// How long it counts: 90s, 1h, 7d, or never
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = lifetime)]
    pub expires: Lifetime,

    /// Whom it is for, instead of the configured audience
    #[arg(long, value_name = "NAME")]
    pub audience: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  rowcast token --claim sub=42
  rowcast token --claim sub=42 --claim org.id=7 --claim roles='[\"admin\"]' --expires 7d
  curl -H \"Authorization: Bearer $(rowcast token --claim sub=42)\" http://127.0.0.1:7700/v1/tables";

/// How long a token counts; none: for ever.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime(pub(super) Option<Duration>);

fn lifetime(text: &str) -> Result<Lifetime, String> {
    if text == "never" {
        return Ok(Lifetime(None));
    }
    let duration = humantime::parse_duration(text);
    duration.map(|it| Lifetime(Some(it))).map_err(|_| "write 90s, 30m, 1h, 7d or never".to_owned())
}

#[expect(clippy::unused_async, reason = "all commands are run alike")]
pub async fn run(arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    let given = claims(&arguments.claims)?;
    let config = config::load(global.config.as_deref(), &config::environment())?;
    print(&format!("{}\n", signed(&config, given, arguments.audience, arguments.expires)?))
}

/// A token with these claims, signed with the configured secret.
pub(super) fn signed(
    config: &Config,
    given: Map<String, Value>,
    audience: Option<String>,
    expires: Lifetime,
) -> anyhow::Result<String> {
    let settings = config.settings.auth.jwt.as_ref().ok_or_else(no_jwt)?;
    let audience = audience.or_else(|| settings.audience.first().cloned());
    let mut claims = standard(audience, settings.issuer.first().cloned(), expires);
    claims.extend(given);
    identity::sign(settings, &claims).map_err(|error| not_signed(error, config))
}

fn no_jwt() -> Faults {
    let fault = Fault::error("there is no [auth.jwt] to sign tokens for");
    fault.help("[auth.jwt]\nsecret_file = \"jwt.secret\"").into()
}

/// A key that doesn't sign is a fault of the configuration.
fn not_signed(error: SignError, config: &Config) -> anyhow::Error {
    match error {
        SignError::Signing(_) => error.into(),
        SignError::NoSecret | SignError::Key(_) => {
            Faults::from(config.at_token_key(Fault::error(error.to_string()))).into()
        }
    }
}

fn standard(
    audience: Option<String>,
    issuer: Option<String>,
    Lifetime(lifetime): Lifetime,
) -> Map<String, Value> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let expires = lifetime.map(|lifetime| now.saturating_add(lifetime).as_secs().into());
    [
        ("iat", Some(now.as_secs().into())),
        ("exp", expires),
        ("aud", audience.map(Value::String)),
        ("iss", issuer.map(Value::String)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// The claims as they were given.
pub(super) fn claims(given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut claims = Map::new();
    for text in given {
        let usage = || Usage(format!("`{text}` is no claim: write NAME=VALUE, as in sub=42"));
        let (path, value) = text.split_once('=').with_context(usage)?;
        set(&mut claims, path, value).with_context(usage)?;
    }
    Ok(claims)
}

/// `None` if the path is broken, or leads through what is no object.
fn set(claims: &mut Map<String, Value>, path: &str, value: &str) -> Option<()> {
    let mut names = path.split('.').peekable();
    let mut at = claims;
    while let Some(name) = names.next().filter(|name| !name.is_empty()) {
        if names.peek().is_none() {
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            return at.insert(name.to_owned(), value).is_none().then_some(());
        }
        let next = at.entry(name).or_insert_with(|| Value::Object(Map::new()));
        at = next.as_object_mut()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(given: &[&str]) -> Option<Value> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        claims(&given).ok().map(Value::Object)
    }

    #[test]
    fn claims_are_what_json_says_or_text() {
        for (given, expected) in [
            (&["sub=42", "name=Ann"][..], json!({"sub": 42, "name": "Ann"})),
            (&["sub=\"42\"", "empty="], json!({"sub": "42", "empty": ""})),
            (&["org.id=7", "org.name=a=b"], json!({"org": {"id": 7, "name": "a=b"}})),
            (&["roles=[\"a\"]", "x={\"y\":1}"], json!({"roles": ["a"], "x": {"y": 1}})),
            (&["admin=true", "none=null", "f=1.5"], json!({"admin": true, "none": null, "f": 1.5})),
            (&["phone=0123", "list=[a]"], json!({"phone": "0123", "list": "[a]"})),
        ] {
            assert_eq!(read(given), Some(expected), "{given:?}");
        }
    }

    #[test]
    fn what_is_no_claim() {
        for given in [
            &["sub"][..],
            &["=42"],
            &["a..b=1"],
            &[".a=1"],
            &["a.=1"],
            &["a=1", "a=2"],
            &["a=1", "a.b=2"],
        ] {
            assert_eq!(read(given), None, "{given:?}");
        }
    }
}
