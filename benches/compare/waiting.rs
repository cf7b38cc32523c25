//! Requests over HTTP that wait for changes, long polls or Server-Sent Events: the side of the process that holds them.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_local};

use crate::crowd::AT_ONCE;
use crate::figures::percentile;

/// How long the last one may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);
const READ_BYTES: usize = 64 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// Who they are.
#[derive(Clone, Debug, clap::Args)]
pub struct Group {
    pub address: SocketAddr,
    pub table: String,
    pub count: usize,
    #[arg(value_enum)]
    pub way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// Each asks again once it is answered
    Poll,
    /// Server-Sent Events
    Stream,
}

impl Group {
    pub fn arguments(&self) -> Vec<String> {
        let Self { address, table, count, way } = self;
        let way = match way {
            Way::Poll => "poll",
            Way::Stream => "stream",
        };
        vec![address.to_string(), table.clone(), count.to_string(), way.to_owned()]
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Forgets who was woken; answered by how many are connected.
    Listen,
    /// Answered by `Woken`, when all are.
    Tell,
}

/// When all had a change: microseconds since 1970, by a clock that all processes of a machine have in common.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Woken {
    pub median_micros: f64,
    pub last_micros: f64,
}

type Place = Rc<Client>;

#[derive(Default)]
struct Client {
    is_ready: Cell<bool>,
    woken_micros: Cell<Option<f64>>,
    failed: RefCell<Option<String>>,
}

pub async fn attend(group: &Group) -> anyhow::Result<()> {
    let mut places: Vec<Place> = Vec::new();
    while places.len() < group.count {
        let mut joining = JoinSet::new();
        for _ in 0..AT_ONCE.min(group.count - places.len()) {
            joining.spawn_local(TcpStream::connect(group.address));
        }
        let known = places.len();
        for socket in joining.join_all().await {
            let place = Place::default();
            spawn_local(hold(socket?, group.clone(), Rc::clone(&place)));
            places.push(place);
        }
        wait(&places[known..], |client| client.is_ready.get()).await?;
    }
    println!("ready");
    let mut orders = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        let answer = match serde_json::from_str(&order)? {
            Order::Listen => {
                places.iter().for_each(|client| client.woken_micros.set(None));
                let connected = places.iter().filter(|client| client.failed.borrow().is_none());
                serde_json::to_string(&connected.count())?
            }
            Order::Tell => {
                wait(&places, |client| client.woken_micros.get().is_some()).await?;
                serde_json::to_string(&woken(&places))?
            }
        };
        println!("{answer}");
    }
    Ok(())
}

async fn wait(places: &[Place], is_done: impl Fn(&Client) -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(why) = places.iter().find_map(|client| client.failed.borrow().clone()) {
            bail!("a client failed: {why}");
        }
        let missing = places.iter().filter(|client| !is_done(client)).count();
        if missing == 0 {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "waited in vain for {missing} clients");
        tokio::time::sleep(LOOK).await;
    }
}

fn woken(places: &[Place]) -> Woken {
    let micros: Vec<f64> = places.iter().filter_map(|client| client.woken_micros.get()).collect();
    Woken { median_micros: percentile(&micros, 50.0), last_micros: percentile(&micros, 100.0) }
}

async fn hold(socket: TcpStream, group: Group, client: Place) {
    let held = match group.way {
        Way::Poll => poll(socket, &group, &client).await,
        Way::Stream => stream(socket, &group, &client).await,
    };
    if let Err(error) = held {
        client.failed.replace(Some(format!("{error:#}")));
    }
}

/// Asks for a cursor, and then again and again for what came after the last one.
async fn poll(mut socket: TcpStream, group: &Group, client: &Client) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    let Group { address, table, .. } = group;
    let mut answer = Vec::new();
    let mut query = String::new();
    loop {
        let request = format!(
            "GET /v1/tables/{table}/changes{query} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        client.is_ready.set(!query.is_empty());
        answer.clear();
        while !is_complete(&answer)? {
            read(&socket, |bytes| answer.extend_from_slice(bytes)).await?;
        }
        if memmem::find(&answer, br#"{"event":""#).is_some() {
            client.wake();
        }
        let name = br#""cursor":""#;
        let at = memmem::rfind(&answer, name).context("an answer without a cursor")?;
        let cursor = answer[at + name.len()..].split(|byte| *byte == b'"').next();
        let cursor = std::str::from_utf8(cursor.unwrap_or_default())?;
        query = format!("?cursor={cursor}&wait=60");
    }
}

/// Whether an answer with 200 has come to its end.
fn is_complete(answer: &[u8]) -> anyhow::Result<bool> {
    let Some(end) = memmem::find(answer, b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
    let body = &answer[end + 4..];
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let is_complete = match length {
        Some(length) => body.len() >= length.trim().parse()?,
        None => body.ends_with(b"0\r\n\r\n"),
    };
    if is_complete && !head.starts_with("http/1.1 200") {
        bail!("refused: {}", String::from_utf8_lossy(answer));
    }
    Ok(is_complete)
}

async fn stream(mut socket: TcpStream, group: &Group, client: &Client) -> anyhow::Result<()> {
    let Group { address, table, .. } = group;
    let request = format!(
        "GET /v1/tables/{table}/changes HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut refused = None;
    loop {
        read(&socket, |bytes| {
            if !client.is_ready.get() && !bytes.starts_with(b"HTTP/1.1 200") {
                refused = Some(String::from_utf8_lossy(bytes).into_owned());
            }
            if memmem::find(bytes, b"event: patched").is_some() {
                client.wake();
            }
        })
        .await?;
        if let Some(refused) = refused {
            bail!("refused: {refused}");
        }
        client.is_ready.set(true);
    }
}

/// Waits for bytes and passes them on.
async fn read(socket: &TcpStream, mut each: impl FnMut(&[u8])) -> anyhow::Result<()> {
    loop {
        socket.readable().await?;
        let read = BUFFER.with_borrow_mut(|buffer| {
            let read = socket.try_read(buffer)?;
            each(&buffer[..read]);
            std::io::Result::Ok(read)
        });
        match read {
            Ok(0) => bail!("the daemon hung up"),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Client {
    fn wake(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.woken_micros.get().is_none() {
            self.woken_micros.set(Some(now.as_secs_f64() * 1e6));
        }
    }
}
