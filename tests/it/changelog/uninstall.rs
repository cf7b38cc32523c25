//! What happens to a reader whose objects go away, and to one whose database turns out to be another.

use rowcast::changelog::{self, ResetReason, Settings};

use super::feed::Feed;
use super::{setup, truth};
use crate::support;

#[tokio::test]
async fn a_reader_outlives_an_uninstallation_and_starts_anew() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    client.batch_execute("insert into a values (1, 0)").await.unwrap();
    feed.until("the change", |seen| seen.has_inserted(1)).await;
    assert!(changelog::uninstall(&client).await.unwrap().is_some());
    feed.until("attempts", |seen| seen.losses > 1).await;
    client.batch_execute("insert into a values (2, 0)").await.unwrap();
    setup::install(&client).await;
    feed.until("the reset", |seen| seen.resets == [ResetReason::CursorExpired]).await;
    feed.until("a new beginning", |seen| seen.cursor.is_some()).await;
    truth::finish(&feed, &client).await;
    assert!(!feed.look(|seen| seen.has_inserted(2)));
}

#[tokio::test]
async fn an_installation_anew_in_between_is_noticed() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    assert!(changelog::uninstall(&client).await.unwrap().is_some());
    setup::install(&client).await;
    client.batch_execute("insert into a values (1, 0)").await.unwrap();
    feed.until("the reset", |seen| seen.resets == [ResetReason::CursorExpired]).await;
    feed.until("a new beginning", |seen| seen.cursor.is_some()).await;
    truth::finish(&feed, &client).await;
}

/// A copy of the database, as a restored dump is: the same log and the same epoch, under another oid.
#[tokio::test]
async fn a_database_that_was_copied_in_place_of_the_other_is_noticed() {
    let (url, client) = setup::watched().await;
    let name: String =
        client.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let admin = support::connect(&url.replace(&format!("/{name}"), "/postgres")).await;
    let feed = Feed::start(&url, Settings::default()).await;
    client.batch_execute("insert into a values (1, 0)").await.unwrap();
    feed.until("the change", |seen| seen.has_inserted(1)).await;
    let epoch = "select epoch from rowcast.meta";
    let before: i64 = client.query_one(epoch, &[]).await.unwrap().get(0);
    drop(client);
    admin
        .batch_execute(&format!("alter database {name} with allow_connections false"))
        .await
        .unwrap();
    let empty =
        "select count(pg_terminate_backend(pid)) = 0 from pg_stat_activity where datname = $1";
    support::eventually("nobody in it", async || {
        admin.query_one(empty, &[&name]).await.unwrap().get::<_, bool>(0).then_some(())
    })
    .await;
    for step in ["alter database {} rename to {}_before", "create database {} template {}_before"] {
        admin.batch_execute(&step.replace("{}", &name)).await.unwrap();
    }
    feed.until("the reset", |seen| seen.resets == [ResetReason::Failover]).await;
    feed.until("a new beginning", |seen| seen.cursor.is_some()).await;
    let client = support::connect(&url).await;
    assert_ne!(client.query_one(epoch, &[]).await.unwrap().get::<_, i64>(0), before);
    truth::finish(&feed, &client).await;
}
