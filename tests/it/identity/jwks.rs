//! Sets of keys, which change while the daemon runs.

use std::time::{Duration, Instant};

use http::StatusCode;
use jsonwebtoken::Algorithm::{ES256, HS256, RS256};
use rowcast::identity::Authority;
use rowcast::identity::jwt::KeySource;
use serde_json::json;

use super::fixture::*;
use crate::support::eventually;

fn by_url(web: &Web) -> Authority {
    by_jwt(jwt(KeySource::JwksUrl(web.url.parse().unwrap()), &[ES256, RS256]))
}

#[tokio::test]
async fn keys_rotate() {
    let (old, new) = (Pair::p256(), Pair::p256());
    let web = Web::start(ok(set(&[old.jwk("old", ES256)]))).await;
    let authority = by_url(&web);
    let sub = |sub: &str| json!({"sub": sub});
    let by_old = old.token(ES256, Some("old"), &sub("1"));
    let by_new = new.token(ES256, Some("new"), &sub("2"));
    assert_eq!(claims(&authority, token(&by_old)).await, Ok(sub("1")));
    assert_eq!(web.asked(), 1, "known keys are not fetched again");
    assert_eq!(reason(&authority, token(&by_new)).await, "the token's key is unknown");

    web.answer(ok(set(&[new.jwk("new", ES256)])));
    assert_eq!(claims(&authority, token(&by_new)).await, Ok(sub("2")));
    assert_eq!(reason(&authority, token(&by_old)).await, "the token's key is unknown");
}

#[tokio::test]
async fn an_emptied_set_takes_the_last_keys_away_and_a_broken_one_does_not() {
    let pair = Pair::p256();
    let web = Web::start(ok(set(&[pair.jwk("a", ES256)]))).await;
    let authority = by_url(&web);
    let good = pair.token(ES256, Some("a"), &json!({"sub": "1"}));
    let unknown = pair.token(ES256, Some("b"), &json!({}));
    assert!(claims(&authority, token(&good)).await.is_ok());
    web.answer(ok("{\"keys\":".to_owned()));
    assert_eq!(reason(&authority, token(&unknown)).await, "unavailable");
    assert_eq!(claims(&authority, token(&good)).await, Ok(json!({"sub": "1"})));
    web.answer(ok(set(&[])));
    for shown in [&unknown, &good] {
        assert_eq!(reason(&authority, token(shown)).await, "the token's key is unknown");
    }
}

#[tokio::test]
async fn unknown_keys_cost_few_fetches() {
    let pair = Pair::p256();
    let web = Web::start(ok(set(&[pair.jwk("a", ES256)]))).await;
    let authority = by_url(&web);
    let unknown = pair.token(ES256, Some("b"), &json!({}));
    let begun = Instant::now();
    while begun.elapsed() < quick().refetch * 3 {
        let together = (0..20).map(|_| reason(&authority, token(&unknown)));
        for said in futures_util::future::join_all(together).await {
            assert_eq!(said, "the token's key is unknown");
        }
    }
    let most = begun.elapsed().div_duration_f64(quick().refetch) + 3.0;
    assert!((web.asked() as f64) < most, "{} fetches", web.asked());
}

