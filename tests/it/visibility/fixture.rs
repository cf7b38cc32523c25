//! A shop's orders, customers who see their own, and readers that are the same over every transport.

use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rowcast::catalog::{Catalog, Column, Table, TableId};
use rowcast::database::Database;
use rowcast::event::{Change, Op};
use rowcast::identity::{self, Authority, Secret, jwt};
use rowcast::policy::{ColumnRule, Served, TableSettings};
use rowcast::server::Settings;
use rowcast::transport;
use serde_json::{Value, json};

use crate::delivery::fixture::{Client, Server, Stream};

pub const ORDERS: TableId = TableId(1);
pub const COLUMNS: [(i16, &str, &str); 5] = [
    (1, "id", "bigint"),
    (2, "customer", "bigint"),
    (3, "status", "text"),
    (4, "margin", "integer"),
    (5, "secret", "text"),
];

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub fn catalog(columns: &[(i16, &str, &str)]) -> Catalog {
    let columns = columns.iter().map(|&(number, name, kind)| Column::built_in(number, name, kind));
    let table = Table {
        id: ORDERS,
        schema: "public".to_owned(),
        name: "orders".to_owned(),
        listed_as: "orders".to_owned(),
        columns: columns.collect(),
        key: strings(&["id"]),
    };
    Catalog { tables: [(ORDERS, Arc::new(table))].into() }
}

/// Customers see their orders, administrators all; `margin` is for administrators, and for
/// whose own order it is; `secret` for nobody.
pub fn served() -> Served {
    served_with(&COLUMNS)
}

/// The same, of a table with these columns.
pub fn served_with(columns: &[(i16, &str, &str)]) -> Served {
    let rule = ColumnRule {
        column: "margin".to_owned(),
        visible_if: "auth.role = 'admin' or customer = auth.own".to_owned(),
    };
    let settings = TableSettings {
        rows: "customer = auth.customer or auth.role in ('admin', 'clerk')".to_owned(),
        hide: strings(&["secret"]),
        column_rules: vec![rule],
        ..TableSettings::open_to_all("orders")
    };
    Served::bind(&catalog(columns), &[settings], 1 << 20).unwrap()
}

fn tokens() -> jwt::Settings {
    jwt::Settings::with_secret(Secret::new("a secret of thirty-two bytes, or more"))
}

pub fn token(claims: &Value) -> String {
    identity::sign(&tokens(), claims.as_object().unwrap()).unwrap()
}

pub fn settings() -> Settings {
    let database = Database::resolve(Some("postgres://nobody@127.0.0.1:1/nowhere"), &|_| None);
    let settings = identity::Settings { jwt: Some(tokens()), ..identity::Settings::default() };
    let authority = Authority::new(&settings, &database.unwrap()).unwrap();
    Settings::new(transport::Settings::default(), authority)
}

/// A server whose reader has caught up.
pub async fn start() -> Server {
    start_with(settings(), served()).await
}

pub async fn start_with(settings: Settings, served: Served) -> Server {
    let mut server = Server::start_serving(settings, served).await;
    server.commit().await;
    server
}

/// Tells the server what the tables are now.
pub fn alter(server: &Server, columns: &[(i16, &str, &str)]) {
    let renewed = server.renewal.get().rebind(&catalog(columns));
    server.renewal.renew(renewed);
}

/// Waits until the hub has the renewed tables: it takes them at the latest for who asks for them.
pub async fn settled(server: &Server) -> Reader {
    Reader::open(Way::WebSocket, server, &json!({"role": "admin"}), json!({})).await
}

/// An order, as the log has it; its secret is its margin, doubled.
pub fn order(id: i64, customer: i64, status: &str, margin: i64) -> String {
    let secret = margin * 2;
    format!(
        r#"{{"id":{id},"customer":{customer},"status":"{status}","margin":{margin},"secret":"{secret}"}}"#
    )
}

