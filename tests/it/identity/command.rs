//! `rowcast token`, and what `rowcast check` says of `[auth]`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::fixture::*;
use crate::support;
use crate::support::program::{Ended, Place};

const TABLE: &str = "[[table]]\nname = \"orders\"\nrows = \"true\"\n";

fn place(auth: &str) -> Place {
    Place::with(&format!("[database]\nurl = \"postgres://nobody@127.0.0.1:1/x\"\n{auth}\n{TABLE}"))
}

fn read(token: &str) -> Value {
    let payload = token.trim().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_has_the_claims_and_is_accepted() {
    let auth =
        format!("[auth.jwt]\nsecret = \"{SECRET}\"\naudience = [\"shop\", \"x\"]\nissuer = \"us\"");
    let arguments = [
        "token",
        "--claim",
        "sub=42",
        "--claim",
        "org.id=7",
        "--claim",
        "roles=[\"a\"]",
        "--claim",
        "name=\"7\"",
    ];
    let made = place(&auth).run(&arguments).await.well();
    let claims_ = read(&made);
    for (name, expected) in [
        ("sub", json!(42)),
        ("org", json!({"id": 7})),
        ("roles", json!(["a"])),
        ("name", json!("7")),
    ] {
        assert_eq!(claims_[name], expected);
    }
    assert_eq!((&claims_["aud"], &claims_["iss"]), (&json!("shop"), &json!("us")));
    let lifetime = claims_["exp"].as_i64().unwrap() - from_now(0);
    assert!((3500..=3600).contains(&lifetime), "{lifetime}");
    let secret = rowcast::identity::Secret::new(SECRET);
    let settings = rowcast::identity::jwt::Settings {
        audience: vec!["shop".to_owned()],
        issuer: vec!["us".to_owned()],
        ..rowcast::identity::jwt::Settings::with_secret(secret)
    };
    assert_eq!(claims(&by_jwt(settings), token(made.trim())).await, Ok(claims_));
}

#[tokio::test]
async fn how_long_and_for_whom_can_be_said() {
    let place = place(&format!("[auth.jwt]\nsecret = \"{SECRET}\"\nalgorithms = [\"HS512\"]"));
    let made = place.run(&["token", "--expires", "never", "--audience", "tv"]).await.well();
    assert!(made.starts_with(&BASE64.encode(r#"{"typ":"JWT","alg":"HS512"}"#)[..20]));
    let claims_ = read(&made);
    assert_eq!((claims_.get("exp"), &claims_["aud"]), (None, &json!("tv")));
    let made = place.run(&["token", "--expires", "5s"]).await.well();
    assert!(read(&made)["exp"].as_i64().unwrap() <= from_now(5));
}

#[tokio::test]
async fn what_goes_wrong_ends_with_its_code() {
    let directory = tempfile::tempdir().unwrap();
    let pem = directory.path().join("key.pem");
    std::fs::write(&pem, Pair::p256().public_pem).unwrap();
    let good = format!("[auth.jwt]\nsecret = \"{SECRET}\"");
    let public = format!("[auth.jwt]\npublic_key_file = {pem:?}");
    for (auth, arguments, code, words) in [
        (good.as_str(), &["--claim", "sub"][..], 2, "`sub` is no claim"),
        (&good, &["--claim", "a=1", "--claim", "a.b=2"], 2, "`a.b=2` is no claim"),
        (&good, &["--expires", "soon"], 2, "write 90s, 30m, 1h, 7d or never"),
        ("[auth]\nanonymous = true", &[], 64, "there is no [auth.jwt]"),
        (&public, &[], 64, "rowcast.toml:4:19"),
        ("[auth.jwt]\nsecret_file = \"/nowhere/s\"", &[], 64, "the file can't be read"),
        ("[auth.jwt]\nsecret = 5", &[], 64, "expected a string"),
    ] {
        let arguments: Vec<&str> = ["token"].iter().chain(arguments).copied().collect();
        let Ended { code: ended, stdout, stderr } = place(auth).run(&arguments).await;
        assert_eq!((ended, stdout.as_str()), (Some(code), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
}

#[tokio::test]
async fn faults_of_files_and_queries_come_with_their_places() {
    let url = support::fresh_database().await;
    support::connect(&url)
        .await
        .batch_execute("create table orders (id int primary key); create table sessions (id uuid)")
        .await
        .unwrap();
    let place = Place::with(&format!(
        "[database]\nurl = {url:?}\n[auth.jwt]\npublic_key_file = \"nowhere.pem\"\n\
         [auth.session]\ncookie = \"sid\"\nquery = \"\"\"\nselect id\n  from sesions where id = $1\"\"\"\n\
         secret_file = \"nowhere.secret\"\n{TABLE}"
    ));
    for command in ["check", "serve"] {
        let ended = place.run(&[command]).await;
        assert_eq!(ended.code, Some(64), "{ended:?}");
        for expected in [
            "the file can't be read",
            "rowcast.toml:4:19",
            "rowcast.toml:10:15",
            "relation \"sesions\" does not exist",
            "rowcast.toml:9:8",
            "rowcast: 3 faults in the configuration",
        ] {
            assert!(ended.stderr.contains(expected), "{command}, {expected}:\n{}", ended.stderr);
        }
    }
    let place = Place::with(&format!(
        "[database]\nurl = {url:?}\n[auth.jwt]\nsecret = \"hunter2\"\n{TABLE}"
    ));
    let ended = place.run(&["check"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("the secret is shorter than 32 bytes"), "{}", ended.stderr);
    assert!(ended.stderr.contains("rowcast.toml:4:10") && !ended.stderr.contains("hunter2"));
}