#[tokio::test]
async fn an_algorithm_that_is_not_accepted_fetches_nothing() {
    let pair = Pair::p256();
    let web = Web::start(ok(set(&[pair.jwk("a", ES256)]))).await;
    let authority = by_url(&web);
    let key = jsonwebtoken::EncodingKey::from_secret(pair.public_pem.as_bytes());
    for kid in ["a", "b"] {
        let header =
            jsonwebtoken::Header { kid: Some(kid.to_owned()), ..jsonwebtoken::Header::new(HS256) };
        let forged = jsonwebtoken::encode(&header, &json!({"sub": "1"}), &key).unwrap();
        let said = reason(&authority, token(&forged)).await;
        assert_eq!(said, "the token's algorithm is not accepted");
    }
    assert_eq!(web.asked(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_and_later_not_missed() {
    let pair = Pair::p256();
    let web = Web::start(|_| (StatusCode::BAD_GATEWAY, String::new())).await;
    let authority = by_url(&web);
    let good = pair.token(ES256, Some("a"), &json!({"sub": "1"}));
    assert_eq!(reason(&authority, token(&good)).await, "unavailable");

    web.answer(ok(set(&[pair.jwk("a", ES256)])));
    let accepted = async || claims(&authority, token(&good)).await.ok();
    eventually("the keys are fetched", accepted).await;

    for broken in ["", "{}", &"x".repeat(1 << 20)] {
        web.answer(ok(broken.to_owned()));
        let unknown = pair.token(ES256, Some("b"), &json!({}));
        assert_eq!(reason(&authority, token(&unknown)).await, "unavailable", "{broken:.20}");
        assert!(claims(&authority, token(&good)).await.is_ok(), "the last good keys are kept");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let web = Web::start(|_| (StatusCode::FOUND, String::new())).await;
    let authority = by_url(&web);
    let token_ = Pair::p256().token(ES256, Some("a"), &json!({}));
    assert_eq!(reason(&authority, token(&token_)).await, "unavailable");
    assert!(web.asked() <= 2);
}

#[tokio::test]
async fn only_keys_that_are_for_it_count() {
    let pair = Pair::p256();
    let mut encrypting = pair.jwk("enc", ES256);
    encrypting["use"] = json!("enc");
    let mut of_another = pair.jwk("other", ES256);
    of_another["alg"] = json!("ES384");
    let shared = json!({"kty": "oct", "kid": "oct", "k": "c2VjcmV0"});
    let unheard = json!({"kty": "AKP", "kid": "akp", "alg": "ML-DSA-44", "pub": "AA"});
    let keys = [encrypting, of_another, shared, unheard, json!(5), pair.jwk("good", ES256)];
    let web = Web::start(ok(set(&keys))).await;
    let authority = by_jwt(jwt(KeySource::JwksUrl(web.url.parse().unwrap()), &[ES256, HS256]));
    let by = |kid| token(&pair.token(ES256, kid, &json!({})));
    assert!(claims(&authority, by(Some("good"))).await.is_ok());
    assert!(claims(&authority, by(None)).await.is_ok(), "the only key needs no name");
    for kid in ["enc", "other"] {
        assert_eq!(reason(&authority, by(Some(kid))).await, "the token's key is unknown");
    }
    let key = jsonwebtoken::EncodingKey::from_secret(b"secret");
    let header =
        jsonwebtoken::Header { kid: Some("oct".to_owned()), ..jsonwebtoken::Header::new(HS256) };
    let by_secret = jsonwebtoken::encode(&header, &json!({}), &key).unwrap();
    assert_eq!(reason(&authority, token(&by_secret)).await, "the token's key is unknown");
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    let (old, new) = (Pair::p256(), Pair::p256());
    std::fs::write(&path, set(&[old.jwk("a", ES256)])).unwrap();
    let authority = by_jwt(jwt(KeySource::JwksFile(path.clone()), &[ES256]));
    let by = |pair: &Pair, kid| token(&pair.token(ES256, Some(kid), &json!({})));
    assert!(claims(&authority, by(&old, "a")).await.is_ok());
    std::fs::write(&path, set(&[old.jwk("a", ES256), new.jwk("b", ES256)])).unwrap();
    assert!(claims(&authority, by(&new, "b")).await.is_ok());
    std::fs::write(&path, set(&[new.jwk("b", ES256)])).unwrap();
    let refused = async || claims(&authority, by(&old, "a")).await.err();
    eventually("the old key is forgotten", refused).await;
    std::fs::remove_file(&path).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(claims(&authority, by(&new, "b")).await.is_ok(), "the last good keys are kept");
}
