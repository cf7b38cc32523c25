//! Signed tokens: every algorithm, and each way to cheat.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rowcast::identity::jwt::{KeySource, Settings};
use rowcast::identity::{Authority, Secret, Shown};
use serde_json::json;

use super::fixture::*;

struct PublicKey {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn public_key(pem: &str) -> PublicKey {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("public.pem");
    std::fs::write(&path, pem).unwrap();
    PublicKey { _directory: directory, path }
}

fn by_public_key(key: &PublicKey, algorithms: &[Algorithm]) -> Authority {
    by_jwt(jwt(KeySource::PublicKeyFile(key.path.clone()), algorithms))
}

#[tokio::test]
async fn every_algorithm_works_with_its_key_and_with_no_other() {
    use Algorithm::*;
    let pairs = [
        (Pair::rsa(), vec![RS256, RS384, RS512, PS256, PS384, PS512]),
        (Pair::p256(), vec![ES256]),
        (Pair::p384(), vec![ES384]),
        (Pair::ed25519(), vec![EdDSA]),
    ];
    let claims_ = json!({"sub": "42"});
    for (pair, algorithms) in &pairs {
        let key = public_key(&pair.public_pem);
        for algorithm in algorithms {
            let authority = by_public_key(&key, &[*algorithm]);
            let good = pair.token(*algorithm, None, &claims_);
            assert_eq!(claims(&authority, token(&good)).await, Ok(claims_.clone()));
            let (signed, signature) = good.rsplit_once('.').unwrap();
            let mut bytes = BASE64.decode(signature).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            let broken = format!("{signed}.{}", BASE64.encode(bytes));
            assert_eq!(reason(&authority, token(&broken)).await, "the token's signature is wrong");
        }
        let authority = by_public_key(&key, algorithms);
        for (other, foreign) in pairs.iter().filter(|it| it.0.public_pem != pair.public_pem) {
            for algorithm in foreign {
                let foreign = other.token(*algorithm, None, &claims_);
                let said = reason(&authority, token(&foreign)).await;
                assert_eq!(said, "the token's algorithm is not accepted", "{algorithm:?}");
            }
        }
    }
}

#[tokio::test]
async fn another_pair_of_the_same_kind_signs_nothing() {
    let (ours, theirs) = (Pair::p256(), Pair::p256());
    let authority = by_public_key(&public_key(&ours.public_pem), &[]);
    let foreign = theirs.token(Algorithm::ES256, None, &json!({"sub": "42"}));
    assert_eq!(reason(&authority, token(&foreign)).await, "the token's signature is wrong");
}

/// The public key is no secret: taken for one, everybody could sign.
#[tokio::test]
async fn a_public_key_is_no_secret() {
    let pair = Pair::rsa();
    let key = public_key(&pair.public_pem);
    for secret in [pair.public_pem.as_bytes(), pair.public_pem.trim_end().as_bytes()] {
        let header = Header::new(Algorithm::HS256);
        let forged = jsonwebtoken::encode(
            &header,
            &json!({"sub": "admin"}),
            &EncodingKey::from_secret(secret),
        )
        .unwrap();
        let authority = by_public_key(&key, &[Algorithm::RS256]);
        let said = reason(&authority, token(&forged)).await;
        assert_eq!(said, "the token's algorithm is not accepted");
    }
    let with_hmac = jwt(KeySource::PublicKeyFile(key.path.clone()), &[Algorithm::HS256]);
    assert!(with_hmac.check().unwrap_err().to_string().contains("HS256 doesn't fit this key"));
    let as_secret = jwt(KeySource::SecretFile(key.path.clone()), &[]);
    assert!(as_secret.check().unwrap_err().to_string().contains("public key in PEM"));
}

#[tokio::test]
async fn an_algorithm_that_is_not_listed_is_refused_though_the_key_fits() {
    let pair = Pair::rsa();
    let authority = by_public_key(&public_key(&pair.public_pem), &[Algorithm::RS256]);
    for algorithm in [Algorithm::RS512, Algorithm::PS256] {
        let said = reason(&authority, token(&pair.token(algorithm, None, &json!({})))).await;
        assert_eq!(said, "the token's algorithm is not accepted");
    }
}

#[test]
fn keys_that_can_not_be_used_are_told() {
    let message = |pem: &str, algorithms: &[Algorithm]| {
        let key = public_key(pem);
        let settings = jwt(KeySource::PublicKeyFile(key.path.clone()), algorithms);
        settings.check().map(|warning| warning.map(str::to_owned)).map_err(|it| it.to_string())
    };
    let said = |pem: &str, algorithms: &[Algorithm]| message(pem, algorithms).unwrap_err();
    let rsa = Pair::rsa().public_pem;
    assert!(said(&rsa, &[]).contains("`algorithms` must say which are accepted"));
    assert!(said(&Pair::p256().public_pem, &[Algorithm::ES384]).contains("ES384 doesn't fit"));
    assert!(said("nonsense", &[]).contains("no public key in PEM"));
    let private = rcgen::KeyPair::generate().unwrap().serialize_pem();
    assert!(said(&private, &[]).contains("this is a private key"));
    assert_eq!(message(&Pair::ed25519().public_pem, &[]), Ok(None));
    let short = Settings::with_secret(Secret::new("short"));
    assert!(short.check().unwrap().unwrap().contains("shorter than 32 bytes"));
    let absent = jwt(KeySource::SecretFile("/nowhere/secret".into()), &[]);
    assert!(absent.check().unwrap_err().to_string().contains("can't be read"));
}

#[tokio::test]
async fn a_secret_in_a_file_may_end_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    for ending in ["", "\n", "\r\n"] {
        std::fs::write(&path, format!("{SECRET}{ending}")).unwrap();
        let authority = by_jwt(jwt(KeySource::SecretFile(path.clone()), &[]));
        let header = Header::new(Algorithm::HS256);
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signed = jsonwebtoken::encode(&header, &json!({"sub": "42"}), &key).unwrap();
        assert!(claims(&authority, token(&signed)).await.is_ok());
    }
}

#[tokio::test]
async fn nothing_shows_a_credential() {
    let settings = rowcast::identity::Settings {
        jwt: Some(Settings::with_secret(Secret::new("hunter2"))),
        ..rowcast::identity::Settings::default()
    };
    let hunter = || Some("hunter2".to_owned());
    let shown = Shown { token: hunter(), cookies: hunter(), authorization: hunter() };
    let text = format!("{settings:?} {:?} {shown:?}", authority(settings.clone()));
    assert!(!text.contains("hunter2"), "{text}");
}
