//! Delivery by the program itself, with a database behind it: where subscriptions begin, on each transport.

mod beginnings;
mod cursors;
mod polls;
mod windows;

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::fixture::{Client, Stream, in_time};
use crate::support::daemon::Daemon;
use crate::support::{connect, fresh_database};

const CHANGES: &str = "/v1/tables/items/changes";

/// A database with a table, and a daemon beside it.
struct Site {
    database: String,
    admin: tokio_postgres::Client,
    daemon: Daemon,
}

const LISTED: &str =
    "[[table]]\nname = 'items'\nrows = 'true'\n[[table]]\nname = 'others'\nrows = 'true'\n";

impl Site {
    /// `items` has the rows from 1 to `rows`, all with 0.
    async fn open(rows: i32) -> Self {
        let database = fresh_database().await;
        let admin = connect(&database).await;
        let tables = format!(
            "create table items (id int primary key, n int not null, note text);
             create table others (id int primary key);
             insert into items select i, 0, 'a' from generate_series(1, {rows}) i"
        );
        admin.batch_execute(&tables).await.unwrap();
        let daemon = Daemon::start(&database, LISTED);
        Self { database, admin, daemon }
    }

    /// One more daemon for the same database.
    fn another_daemon(&self) -> Daemon {
        Daemon::start(&self.database, LISTED)
    }

    async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    async fn insert(&self, id: i32) {
        self.run(&format!("insert into items values ({id}, 0)")).await;
    }

    async fn socket(&self) -> Client {
        socket(self.daemon.address).await
    }

    async fn stream(&self, query: &str) -> Stream {
        stream(self.daemon.address, query).await
    }

    async fn poll(&self, query: &str) -> (u16, Value) {
        poll(self.daemon.address, query).await
    }

    /// The cursor of now, once a daemon has one.
    async fn cursor(&self) -> String {
        let (status, answer) = self.poll("").await;
        assert_eq!((status, &answer["events"]), (200, &json!([])), "{answer}");
        answer["cursor"].as_str().unwrap().to_owned()
    }
}

async fn socket(address: SocketAddr) -> Client {
    let mut client = Client::connect(address).await;
    assert_eq!(client.next().await["op"], "hello");
    client
}

async fn stream(address: SocketAddr, query: &str) -> Stream {
    Stream::open(reqwest::Client::new().get(format!("http://{address}{CHANGES}?{query}"))).await
}

async fn poll(address: SocketAddr, query: &str) -> (u16, Value) {
    let response = reqwest::get(format!("http://{address}{CHANGES}?{query}"));
    let response = in_time("the answer", response).await.unwrap();
    (response.status().as_u16(), in_time("its body", response.json()).await.unwrap())
}

fn id_of(event: &Value) -> i64 {
    event["key"]["id"].as_i64().unwrap_or_else(|| panic!("{event}"))
}

fn ids_of(events: &Value) -> Vec<i64> {
    events.as_array().unwrap_or_else(|| panic!("{events}")).iter().map(id_of).collect()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// Subscribes to `items` as this says; gives the answer.
async fn subscribe(client: &mut Client, id: &str, more: &Value) -> Value {
    let mut message = json!({"op": "subscribe", "id": id, "table": "items"});
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.send(&message).await;
    loop {
        let answer = client.next().await;
        if answer["id"] == json!(id) {
            return answer;
        }
        assert_eq!(answer["op"], "commit", "{answer}");
    }
}

/// The events up to a commit that ends some, and its cursor.
async fn news(client: &mut Client) -> (Vec<Value>, String) {
    loop {
        let (events, cursor) = client.batch().await;
        if !events.is_empty() {
            return (events.into_iter().map(|(_, event)| event).collect(), cursor);
        }
    }
}

/// The events of a stream up to one with an id, and that.
async fn blocks(stream: &mut Stream) -> (Vec<Value>, String) {
    let mut events = Vec::new();
    loop {
        let block = stream.next().await.expect("the stream goes on");
        if block.event != "cursor" {
            events.push(block.data);
        }
        if let Some(id) = block.id.filter(|_| !events.is_empty()) {
            return (events, id);
        }
    }
}
