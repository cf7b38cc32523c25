//! What goes wrong is said, and nothing that broke off looks whole.

use std::time::Duration;

use rowcast::demo::cluster::Stop;
use rowcast::snapshot::{Settings, SnapshotError};
use rowcast::spool::Limits;
use serde_json::json;

use super::fixture::{Own, Shop, all};
use crate::delivery::fixture::{Server, in_secs, in_time, settings};
use crate::support::{connect, eventually, private_cluster};

const SQL: &str = "
    create table orders (id int primary key, status text, secret text);
    insert into orders select n, 'open', 'hidden' from generate_series(1, 3) as n;
    create table many (id int primary key, note text);
    insert into many select n, repeat(md5(n::text), 30) from generate_series(1, 3000) as n";

const TABLES: &str = "
[[table]]\nname = 'orders'\nrows = 'true'\nhide = ['secret']
[[table]]\nname = 'many'\nrows = 'true'
";

async fn shop() -> Shop {
    Shop::open(SQL, TABLES).await
}

#[tokio::test]
async fn waiting_too_long_has_an_end() {
    let shop = shop().await;
    let mut other = connect(&shop.database).await;
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("lock table orders in access exclusive mode").await.unwrap();
    let (short, long) = (Duration::from_millis(200), Duration::from_secs(30));
    for (timeout, lock_timeout, expected) in
        [(short, long, SnapshotError::Timeout), (long, short, SnapshotError::Unavailable)]
    {
        let own =
            Own::of(&shop, &["orders"], Settings { timeout, lock_timeout }, Limits::default())
                .await;
        let shared = in_time("the end", own.snapshots.share(own.view("orders"), None)).await;
        assert_eq!(shared.map(drop).unwrap_err(), expected);
    }
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn a_credential_that_ends_while_rows_are_waited_for_is_refused() {
    let shop = shop().await;
    let mut other = connect(&shop.database).await;
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("lock table orders in access exclusive mode").await.unwrap();
    let answer = shop.rows_as(json!({"sub": "a", "exp": in_secs(2)}), "orders", &[]).await;
    assert_eq!(answer.refusal(), (401, "unauthenticated".to_owned()));
}

/// By their names, the columns would be others.
#[tokio::test]
async fn a_table_that_was_altered_is_not_read_as_it_was() {
    for alteration in [
        "alter table orders drop column status",
        "alter table orders rename status to gone; alter table orders rename secret to status",
        "alter table orders alter status type varchar(10)",
        "alter table orders rename to former; create table orders (like former)",
        "drop table orders",
    ] {
        let shop = shop().await;
        let own = Own::of(&shop, &["orders"], Settings::default(), Limits::default()).await;
        let view = own.view("orders");
        assert!(own.snapshots.share(view.clone(), None).await.is_ok());
        shop.client.batch_execute(alteration).await.unwrap();
        let read = own.snapshots.fresh(view, Vec::new(), None).await;
        assert_eq!(read.map(drop), Err(SnapshotError::Altered), "{alteration}");
    }
}

#[tokio::test]
async fn more_than_may_be_kept_is_an_error_and_never_looks_whole() {
    let shop = shop().await;
    let limits = Limits { memory_bytes: 600_000, disk_bytes_each: 600_000, ..Limits::default() };
    let own = Own::of(&shop, &["many"], Settings::default(), limits).await;
    let rows = own.snapshots.fresh(own.view("many"), Vec::new(), None).await.unwrap();
    assert_eq!(all(rows).await.unwrap_err(), SnapshotError::TooLarge);
    let settings = rowcast::server::Settings { snapshots: own.snapshots, ..settings() };
    let server = Server::start_serving(settings, own.served).await;
    for accept in ["application/json", "application/x-ndjson"] {
        let request = reqwest::Client::new().get(server.url("/v1/tables/many/rows"));
        let response =
            in_time("the answer", request.header("accept", accept).send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(in_time("the body", response.bytes()).await.is_err(), "{accept}");
    }
}

/// Reading it again would end the same way.
#[tokio::test]
async fn a_subscription_to_more_than_may_be_kept_is_ended() {
    let shop = shop().await;
    let limits = Limits { memory_bytes: 600_000, disk_bytes_each: 600_000, ..Limits::default() };
    let own = Own::of(&shop, &["many"], Settings::default(), limits).await;
    let settings = rowcast::server::Settings { snapshots: own.snapshots, ..settings() };
    let mut server = Server::start_serving(settings, own.served).await;
    server.commit().await;
    let mut client = server.websocket().await;
    client.send(&json!({"op": "subscribe", "id": "a", "table": "many", "snapshot": true})).await;
    let mut ops = Vec::new();
    let last = loop {
        let message = client.next().await;
        ops.push(message["op"].as_str().unwrap().to_owned());
        if !["subscribed", "rows", "commit"].contains(&ops.last().unwrap().as_str()) {
            break message;
        }
    };
    assert_eq!((&last["op"], &last["id"]), (&json!("error"), &json!("a")), "{ops:?}");
    assert_eq!(last["code"], "too_large");
    assert!(ops.contains(&"rows".to_owned()), "some came before: {ops:?}");
}

#[tokio::test]
async fn without_the_database_rows_are_unavailable_until_it_is_back() {
    let mut cluster = tokio::task::spawn_blocking(|| private_cluster(&[])).await.unwrap();
    let shop = Shop::open_on(&cluster.url("postgres"), SQL, TABLES).await;
    assert_eq!(
        shop.rows("orders", &[("order", "id")]).await.column("id"),
        [json!(1), json!(2), json!(3)]
    );
    cluster = tokio::task::spawn_blocking(move || {
        cluster.stop(Stop::Fast).unwrap();
        cluster
    })
    .await
    .unwrap();
    let answer = shop.rows("orders", &[]).await;
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert!(answer.headers.contains_key("retry-after"));
    let _cluster = tokio::task::spawn_blocking(move || {
        cluster.start_again().unwrap();
        cluster
    })
    .await
    .unwrap();
    let back = async || (shop.rows("orders", &[]).await.status == 200).then_some(());
    eventually("rows come again", back).await;
}
