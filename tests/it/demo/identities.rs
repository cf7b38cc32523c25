//! What each of the demo's identities sees: its own tables, columns and rows, and nothing more.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::Demo;
use crate::support::DEADLINE;

const ADA: usize = 0;
const GRACE: usize = 1;
const MARY: usize = 2;

/// How many events are looked at before it is believed that they are all alike.
const ENOUGH: usize = 15;

async fn get(demo: &Demo, path: &str, token: Option<&str>) -> (u16, Value) {
    let request = reqwest::Client::new().get(format!("{}{path}", demo.url));
    let request = token.iter().fold(request, |request, token| request.bearer_auth(token));
    let answer = timeout(DEADLINE, request.send()).await.unwrap().unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

/// The tokens of Ada, Grace and Mary.
async fn tokens(demo: &Demo) -> [String; 3] {
    let (status, list) = get(demo, "/demo/identities", None).await;
    assert_eq!(status, 200);
    [ADA, GRACE, MARY].map(|at| list[at]["token"].as_str().unwrap().to_owned())
}

/// The tables that are listed, with their columns.
async fn tables(demo: &Demo, token: Option<&str>) -> Vec<(String, Vec<String>)> {
    let (status, answer) = get(demo, "/v1/tables", token).await;
    assert_eq!(status, 200, "{answer}");
    let name = |of: &Value| of["name"].as_str().unwrap().to_owned();
    let described = |table: &Value| {
        (name(table), table["columns"].as_array().unwrap().iter().map(name).collect())
    };
    answer["tables"].as_array().unwrap().iter().map(described).collect()
}

/// The columns of a table that is listed.
async fn columns(demo: &Demo, token: Option<&str>, table: &str) -> Vec<String> {
    let tables = tables(demo, token).await;
    tables.into_iter().find(|(name, _)| name == table).expect("the table is listed").1
}

/// The first events of a table's live feed.
async fn events(demo: &Demo, token: Option<&str>, query: &str) -> Vec<Value> {
    let url = format!("{}/v1/tables/{query}", demo.url);
    let request = reqwest::Client::new().get(url).header("accept", "text/event-stream");
    let request = token.iter().fold(request, |request, token| request.bearer_auth(token));
    let mut answer = timeout(DEADLINE, request.send()).await.unwrap().unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let (mut seen, mut found) = (String::new(), Vec::new());
    while found.len() < ENOUGH {
        let chunk = timeout(DEADLINE, answer.chunk()).await.unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&chunk.expect("the feed ended")).unwrap());
        while let Some((line, rest)) = seen.split_once('\n') {
            let event = line.strip_prefix("data: ").map(|data| serde_json::from_str(data).unwrap());
            found.extend(event.filter(|event: &Value| event["event"].is_string()));
            seen = rest.to_owned();
        }
    }
    found
}

#[tokio::test]
async fn nobody_sees_products_and_public_messages_alone() {
    let demo = Demo::start().await;
    let names: Vec<_> = tables(&demo, None).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["messages", "products"]);
    assert_eq!(columns(&demo, None, "products").await, ["sku", "name", "price", "stock"]);
    for event in events(&demo, None, "messages/changes?old=true").await {
        assert_eq!(event["data"]["visibility"], "public", "{event}");
        assert!(!event.to_string().contains("customer_id"), "{event}");
    }
}

#[tokio::test]
async fn what_is_not_for_a_reader_looks_like_what_does_not_exist() {
    let demo = Demo::start().await;
    let [ada, ..] = tokens(&demo).await;
    let refused = async |token: Option<&str>, path: &str| {
        let (status, problem) = get(&demo, path, token).await;
        (status, problem["code"].as_str().unwrap().to_owned(), problem["position"].clone())
    };
    for table in ["orders", "order_items", "customers", "nonsense"] {
        let answer = refused(None, &format!("/v1/tables/{table}/changes")).await;
        assert_eq!(answer, (404, "unknown_table".to_owned(), Value::Null), "{table}");
    }
    for column in ["margin", "internal_note", "nonsense"] {
        let path = format!("/v1/tables/orders/changes?columns={column}");
        let answer = refused(Some(&ada), &path).await;
        assert_eq!(answer, (400, "unknown_column".to_owned(), Value::Null), "{column}");
        let path = format!("/v1/tables/orders/changes?where=id+>+1+and+{column}+is+null");
        let answer = refused(Some(&ada), &path).await;
        assert_eq!(answer, (400, "invalid_filter".to_owned(), json!(12)), "{column}");
    }
}

