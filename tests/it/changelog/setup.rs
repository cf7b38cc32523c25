//! Databases with watched tables.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rowcast::catalog;
use rowcast::changelog::{self, Plan};
use rowcast::demo::cluster::Cluster;
use rowcast::policy::TableSettings;
use tokio_postgres::Client;

use crate::support;

/// The tables of every test here; `ledger` isn't watched.
pub const TABLES: [&str; 3] = ["a", "b", "c"];

/// A server where a reader can sleep: nothing can be prepared there.
pub fn quick_cluster() -> Cluster {
    support::private_cluster(&[
        ("max_connections", "200"),
        ("max_prepared_transactions", "0"),
        ("deadlock_timeout", "10ms"),
    ])
}

/// The URL of a new database on a server that the tests here share.
pub async fn fresh_database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static MADE: AtomicU32 = AtomicU32::new(0);
    let cluster = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(quick_cluster)).await.unwrap();
    let name = format!("log_{}", MADE.fetch_add(1, Ordering::Relaxed));
    let admin = support::connect(&cluster.url("postgres")).await;
    admin.batch_execute(&format!("create database {name}")).await.unwrap();
    cluster.url(&name)
}

/// Makes the tables and has them watched.
pub async fn watch(url: &str) -> Client {
    let client = support::connect(url).await;
    for table in TABLES {
        let create = format!("create table {table} (id bigint primary key, v bigint, pad text)");
        client.batch_execute(&create).await.unwrap();
    }
    client
        .batch_execute(
            "create table ledger (txid xid8 primary key default pg_current_xact_id(), changes bigint)",
        )
        .await
        .unwrap();
    install(&client).await;
    client
}

pub async fn install(client: &Client) {
    let listed = TABLES.map(TableSettings::open_to_all);
    let found = catalog::load(client, &listed).await.unwrap().found;
    let plan = Plan { found: &found, grant_to: None, unwatch_others: false };
    changelog::install(client, &plan).await.unwrap();
}

/// A fresh database with the tables watched.
pub async fn watched() -> (String, Client) {
    let url = fresh_database().await;
    let client = watch(&url).await;
    (url, client)
}
