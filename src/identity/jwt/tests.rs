//! Which tokens are accepted, and which are refused for what.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};

use super::*;
use crate::identity::{Authority, Refused, Secret, Shown, Timing};

const SECRET: &str = "a secret of more than thirty-two bytes";

fn settings() -> Settings {
    Settings::with_secret(Secret::new(SECRET))
}

fn map(claims: Value) -> Map<String, Value> {
    match claims {
        Value::Object(map) => map,
        other => panic!("no claims: {other}"),
    }
}

fn token(claims: Value) -> String {
    sign(&settings(), &map(claims)).unwrap()
}

/// Seconds since 1970, so many from now.
fn from_now(secs: i64) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + secs
}

async fn verified(settings: &Settings, token: &str) -> Result<Value, Refused> {
    let verifier = Verifier::new(settings, &Timing::default()).unwrap();
    let (claims, _) = verifier.verify(token).await?;
    Ok(Value::Object(claims.as_map().clone()))
}

async fn refused(settings: &Settings, token: &str) -> &'static str {
    match verified(settings, token).await {
        Err(Refused::Bad(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_signed_token_is_its_claims() {
    let claims = json!({"sub": "42", "org": {"id": 7}, "exp": from_now(60)});
    assert_eq!(verified(&settings(), &token(claims.clone())).await, Ok(claims));
}

/// Made with another implementation: RFC 7515, appendix A.1, of which only the time has passed.
#[tokio::test]
async fn the_standards_example() {
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                 eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                 cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                 dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let settings = Settings::with_secret(Secret::new(BASE64.decode(key).unwrap()));
    assert_eq!(refused(&settings, token).await, "the token has expired");
    let other = token.replace("dBjft", "dBjfu");
    assert_eq!(refused(&settings, &other).await, "the token's signature is wrong");
}

#[tokio::test]
async fn times() {
    let lenient = Settings { leeway: Duration::from_secs(30), ..settings() };
    let strict = Settings { require_exp: true, ..settings() };
    let expired = "the token has expired";
    for (claims, plain, with_leeway) in [
        (json!({"exp": from_now(60)}), None, None),
        (json!({"exp": from_now(-1)}), Some(expired), None),
        (json!({"exp": from_now(-31)}), Some(expired), Some(expired)),
        (json!({"exp": 0}), Some(expired), Some(expired)),
        (json!({"exp": -5e300}), Some(expired), Some(expired)),
        (json!({"exp": 5e300}), None, None),
        (json!({"nbf": from_now(-1)}), None, None),
        (json!({"nbf": from_now(20)}), Some("the token is not valid yet"), None),
        (json!({"exp": null}), Some("the token's times must be numbers"), Some("")),
        (json!({"exp": "soon"}), Some("the token's times must be numbers"), Some("")),
        (json!({"nbf": "NaN"}), Some("the token's times must be numbers"), Some("")),
    ] {
        let token = token(claims.clone());
        for (settings, expected) in [(settings(), plain), (lenient.clone(), with_leeway)] {
            match expected {
                None => drop(verified(&settings, &token).await.unwrap()),
                Some("") => {}
                Some(reason) => assert_eq!(refused(&settings, &token).await, reason, "{claims}"),
            }
        }
    }
    assert!(verified(&settings(), &token(json!({}))).await.is_ok());
    assert_eq!(refused(&strict, &token(json!({}))).await, "the token has no `exp`");
}

#[tokio::test]
async fn audience_and_issuer() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let settings =
        Settings { audience: names(&["shop", "app"]), issuer: names(&["us"]), ..settings() };
    for (claims, expected) in [
        (json!({"aud": "shop", "iss": "us"}), None),
        (json!({"aud": ["x", "app"], "iss": "us"}), None),
        (json!({"aud": "shop"}), Some("the token is from another issuer")),
        (json!({"aud": "shop", "iss": ["us"]}), Some("the token is from another issuer")),
        (json!({"aud": "Shop", "iss": "us"}), Some("the token is for another audience")),
        (json!({"aud": [], "iss": "us"}), Some("the token is for another audience")),
        (json!({"aud": {"shop": 1}, "iss": "us"}), Some("the token is for another audience")),
        (json!({"iss": "us"}), Some("the token is for another audience")),
    ] {
        let token = token(claims.clone());
        match expected {
            None => drop(verified(&settings, &token).await.unwrap()),
            Some(reason) => assert_eq!(refused(&settings, &token).await, reason, "{claims}"),
        }
    }
}

#[tokio::test]
async fn a_token_chooses_no_algorithm() {
    let part = |json: Value| BASE64.encode(json.to_string());
    let claims = part(json!({"sub": "admin"}));
    for alg in ["none", "None", "HS257", "", "hs256", "RS256", "HS384"] {
        let header = part(json!({"alg": alg, "typ": "JWT"}));
        for signature in ["", "AAAA"] {
            let token = format!("{header}.{claims}.{signature}");
            assert_eq!(
                refused(&settings(), &token).await,
                "the token's algorithm is not accepted",
                "{alg}"
            );
        }
    }
    let longer = Settings { algorithms: vec![Algorithm::HS512], ..settings() };
    assert!(verified(&longer, &sign(&longer, &map(json!({}))).unwrap()).await.is_ok());
    assert_eq!(refused(&longer, &token(json!({}))).await, "the token's algorithm is not accepted");
}

#[tokio::test]
async fn what_is_no_token() {
    let good = token(json!({"sub": "42"}));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let critical = BASE64.encode(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#);
    for bad in ["", ".", "..", "a.b", "a.b.c.d", &format!("{critical}.e30.AAAA")] {
        assert_eq!(refused(&settings(), bad).await, "the token can't be read", "{bad}");
    }
    for bad in [format!("{signed}."), format!("{good}="), format!("{signed}.AAAA")] {
        assert_eq!(refused(&settings(), &bad).await, "the token's signature is wrong", "{bad}");
    }
}

#[tokio::test]
async fn an_identity_ends_when_its_token_does() {
    let database = crate::database::Database::resolve(Some("postgres://u@h/d"), &|_| None);
    let settings =
        crate::identity::Settings { jwt: Some(settings()), ..crate::identity::Settings::default() };
    let authority = Authority::new(&settings, &database.unwrap()).unwrap();
    let shown = |claims| Shown { token: Some(token(claims)), ..Shown::default() };
    let brief = authority.identify(shown(json!({"sub": "1", "exp": from_now(2)}))).await.unwrap();
    let lasting = authority.identify(shown(json!({"sub": "1"}))).await.unwrap();
    let begun = SystemTime::now();
    let ended = tokio::select! {
        ended = lasting.ended() => panic!("{ended:?}"),
        ended = brief.ended() => ended,
    };
    assert_eq!(ended, crate::identity::Ended::Expired);
    assert!(begun.elapsed().unwrap() < Duration::from_secs(3));
}
