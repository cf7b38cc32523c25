//! API keys.

use rowcast::identity::jwt::Settings as Jwt;
use rowcast::identity::{ApiKey, Authority, Claims, Secret, Settings};
use serde_json::json;

use super::fixture::*;

/// `printf %s test | sha256sum`
const TEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn by_key(jwt: Option<Jwt>) -> Authority {
    let byte = |at: usize| u8::from_str_radix(&TEST[2 * at..2 * at + 2], 16).unwrap();
    let key = |name: &str, sha256, claims: &str| ApiKey {
        name: name.to_owned(),
        sha256,
        claims: Claims::parse(claims).unwrap(),
    };
    let keys = vec![
        key("other", [0; 32], r#"{"role":"other"}"#),
        key("wallboard", std::array::from_fn(byte), r#"{"role":"wallboard"}"#),
    ];
    authority(Settings { keys, jwt, anonymous: true, ..Settings::default() })
}

#[tokio::test]
async fn a_key_is_known_by_its_hash() {
    let authority = by_key(None);
    let wallboard = json!({"role": "wallboard"});
    assert_eq!(claims(&authority, token("test")).await, Ok(wallboard));
    for bad in ["", "tes", "test ", "TEST", TEST] {
        assert_eq!(reason(&authority, token(bad)).await, "the credential is unknown", "{bad}");
    }
}

#[tokio::test]
async fn keys_and_tokens_live_side_by_side() {
    let jwt = Jwt::with_secret(Secret::new(SECRET));
    let claims_ = json!({"sub": "42"});
    let signed = rowcast::identity::sign(&jwt, claims_.as_object().unwrap()).unwrap();
    let authority = by_key(Some(jwt));
    assert_eq!(claims(&authority, token(&signed)).await, Ok(claims_));
    assert!(claims(&authority, token("test")).await.is_ok());
    assert_eq!(claims(&authority, Default::default()).await, Ok(json!({})));
}

#[tokio::test]
async fn who_is_the_same_for_limits() {
    let authority = by_key(None);
    let who = async |shown| authority.identify(shown).await.unwrap().who();
    assert_eq!(who(token("test")).await, who(token("test")).await);
    assert!(who(token("test")).await.is_some());
    assert_eq!(who(Default::default()).await, None);
}
