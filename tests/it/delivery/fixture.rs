//! A server on a loopback port with hand-fed readings, and clients for it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::{SinkExt as _, StreamExt as _};
use rowcast::catalog::{Catalog, Column, Table, TableId};
use rowcast::changelog::Reading;
use rowcast::cursor::{Cursor, Era};
use rowcast::database::Database;
use rowcast::event::{Change, Op, RowText, Seq};
use rowcast::identity::{self, Authority, Secret, jwt, sign};
use rowcast::policy::{self, Renewal, Served, TableSettings, UpdateKind};
use rowcast::server::{self, Drained, Error, Settings};
use rowcast::transport;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

/// No wait in these tests takes longer, unless it is broken.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(DEADLINE, future).await;
    done.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}

pub const ORDERS: TableId = TableId(1);
pub const NOTES: TableId = TableId(2);
pub const LOGS: TableId = TableId(3);
pub const VAULT: TableId = TableId(4);
pub const MINE: TableId = TableId(5);

fn table(id: TableId, listed_as: &str, columns: &[(&str, &str)], key: &[&str]) -> Arc<Table> {
    let (schema, name) = listed_as.split_once('.').unwrap_or(("public", listed_as));
    let column =
        |(number, (name, kind)): (i16, &(&str, &str))| Column::built_in(number, name, kind);
    Arc::new(Table {
        id,
        schema: schema.to_owned(),
        name: name.to_owned(),
        listed_as: listed_as.to_owned(),
        columns: (1..).zip(columns).map(column).collect(),
        key: key.iter().map(|name| (*name).to_owned()).collect(),
    })
}

fn listed(name: &str, hide: &[&str], updates: UpdateKind) -> TableSettings {
    let hide = hide.iter().map(|name| (*name).to_owned()).collect();
    TableSettings { hide, updates, ..TableSettings::open_to_all(name) }
}

fn with_rows(name: &str, rows: &str) -> TableSettings {
    TableSettings { rows: rows.to_owned(), ..TableSettings::open_to_all(name) }
}

/// `orders` hides `secret`, `app.notes` calls updates so, `logs` has no key, `vault` is for administrators, and of
/// `mine` everybody sees their own rows.
pub fn served(max_row_bytes: usize) -> Served {
    let order_columns = [("id", "bigint"), ("status", "text"), ("secret", "text")];
    let tables = [
        table(ORDERS, "orders", &order_columns, &["id"]),
        table(NOTES, "app.notes", &[("k", "text"), ("odd \"näme\"", "json")], &["k"]),
        table(LOGS, "logs", &[("line", "text")], &[]),
        table(VAULT, "vault", &[("id", "bigint")], &["id"]),
        table(MINE, "mine", &[("id", "bigint"), ("owner", "text")], &["id"]),
    ];
    let catalog = Catalog { tables: tables.into_iter().map(|table| (table.id, table)).collect() };
    let settings = [
        listed("orders", &["secret"], UpdateKind::Patched),
        listed("app.notes", &[], UpdateKind::Updated),
        listed("logs", &[], UpdateKind::Patched),
        with_rows("vault", "auth.role = 'admin'"),
        with_rows("mine", "owner = auth.sub"),
    ];
    Served::bind(&catalog, &settings, max_row_bytes).unwrap()
}

pub fn settings() -> Settings {
    let allowed_origins = vec!["https://shop.example".to_owned()];
    Settings::new(
        transport::Settings { allowed_origins, ..transport::Settings::default() },
        Authority::anonymous_only(true),
    )
}

fn tokens() -> jwt::Settings {
    jwt::Settings::with_secret(Secret::new("a secret of more than thirty-two bytes"))
}

/// The same, for those who show a token; others only where `anonymous`.
pub fn guarded(anonymous: bool) -> Settings {
    let auth =
        identity::Settings { anonymous, jwt: Some(tokens()), ..identity::Settings::default() };
    let nowhere =
        Database::resolve(Some("postgres://nobody@127.0.0.1:1/nothing"), &|_| None).unwrap();
    Settings { authority: Authority::new(&auth, &nowhere).unwrap(), ..settings() }
}

/// A token with these claims.
pub fn token(claims: &Value) -> String {
    sign(&tokens(), claims.as_object().unwrap()).unwrap()
}

/// Seconds since 1970, `secs` from now.
pub fn in_secs(secs: u64) -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_secs() + secs
}

/// The cursor after `commits` batches.
pub fn cursor(commits: u64) -> Cursor {
    let snapshot = format!("{0}:{0}:", 1_000 + commits).parse().unwrap();
    Cursor::new(Era { epoch: 7, timeline: 1 }, snapshot)
}

pub struct Server {
    pub address: SocketAddr,
    pub readings: mpsc::Sender<Reading>,
    pub shutdown: CancellationToken,
    pub ended: JoinHandle<Result<Drained, Error>>,
    /// How the served tables are renewed.
    pub renewal: Renewal,
    commits: u64,
    seq: i64,
}

impl Server {
    /// One whose reader has caught up.
    pub async fn start() -> Self {
        let mut server = Self::start_with(settings()).await;
        server.commit().await;
        server
    }

    /// One whose reader has said nothing yet.
    pub async fn start_with(settings: Settings) -> Self {
        let served = served(settings.transport.max_event_bytes);
        Self::start_serving(settings, served).await
    }

