//! Clients that keep every byte they get.

use std::sync::{Arc, Mutex};

use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::task::AbortOnDropHandle;

use crate::delivery::fixture::{Client, in_time};
use crate::random::Asked;
use crate::support::eventually;

/// What came over a connection: WebSocket messages, or the chunks of an event stream.
pub type Log = Arc<Mutex<Vec<String>>>;

pub struct Socket {
    pub log: Log,
    sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    _reading: AbortOnDropHandle<()>,
}

impl Socket {
    pub async fn open(address: &str, token: Option<&str>) -> Self {
        let path = token.map_or("/v1/ws".to_owned(), |it| format!("/v1/ws?access_token={it}"));
        let client = Client::connect_to(address.parse().unwrap(), &path).await;
        let (sink, mut stream) = client.0.split();
        let log = Log::default();
        let kept = Arc::clone(&log);
        let reading = tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                match message {
                    Message::Text(text) => kept.lock().unwrap().push(text.to_string()),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => kept.lock().unwrap().push(format!("{other:?}")),
                }
            }
        });
        Self { log, sink, _reading: AbortOnDropHandle::new(reading) }
    }

    /// The answer: `subscribed` or `error`.
    pub async fn subscribe(&mut self, id: &str, asked: &Asked) -> Value {
        let mut message = json!({"op": "subscribe", "id": id, "table": asked.table});
        if let Some(filter) = &asked.filter {
            message["where"] = json!(filter);
            message["params"] = json!(asked.params);
        }
        if let Some(columns) = &asked.columns {
            message["columns"] = json!(columns);
        }
        if asked.old {
            message["old"] = json!(true);
        }
        in_time("sending", self.sink.send(Message::text(message.to_string()))).await.unwrap();
        let log = &self.log;
        eventually("an answer to a subscription", async || {
            let log = log.lock().unwrap();
            let messages = log.iter().filter(|text| !text.starts_with("{\"op\":\"events\""));
            let mut messages = messages.map(|text| serde_json::from_str::<Value>(text).unwrap());
            messages.find(|message| message["id"] == json!(id))
        })
        .await
    }

    /// Whether the batch of this transaction has ended.
    pub fn has_ended(&self, tx: &str) -> bool {
        let (log, tx) = (self.log.lock().unwrap(), of(tx));
        let mut messages = log.iter().skip_while(|text| !text.contains(&tx));
        messages.any(|text| text.contains("\"op\":\"commit\""))
    }
}

fn of(tx: &str) -> String {
    format!("\"tx\":\"{tx}\"")
}

pub struct Stream {
    pub log: Log,
    _reading: AbortOnDropHandle<()>,
}

impl Stream {
    /// The stream, or the answer that refuses it.
    pub async fn open(address: &str, token: Option<&str>, asked: &Asked) -> Result<Self, Value> {
        let mut query = Vec::new();
        if let Some(filter) = &asked.filter {
            query.push(("where", filter.clone()));
            query.push(("params", json!(asked.params).to_string()));
        }
        if let Some(columns) = &asked.columns {
            query.push(("columns", columns.join(",")));
        }
        if asked.old {
            query.push(("old", "true".to_owned()));
        }
        let encoded = |(name, value): (&str, String)| {
            format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC))
        };
        let query = query.into_iter().map(encoded).collect::<Vec<_>>().join("&");
        let url = format!("http://{address}/v1/tables/{}/changes?{query}", asked.table);
        let mut request = reqwest::Client::new().get(url).header("accept", "text/event-stream");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let mut response = in_time("an answer", request.send()).await.unwrap();
        if response.status() != 200 {
            return Err(response.json().await.unwrap());
        }
        let log = Log::default();
        let kept = Arc::clone(&log);
        let reading = tokio::spawn(async move {
            let mut bytes = Vec::new();
            while let Ok(Some(chunk)) = response.chunk().await {
                bytes.extend_from_slice(&chunk);
                let Some(end) = bytes.windows(2).rposition(|two| two == b"\n\n") else { continue };
                let rest = bytes.split_off(end + 2);
                let whole = std::mem::replace(&mut bytes, rest);
                kept.lock().unwrap().push(String::from_utf8(whole).unwrap());
            }
            kept.lock().unwrap().push("ended".to_owned());
        });
        let stream = Self { log, _reading: AbortOnDropHandle::new(reading) };
        eventually("the cursor of an event stream", async || {
            let log = stream.log.lock().unwrap();
            log.iter().any(|text| text.contains("event: cursor")).then_some(())
        })
        .await;
        Ok(stream)
    }

    pub fn has_ended(&self, tx: &str) -> bool {
        let (log, tx) = (self.log.lock().unwrap(), of(tx));
        let mut blocks = log.iter().flat_map(|text| text.split("\n\n"));
        blocks.any(|block| block.contains(&tx) && block.contains("\nid: "))
    }
}
