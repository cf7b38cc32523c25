//! A daemon, its database, and requests for rows.

use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rowcast::catalog::{self, Catalog};
use rowcast::changelog;
use rowcast::database::Database;
use rowcast::identity::{Claims, Secret, jwt, sign};
use rowcast::policy::{Request, Served, TableSettings, View};
use rowcast::snapshot::{Rows, Settings, SnapshotError, Snapshots};
use rowcast::spool::{Budget, Limits};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::delivery::fixture::in_time;
use crate::support::daemon::Daemon;
use crate::support::{connect, eventually, fresh_database};

const SECRET: &str = "a secret of thirty-two bytes, or more";

/// A token with these claims.
pub fn token(claims: &Value) -> String {
    let settings = jwt::Settings::with_secret(Secret::new(SECRET));
    sign(&settings, claims.as_object().unwrap()).unwrap()
}

pub struct Shop {
    pub database: String,
    pub client: Client,
    pub daemon: Daemon,
    pub http: reqwest::Client,
}

/// An answer that came whole.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        let read = serde_json::from_str(&self.text);
        read.unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The rows of a good answer.
    pub fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["rows"].as_array().unwrap().clone()
    }

    /// One column of all rows.
    pub fn column(&self, name: &str) -> Vec<Value> {
        self.rows().iter().map(|row| row[name].clone()).collect()
    }

    /// The status and the code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Shop {
    /// `sql` makes the tables, `tables` configures them.
    pub async fn open(sql: &str, tables: &str) -> Self {
        Self::open_on(&fresh_database().await, sql, tables).await
    }

    pub async fn open_on(url: &str, sql: &str, tables: &str) -> Self {
        let client = connect(url).await;
        client.batch_execute(sql).await.unwrap();
        let (database, tables) =
            (url.to_owned(), format!("[auth.jwt]\nsecret = '{SECRET}'\n{tables}"));
        let start = tokio::task::spawn_blocking(move || Daemon::start(&database, &tables));
        let (database, http) = (url.to_owned(), reqwest::Client::new());
        let shop = Self { database, client, daemon: start.await.unwrap(), http };
        shop.ready().await;
        shop
    }

    pub async fn ready(&self) {
        let ready = async || (self.get("/readyz").await.status == 200).then_some(());
        eventually("the daemon is ready", ready).await;
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.daemon.address)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = in_time("the answer", request.send()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: in_time("the body", response.text()).await.unwrap() }
    }

    /// The rows of a table, with these parameters.
    pub async fn rows(&self, table: &str, query: &[(&str, &str)]) -> Answer {
        self.get(&rows_path(table, query)).await
    }

    /// The same, as somebody.
    pub async fn rows_as(&self, claims: Value, table: &str, query: &[(&str, &str)]) -> Answer {
        let token = token(&claims);
        let query = [query, &[("access_token", token.as_str())]].concat();
        self.rows(table, &query).await
    }

    /// What `/metrics` says of this counter.
    pub async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await.text;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name}: {text}")).parse().unwrap()
    }

    /// What this query of one column says, as text.
    pub async fn asked(&self, query: &str) -> Vec<Option<String>> {
        let rows = self.client.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

pub fn rows_path(table: &str, query: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("/v1/tables/{}/rows?{}", encode(table), query.join("&"))
}

pub fn ids(of: impl IntoIterator<Item = i64>) -> Vec<Value> {
    of.into_iter().map(|id| json!(id)).collect()
}

/// Reads of the shop's tables in this process.
pub struct Own {
    pub served: Served,
    pub snapshots: Snapshots,
}

impl Own {
    /// As the tables are now, all of them open to everybody.
    pub async fn of(shop: &Shop, tables: &[&str], settings: Settings, limits: Limits) -> Self {
        let tables: Vec<_> = tables.iter().map(|name| TableSettings::open_to_all(name)).collect();
        let found = catalog::load(&shop.client, &tables).await.unwrap().found;
        let known = changelog::verify(&shop.client, &found).await.unwrap();
        let known = known.into_iter().map(|table| (table.id, Arc::new(table))).collect();
        let served = Served::bind(&Catalog { tables: known }, &tables, 1 << 20).unwrap();
        let database = Database::resolve(Some(&shop.database), &|_| None).unwrap();
        Self { served, snapshots: Snapshots::new(database, settings, Budget::new(limits)) }
    }

    /// All that there is of a table.
    pub fn view(&self, table: &str) -> Arc<View> {
        let view = self.served.view(&Request::whole(table), &Claims::default());
        Arc::new(view.unwrap())
    }

    pub fn reads(&self) -> u64 {
        self.snapshots.observed().reads.get()
    }
}

/// All that is to come.
pub async fn all(mut rows: Rows) -> Result<String, SnapshotError> {
    let mut chunks = Vec::new();
    while let Some(chunk) = in_time("a chunk", rows.next()).await? {
        chunks.push(String::from_utf8(chunk.to_vec()).unwrap());
    }
    Ok(chunks.join(",\n"))
}