pub fn change(server: &mut Server, old: Option<&str>, new: Option<&str>) -> Change {
    let op = match (old, new) {
        (None, Some(_)) => Op::Insert,
        (Some(_), Some(_)) => Op::Update,
        (Some(_), None) => Op::Delete,
        (None, None) => Op::Truncate,
    };
    server.change(ORDERS, op, old, new)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    WebSocket,
    EventStream,
}

pub const WAYS: [Way; 2] = [Way::WebSocket, Way::EventStream];

/// A subscription to `orders`, over either way.
pub enum Reader {
    WebSocket(Client),
    EventStream(Stream),
}

impl Reader {
    /// `asked` may have `columns`, `where`, `params` and `old`.
    pub async fn open(way: Way, server: &Server, claims: &Value, asked: Value) -> Self {
        let token = token(claims);
        match way {
            Way::WebSocket => {
                let path = format!("/v1/ws?access_token={token}");
                let mut client = Client::connect_to(server.address, &path).await;
                assert_eq!(client.next().await["op"], "hello");
                let mut message = json!({"op": "subscribe", "id": "a", "table": "orders"});
                message.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
                client.send(&message).await;
                let subscribed = client.next().await;
                assert_eq!(subscribed["op"], "subscribed", "{subscribed}");
                Self::WebSocket(client)
            }
            Way::EventStream => {
                let url = server.url("/v1/tables/orders/changes");
                let url = format!("{url}?access_token={token}{}", query(&asked));
                let mut stream = Stream::open(reqwest::Client::new().get(url)).await;
                assert_eq!(stream.next().await.unwrap().event, "cursor");
                Self::EventStream(stream)
            }
        }
    }

    /// What comes up to the end of a batch, or of the subscription: events, and as `{"reset": …}`, `{"subscribed": …}`
    /// (a WebSocket's alone) and `{"error": …}` what else there is.
    /// An event is told in short: `["created", "enter", data]`, with `changed` and `old` if they are there.
    pub async fn batch(&mut self) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        loop {
            let Step { came, is_last } = self.next().await;
            found.extend(came.iter().map(short));
            if is_last {
                return found;
            }
        }
    }

    async fn next(&mut self) -> Step {
        match self {
            Self::WebSocket(client) => {
                let message = client.next().await;
                match message["op"].as_str().unwrap() {
                    "events" => {
                        let events = message["events"].as_array().unwrap();
                        Step { came: events.clone(), is_last: false }
                    }
                    "commit" => Step { came: Vec::new(), is_last: true },
                    "reset" => Step::one(json!({"reset": message["reason"]}), false),
                    "subscribed" => {
                        Step::one(json!({"subscribed": names(&message["columns"])}), false)
                    }
                    "error" => Step::one(json!({"error": message["code"]}), true),
                    _ => panic!("{message}"),
                }
            }
            Self::EventStream(stream) => {
                let block = stream.next().await.expect("the stream goes on");
                match block.event.as_str() {
                    "cursor" => Step { came: Vec::new(), is_last: true },
                    "reset" => Step::one(json!({"reset": block.data["reason"]}), false),
                    "error" => Step::one(json!({"error": block.data["code"]}), true),
                    _ => Step::one(block.data, block.id.is_some()),
                }
            }
        }
    }
}

struct Step {
    came: Vec<Value>,
    /// The batch is complete, or the subscription over.
    is_last: bool,
}

impl Step {
    fn one(came: Value, is_last: bool) -> Self {
        Self { came: vec![came], is_last }
    }
}

fn names(columns: &Value) -> Vec<&str> {
    columns.as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect()
}

fn query(asked: &Value) -> String {
    let mut query = String::new();
    for (name, value) in asked.as_object().unwrap() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(names) if name == "columns" => {
                names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        query += &format!("&{name}={}", utf8_percent_encode(&text, NON_ALPHANUMERIC));
    }
    query
}

fn short(event: &Value) -> Value {
    let mut parts = vec![event["event"].clone()];
    parts.extend(event.get("cause").cloned());
    parts.extend(event.get("data").cloned());
    parts.extend(event.get("changed").cloned());
    parts.extend(event.get("old").cloned());
    if event.get("event").is_some() { parts.into() } else { event.clone() }
}
