//! Session cookies, looked up in a real database.

use std::time::Duration;

use rowcast::database::Database;
use rowcast::identity::{Authority, Ended, Secret, Settings, session};
use serde_json::json;
use tokio_postgres::Client;

use super::fixture::*;
use crate::support::{self, DEADLINE, eventually};

const QUERY: &str = "select user_id as sub, role, total from sessions where id = $1 -- the cookie";
const ANN: &str = "sid=8a4cc1d9-7a8b-4a5c-9d0e-000000000001";
const UNKNOWN: &str = "the session is unknown or has ended";

struct Shop {
    client: Client,
    database: Database,
}

async fn shop() -> Shop {
    let url = support::fresh_database().await;
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create table sessions (id uuid, user_id bigint, role text, total numeric);
             insert into sessions values
               ('8a4cc1d9-7a8b-4a5c-9d0e-000000000001', 9223372036854775807, 'admin', 12345678901234567890.10),
               ('8a4cc1d9-7a8b-4a5c-9d0e-000000000002', 2, null, 1),
               ('8a4cc1d9-7a8b-4a5c-9d0e-000000000003', 3, null, 1),
               ('8a4cc1d9-7a8b-4a5c-9d0e-000000000003', 4, null, 1)",
        )
        .await
        .unwrap();
    Shop { client, database: Database::resolve(Some(&url), &|_| None).unwrap() }
}

fn settings(query: &str) -> session::Settings {
    session::Settings {
        cookie: "sid".to_owned(),
        query: query.to_owned(),
        secrets: Vec::new(),
        secret_file: None,
    }
}

impl Shop {
    fn authority(&self, session: session::Settings) -> Authority {
        let settings = Settings {
            anonymous: true,
            session: Some(session),
            timing: quick(),
            ..Settings::default()
        };
        Authority::new(&settings, &self.database).unwrap()
    }
}

#[tokio::test]
async fn a_session_is_its_row() {
    let shop = shop().await;
    let authority = shop.authority(settings(QUERY));
    let ann = json!({"sub": i64::MAX, "role": "admin", "total": "12345678901234567890.10"});
    assert_eq!(claims(&authority, cookies(ANN)).await, Ok(ann));
    let encoded = format!("a=b; {}", ANN.replace('-', "%2D"));
    assert!(claims(&authority, cookies(&encoded)).await.is_ok());
    assert_eq!(claims(&authority, cookies("theme=dark")).await, Ok(json!({})));
}

#[tokio::test]
async fn what_is_no_session_is_refused() {
    let shop = shop().await;
    let authority = shop.authority(settings(QUERY));
    for bad in [
        "sid=8a4cc1d9-7a8b-4a5c-9d0e-000000000009",
        "sid=8a4cc1d9-7a8b-4a5c-9d0e-000000000003",
        "sid=",
        "sid=42",
        "sid=' or true --",
        "sid=%F0%9F%8D%AA",
    ] {
        assert_eq!(reason(&authority, cookies(bad)).await, UNKNOWN, "{bad}");
    }
    assert!(claims(&authority, cookies(ANN)).await.is_ok(), "the pool has survived");
}

#[tokio::test]
async fn a_query_can_not_write_and_not_last() {
    let shop = shop().await;
    shop.client
        .batch_execute(
            "create function writes(text) returns text language sql as
               'insert into sessions select null, 1 returning $1'",
        )
        .await
        .unwrap();
    for query in ["select writes($1) as sub", "select pg_sleep(60), $1::text as sub"] {
        let authority = shop.authority(settings(query));
        assert_eq!(reason(&authority, cookies("sid=a")).await, "unavailable", "{query}");
    }
    let rows = shop.client.query_one("select count(*) from sessions", &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 4);
}

#[tokio::test]
async fn express_signed_cookies() {
    let shop = shop().await;
    shop.client
        .batch_execute(
            "create table web (sid text, sess json);
                        insert into web values ('hello', '{\"user\": 7}')",
        )
        .await
        .unwrap();
    let query = "select sess->'user' as sub from web where sid = $1";
    let secrets = ["rotated", "tobiiscool"].map(Secret::new).to_vec();
    let session = session::Settings { secrets, ..settings(query) };
    let authority = shop.authority(session);
    // cookie-signature's own example: sign("hello", "tobiiscool").
    let signed = "sid=s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI";
    assert_eq!(claims(&authority, cookies(signed)).await, Ok(json!({"sub": 7})));
    for bad in [
        "sid=hello",
        "sid=s%3Ahello",
        &signed.replace("5QI", "5QA"),
        &signed.replace("hello", "hallo"),
    ] {
        let said = reason(&authority, cookies(bad)).await;
        assert_eq!(said, "the session's cookie is not signed as it should be", "{bad}");
    }
}

#[tokio::test]
async fn a_deleted_session_ends_its_connections() {
    let shop = shop().await;
    let authority = shop.authority(settings(QUERY));
    let ann = authority.identify(cookies(ANN)).await.unwrap();
    let other = cookies("sid=8a4cc1d9-7a8b-4a5c-9d0e-000000000002");
    let other = authority.identify(other).await.unwrap();
    shop.client.execute("delete from sessions where role = 'admin'", &[]).await.unwrap();
    assert_eq!(ends_within(&ann, Duration::from_secs(2)).await, Some(Ended::Gone));
    assert_eq!(reason(&authority, cookies(ANN)).await, UNKNOWN);
    assert_eq!(ends_within(&other, Duration::from_millis(500)).await, None);
    shop.client.execute("update sessions set role = 'boss'", &[]).await.unwrap();
    assert_eq!(ends_within(&other, Duration::from_secs(2)).await, Some(Ended::Gone));
}

#[tokio::test]
async fn a_database_that_goes_away_ends_nothing_at_once() {
    let cluster = tokio::task::spawn_blocking(|| support::private_cluster(&[])).await.unwrap();
    let url = cluster.url("postgres");
    let client = support::connect(&url).await;
    client.batch_execute("create table s (id text); insert into s values ('a')").await.unwrap();
    let database = Database::resolve(Some(&url), &|_| None).unwrap();
    let session = Some(settings("select id as sub from s where id = $1"));
    let timing = rowcast::identity::Timing { grace: Duration::from_secs(3), ..quick() };
    let settings = Settings { session, timing, ..Settings::default() };
    let authority = Authority::new(&settings, &database).unwrap();
    let identity = authority.identify(cookies("sid=a")).await.unwrap();
    tokio::task::spawn_blocking(move || drop(cluster)).await.unwrap();
    let unavailable =
        async || (reason(&authority, cookies("sid=a")).await == "unavailable").then_some(());
    eventually("the database is away", unavailable).await;
    assert_eq!(ends_within(&identity, Duration::from_secs(1)).await, None);
    assert_eq!(ends_within(&identity, DEADLINE).await, Some(Ended::Gone));
}

#[tokio::test]
async fn a_query_that_can_not_be_run_is_told() {
    let shop = shop().await;
    let said = async |query: &str| {
        session::check(&shop.client, &settings(query))
            .await
            .unwrap()
            .map(|it| (it.message, it.position))
    };
    assert!(said(QUERY).await.is_none());
    let (message, position) = said("select usr as sub from sessions where id = $1").await.unwrap();
    assert_eq!((message.as_str(), position), ("column \"usr\" does not exist", Some(8)));
    let (message, _) = said("select 1 as sub").await.unwrap();
    assert!(message.contains("must use $1"), "{message}");
    assert!(said("delete from sessions where id = $1").await.is_some());
}