#[tokio::test]
async fn each_customer_sees_what_is_theirs() {
    let demo = Demo::start().await;
    let [ada, grace, mary] = tokens(&demo).await;
    for (token, id) in [(&ada, 1), (&grace, 2)] {
        for table in ["orders", "order_items"] {
            let events = events(&demo, Some(token), &format!("{table}/changes?old=true")).await;
            let is_theirs = |row: &Value| row["customer_id"] == id;
            let theirs =
                |event: &Value| is_theirs(&event["data"]) && event.get("old").is_none_or(is_theirs);
            assert!(events.iter().all(theirs), "{events:?}");
        }
        for event in events(&demo, Some(token), "messages/changes").await {
            let data = &event["data"];
            let public = data["visibility"] == "public" && data.get("customer_id").is_none();
            assert!(public || data["customer_id"] == id, "{event}");
        }
    }
    let all = tables(&demo, Some(&mary)).await;
    let theirs = tables(&demo, Some(&ada)).await;
    assert_eq!(theirs, tables(&demo, Some(&grace)).await);
    let more = all.iter().zip(&theirs).filter(|(all, theirs)| all != theirs);
    let more: Vec<_> = more.map(|((name, _), _)| name.as_str()).collect();
    assert_eq!((all.len(), more), (5, vec!["orders", "products"]));
}

/// A WebSocket's next message of this kind.
async fn next<S>(socket: &mut S, op: &str) -> Value
where
    S: futures_util::Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    loop {
        let message = timeout(DEADLINE, socket.next()).await.unwrap().unwrap().unwrap();
        let Message::Text(text) = message else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["op"] == op {
            return frame;
        }
    }
}

#[tokio::test]
async fn the_administrator_sees_all_but_the_customers_addresses() {
    let demo = Demo::start().await;
    let [.., mary] = tokens(&demo).await;
    let address = demo.url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = client_async(format!("ws://{address}/v1/ws"), stream).await.unwrap();
    assert_eq!(next(&mut socket, "hello").await["identity"], json!({}));
    for message in [
        json!({"op": "auth", "token": mary}),
        json!({"op": "subscribe", "id": "o", "table": "orders"}),
        json!({"op": "subscribe", "id": "c", "table": "customers"}),
    ] {
        socket.send(Message::text(message.to_string())).await.unwrap();
    }
    assert_eq!(next(&mut socket, "hello").await["identity"]["role"], "admin");

    let (mut customers, mut rows) = (std::collections::BTreeSet::new(), 0);
    while customers.len() < 4 || rows < ENOUGH {
        let frame = next(&mut socket, "events").await;
        for event in frame["events"].as_array().unwrap() {
            rows += 1;
            let data = &event["data"];
            match event["table"].as_str() {
                Some("orders") => {
                    assert!(data.get("margin").is_some() && data.get("internal_note").is_some());
                    customers.insert(data["customer_id"].as_i64().unwrap());
                }
                _ => assert!(data.get("name").is_some() && data.get("email").is_none(), "{event}"),
            }
        }
    }
}

#[tokio::test]
async fn customers_see_their_own_address() {
    let demo = Demo::start().await;
    let [ada, ..] = tokens(&demo).await;
    for event in events(&demo, Some(&ada), "customers/changes").await {
        let data = &event["data"];
        assert_eq!((&data["id"], &data["email"]), (&json!(1), &json!("customer1@shop.example")));
    }
}

#[tokio::test]
async fn tokens_are_new_with_each_start_and_kept_by_no_cache() {
    let (one, another) = tokio::join!(Demo::start(), Demo::start());
    let [ada, ..] = tokens(&one).await;
    assert_eq!(get(&one, "/v1/tables", Some(&ada)).await.0, 200);
    let (status, problem) = get(&another, "/v1/tables", Some(&ada)).await;
    assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")));
    let answer = reqwest::get(format!("{}/demo/identities", one.url)).await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
}
