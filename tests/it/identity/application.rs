//! Asking the application who is asking.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use rowcast::identity::{Authority, Ended, Settings, request};
use serde_json::json;

use super::fixture::*;
use crate::support::{DEADLINE, eventually};

fn asking(web: &Web, anonymous: bool, cookie: Option<&str>) -> Authority {
    let cookies = cookie.map(|name| vec![name.to_owned()]);
    let request = request::Settings { url: web.url.parse().unwrap(), cookies };
    authority(Settings { anonymous, request: Some(request), ..Settings::default() })
}

/// Knows `sid=good`, `Basic good` and `Bearer good`.
fn application(headers: &HeaderMap) -> (StatusCode, String) {
    let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    match (text("cookie"), text("authorization")) {
        (cookie, _) if cookie.contains("sid=good") => (StatusCode::OK, r#"{"by":"cookie"}"#.into()),
        (_, "Basic good") => (StatusCode::OK, r#"{"by":"basic"}"#.into()),
        (_, "Bearer good") => (StatusCode::OK, r#"{"by":"bearer"}"#.into()),
        (_, "Basic blocked") => (StatusCode::FORBIDDEN, String::new()),
        _ => (StatusCode::UNAUTHORIZED, String::new()),
    }
}

#[tokio::test]
async fn the_application_is_shown_the_credentials_and_nothing_else() {
    let web = Web::start(application).await;
    let authority = asking(&web, false, None);
    assert_eq!(claims(&authority, cookies("a=b; sid=good")).await, Ok(json!({"by": "cookie"})));
    let mut names: Vec<String> = web.last().keys().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["accept", "cookie", "host"]);
    assert_eq!(web.last()["cookie"], "a=b; sid=good");
    assert_eq!(claims(&authority, basic("good")).await, Ok(json!({"by": "basic"})));
    assert_eq!(claims(&authority, token("good")).await, Ok(json!({"by": "bearer"})));
}

#[tokio::test]
async fn a_bad_credential_is_never_anonymous() {
    let web = Web::start(application).await;
    let authority = asking(&web, true, Some("sid"));
    assert_eq!(reason(&authority, token("bad")).await, "the credential is unknown");
    assert_eq!(reason(&authority, basic("bad")).await, "the credential is unknown");
    assert_eq!(reason(&authority, basic("blocked")).await, "the application forbids this");
    let expired = "the session is unknown or has ended";
    assert_eq!(reason(&authority, cookies("sid=bad")).await, expired);
}

#[tokio::test]
async fn cookies_that_nobody_knows_are_no_credential() {
    let web = Web::start(application).await;
    let named = asking(&web, true, Some("sid"));
    assert_eq!(claims(&named, cookies("theme=dark")).await, Ok(json!({})));
    assert_eq!(web.asked(), 0, "no session's cookie is there");
    assert_eq!(claims(&asking(&web, true, None), cookies("theme=dark")).await, Ok(json!({})));
    assert_eq!(web.asked(), 1);
    assert_eq!(reason(&asking(&web, false, None), cookies("theme=dark")).await, "missing");
}

#[tokio::test]
async fn an_answer_that_is_none_is_no_refusal() {
    let web = Web::start(application).await;
    let authority = asking(&web, true, None);
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        (StatusCode::FOUND, "{}".to_owned()),
        (StatusCode::OK, "[]".to_owned()),
        (StatusCode::OK, "hello".to_owned()),
        (StatusCode::OK, format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))),
    ] {
        let asked = web.asked();
        web.answer(move |_| (status, body.clone()));
        assert_eq!(reason(&authority, cookies("sid=good")).await, "unavailable", "{status}");
        assert_eq!(web.asked(), asked + 1, "no redirect is followed");
    }
}

#[tokio::test]
async fn who_logs_out_is_gone() {
    let web = Web::start(application).await;
    let authority = asking(&web, false, None);
    let identity = authority.identify(cookies("sid=good")).await.unwrap();
    let asked = web.asked();
    eventually("it is asked again", async || (web.asked() > asked).then_some(())).await;
    assert_eq!(ends_within(&identity, Duration::from_millis(50)).await, None);
    web.answer(|_| (StatusCode::UNAUTHORIZED, String::new()));
    assert_eq!(ends_within(&identity, DEADLINE).await, Some(Ended::Gone));
}

#[tokio::test]
async fn other_claims_are_another_identity() {
    let web = Web::start(application).await;
    let authority = asking(&web, false, None);
    let identity = authority.identify(cookies("sid=good")).await.unwrap();
    web.answer(ok(r#"{"by":"cookie","role":"admin"}"#.to_owned()));
    assert_eq!(ends_within(&identity, DEADLINE).await, Some(Ended::Gone));
}

#[tokio::test]
async fn many_connections_of_one_session_cost_few_questions() {
    let web = Web::start(application).await;
    let authority = asking(&web, false, None);
    let all = (0..2000).map(|_| authority.identify(cookies("sid=good")));
    let identities = futures_util::future::join_all(all).await;
    assert!(identities.iter().all(Result::is_ok));
    let at_first = web.asked();
    assert!(at_first <= 5, "{at_first} questions");
    eventually("it is asked again", async || (web.asked() > at_first).then_some(())).await;
    tokio::time::sleep(quick().recheck * 3).await;
    assert!(web.asked() <= at_first + 6, "{} questions more", web.asked() - at_first);
    drop(identities);
    tokio::time::sleep(quick().recheck).await;
    let asked = web.asked();
    tokio::time::sleep(quick().recheck * 3).await;
    assert_eq!(web.asked(), asked, "nobody needs an answer any more");
}