    /// The same, with other tables.
    pub async fn start_serving(settings: Settings, served: Served) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (readings, receiver) = mpsc::channel(8);
        let shutdown = CancellationToken::new();
        let (renewal, current) = policy::current(served);
        let running = server::run(settings, current, receiver, listener, shutdown.clone());
        let ended = tokio::spawn(running);
        Self { address, readings, shutdown, ended, renewal, commits: 0, seq: 0 }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn change(
        &mut self,
        table: TableId,
        op: Op,
        old: Option<&str>,
        new: Option<&str>,
    ) -> Change {
        self.seq += 1;
        let row = |json: &str| RowText { json: json.to_owned(), key_only: false };
        Change {
            seq: Seq(self.seq),
            txid: 748_213,
            table,
            op,
            old: old.map(row),
            new: new.map(row),
            at: UNIX_EPOCH + Duration::from_micros(1_795_164_240_123_456),
            origin: None,
        }
    }

    pub fn insert(&mut self, id: i64) -> Change {
        let row = format!(r#"{{"id":{id},"status":"open","secret":"s"}}"#);
        self.change(ORDERS, Op::Insert, None, Some(&row))
    }

    pub async fn feed(&self, reading: Reading) {
        in_time("the hub takes a reading", self.readings.send(reading)).await.unwrap();
    }

    pub async fn commit(&mut self) {
        self.commits += 1;
        self.feed(Reading::Commit(cursor(self.commits))).await;
    }

    /// The cursor of the newest commit.
    pub fn cursor(&self) -> String {
        cursor(self.commits).told(self.renewal.get().sight()).to_string()
    }

    pub async fn batch(&mut self, changes: Vec<Change>) {
        self.feed(Reading::Changes(changes)).await;
        self.commit().await;
    }

    pub async fn websocket(&self) -> Client {
        let mut client = Client::connect(self.address).await;
        let hello = client.next().await;
        assert_eq!(hello, json!({"op": "hello", "protocol": "rowcast.v1", "identity": {}}));
        client
    }

    pub async fn stop(self) -> Result<Drained, Error> {
        self.shutdown.cancel();
        in_time("the server stops", self.ended).await.unwrap()
    }
}

pub struct Client(pub WebSocketStream<TcpStream>);

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::connect_to(address, "/v1/ws").await
    }

    pub async fn connect_to(address: SocketAddr, path: &str) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        let opened = client_async(format!("ws://{address}{path}"), socket);
        Self(in_time("the handshake", opened).await.unwrap().0)
    }

    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn next_message(&mut self) -> Message {
        in_time("a message", self.0.next()).await.expect("the connection is open").unwrap()
    }

    /// The next text message; pings don't prolong the wait for it.
    pub async fn next(&mut self) -> Value {
        let texts = async {
            loop {
                match self.next_message().await {
                    Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("not a text message: {other:?}"),
                }
            }
        };
        in_time("a text message", texts).await
    }

    pub async fn subscribe(&mut self, id: &str, table: &str) -> Value {
        self.send(&json!({"op": "subscribe", "id": id, "table": table})).await;
        let answer = self.next().await;
        assert_eq!((&answer["op"], &answer["id"]), (&json!("subscribed"), &json!(id)), "{answer}");
        answer
    }

    /// Everything up to the next commit: the events by feed, and the commit's cursor.
    pub async fn batch(&mut self) -> (Vec<(u64, Value)>, String) {
        let mut events = Vec::new();
        loop {
            let message = self.next().await;
            match message["op"].as_str().unwrap() {
                "events" => {
                    let feed = message["feed"].as_u64().unwrap();
                    let listed = message["events"].as_array().unwrap();
                    events.extend(listed.iter().map(|event| (feed, event.clone())));
                }
                "commit" => return (events, message["cursor"].as_str().unwrap().to_owned()),
                other => panic!("{other} within a batch"),
            }
        }
    }

    /// The close frame that the server sends, after whatever else it does.
    pub async fn closed(&mut self) -> Option<CloseFrame> {
        loop {
            match in_time("a close frame", self.0.next()).await {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    pub async fn close_code(&mut self) -> u16 {
        self.closed().await.expect("a close frame with a code").code.into()
    }
}

/// A block of an event stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    pub event: String,
    pub id: Option<String>,
    pub data: Value,
}

pub struct Stream {
    response: reqwest::Response,
    text: String,
    blocks: VecDeque<Block>,
}

impl Stream {
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        let sent = request.header("accept", "text/event-stream").send();
        let response = in_time("the answer", sent).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), blocks: VecDeque::new() }
    }

    /// The next block; none once the stream has ended.
    pub async fn next(&mut self) -> Option<Block> {
        while self.blocks.is_empty() {
            let chunk = in_time("a chunk", self.response.chunk()).await.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                self.blocks.extend(parse(block));
                self.text = rest.to_owned();
            }
        }
        self.blocks.pop_front()
    }
}

/// As browsers read it; the opening has no event.
fn parse(block: &str) -> Option<Block> {
    let (mut event, mut id, mut data) = (None, None, String::new());
    for line in block.split(['\n', '\r']) {
        match line.split_once(": ").unwrap() {
            ("event", value) => event = Some(value.to_owned()),
            ("id", value) => id = Some(value.to_owned()),
            ("data", value) => data.push_str(value),
            ("retry", "2000") => {}
            other => panic!("unknown field {other:?}"),
        }
    }
    Some(Block { event: event?, id, data: serde_json::from_str(&data).unwrap() })
}

/// The answer's status, its JSON if it is that, and the rest of it.
pub async fn get(
    server: &Server,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, Value, reqwest::Response) {
    let mut request = reqwest::Client::new().get(server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = in_time("the answer", request.send()).await.unwrap();
    let status = response.status().as_u16();
    let is_stream =
        response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let mut text = Vec::new();
    while !is_stream && let Some(chunk) = response.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    (status, serde_json::from_slice(&text).unwrap_or(Value::Null), response)
}
