//! What is said about a bad `[auth]`, and what is understood of a good one.

use std::time::Duration;

use serde_json::json;

use crate::config::{Config, Draft, Environment, Faults};
use crate::identity::jwt::{Algorithm, KeySource};
use crate::identity::{Secret, Settings};

fn read(auth: &str) -> Result<Config, Faults> {
    let text = format!("{auth}\n[[table]]\nname = \"orders\"\nrows = \"true\"\n");
    Draft::read(Some(("rowcast.toml", &text)), &Environment::new()).finish()
}

fn settings(auth: &str) -> Settings {
    let config = read(auth).unwrap();
    assert!(config.warnings.is_empty(), "{}", config.warnings.render(false));
    config.settings.auth
}

/// The messages, each with its line.
fn faults(auth: &str) -> Vec<(usize, String)> {
    let faults = match read(auth) {
        Ok(config) => config.warnings,
        Err(faults) => faults,
    };
    let line = |fault: &crate::config::Fault| fault.place.as_ref().unwrap().line_and_column().0;
    faults.iter().map(|fault| (line(fault), fault.message.clone())).collect()
}

#[test]
fn all_faults_are_reported_at_once_and_no_secret_is_shown() {
    let shown = read(include_str!("tests/faults.toml")).unwrap_err().render(false);
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn everything_that_can_be_said() {
    let settings = settings(
        r#"
        [auth.jwt]
        jwks_url = "https://login.example/keys"
        algorithms = ["RS256", "ES256"]
        audience = "shop"
        issuer = ["https://login.example", "https://old.example"]
        leeway = "30s"
        require_exp = true
        [auth.session]
        cookie = "connect.sid"
        query = "select 1 as sub where $1 = 'x'"
        secret = ["new", "old"]
        [auth.request]
        url = "http://app:3000/whoami"
        cookie = "sid"
        [[auth.key]]
        name = "wallboard"
        sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        claims = { role = "wallboard", orgs = [1, 2], deep = { yes = true } }
        "#,
    );
    let jwt = settings.jwt.unwrap();
    assert_eq!(jwt.keys, KeySource::JwksUrl("https://login.example/keys".parse().unwrap()));
    assert_eq!(jwt.algorithms, [Algorithm::RS256, Algorithm::ES256]);
    assert_eq!((jwt.audience.len(), jwt.issuer.len(), jwt.require_exp), (1, 2, true));
    assert_eq!(jwt.leeway, Duration::from_secs(30));
    let session = settings.session.unwrap();
    assert_eq!(session.cookie, "connect.sid");
    assert_eq!(session.secrets, [Secret::new("new"), Secret::new("old")]);
    let request = settings.request.unwrap();
    assert_eq!(request.url, "http://app:3000/whoami");
    assert_eq!(request.cookies, Some(vec!["sid".to_owned()]));
    let [key] = settings.keys.as_slice() else { panic!("one key") };
    let claims = serde_json::Value::Object(key.claims.as_map().clone());
    assert_eq!(claims, json!({"role": "wallboard", "orgs": [1, 2], "deep": {"yes": true}}));
    assert_eq!(key.sha256[..2], [0x9f, 0x86]);
}

#[test]
fn a_secret_alone_is_enough() {
    let jwt = settings("[auth.jwt]\nsecret = \"s\"").jwt.unwrap();
    assert_eq!(jwt.keys, KeySource::Secret(Secret::new("s")));
    assert!(jwt.algorithms.is_empty() && !jwt.require_exp);
}

#[test]
fn what_is_missing_or_hardly_meant() {
    for (auth, line, message) in [
        ("[auth.jwt]", 1, "[auth.jwt] has no key to check tokens with"),
        (
            "[auth.jwt]\njwks_file = \"k\"\naudience = \"a\"",
            2,
            "with a set of keys, `algorithms` must say which are accepted",
        ),
        (
            "[auth.jwt]\njwks_file = \"k\"\nalgorithms = [\"RS256\"]",
            2,
            "without `audience`, every token of this issuer is accepted",
        ),
        (
            "[auth.jwt]\njwks_url = \"http://login.example/\"\nalgorithms = [\"RS256\"]\naudience = \"a\"",
            2,
            "keys that come over plain http can be anybody's",
        ),
        ("[auth.request]", 1, "[auth.request] has no `url`"),
        ("[auth]\nkey = 5", 2, "expected a list of keys"),
    ] {
        assert_eq!(faults(auth), [(line, message.to_owned())], "{auth}");
    }
    for loopback in ["http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/"] {
        let auth = format!(
            "[auth.jwt]\njwks_url = \"{loopback}\"\nalgorithms = [\"RS256\"]\naudience = \"a\""
        );
        assert_eq!(faults(&auth), [], "{loopback}");
    }
}

#[test]
fn it_fits_into_variables() {
    let environment = Environment::from(
        [
            ("ROWCAST_AUTH__JWT__SECRET", "s3cret"),
            ("ROWCAST_AUTH__JWT__ALGORITHMS", "HS256, HS512"),
            ("ROWCAST_AUTH__JWT__AUDIENCE", "shop"),
            ("ROWCAST_AUTH__KEY__0__NAME", "a"),
            (
                "ROWCAST_AUTH__KEY__0__SHA256",
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            ),
            ("ROWCAST_AUTH__KEY__0__CLAIMS", r#"{"role": "wallboard", "n": 7}"#),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let settings = Draft::read(None, &environment).finish().unwrap().settings.auth;
    let jwt = settings.jwt.unwrap();
    assert_eq!(jwt.keys, KeySource::Secret(Secret::new("s3cret")));
    assert_eq!(jwt.algorithms, [Algorithm::HS256, Algorithm::HS512]);
    assert_eq!(settings.keys[0].claims.as_map()["n"], json!(7));
}
