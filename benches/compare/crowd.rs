//! The clients, in a process of their own: what receiving costs isn't what sending costs.
//!
//! Parent and child talk in lines: the child says `ready` when all clients are connected; whatever the parent says
//! then is answered by what has been received so far; `returning` and `waiting` have orders of their own. The child ends when
//! the parent hangs up.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use memchr::memmem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncBufReadExt as _;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet, spawn_local};
use tokio_postgres::{AsyncMessage, NoTls};

use crate::feed::Feed;
use crate::{returning, waiting};

/// How long it may take until everything that was sent has come.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many clients connect at once.
pub const AT_ONCE: usize = 50;

/// What the clients do.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Kind {
    /// Subscribers of a daemon
    Subscribe { address: SocketAddr, table: String, count: usize },
    /// Plain sockets that read whatever comes
    Connect { address: SocketAddr, count: usize },
    /// One LISTEN connection
    Listen { url: String, channel: String },
    /// Subscribers that leave and come back
    Return(returning::Group),
    /// Requests over HTTP that wait for changes
    Wait(waiting::Group),
}

impl Kind {
    fn arguments(&self) -> Vec<String> {
        match self {
            Kind::Subscribe { address, table, count } => {
                vec!["subscribe".into(), address.to_string(), table.clone(), count.to_string()]
            }
            Kind::Connect { address, count } => {
                vec!["connect".into(), address.to_string(), count.to_string()]
            }
            Kind::Listen { url, channel } => vec!["listen".into(), url.clone(), channel.clone()],
            Kind::Return(group) => [vec!["return".to_owned()], group.arguments()].concat(),
            Kind::Wait(group) => [vec!["wait".to_owned()], group.arguments()].concat(),
        }
    }
}

/// What has been received so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Clients that are still connected.
    pub clients: usize,
    /// Events, or notifications, that the first client got.
    pub events: u64,
    /// Frames of events that the first client got, and the fewest and most that any got: what is sent is shared.
    pub frames: u64,
    pub fewest_frames: u64,
    pub most_frames: u64,
    /// Bytes that the first client got, and the fewest that any got.
    pub bytes: u64,
    pub fewest_bytes: u64,
}

/// The parent's side. Dropping it ends the child.
pub struct Crowd {
    child: std::process::Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Crowd {
    /// Returns when all clients are connected, and subscribed.
    pub fn gather(kind: &Kind) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("crowd").args(kind.arguments());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("can't start the clients")?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("the clients can't answer")?);
        let mut crowd = Self { child, orders, answers };
        let line = crowd.line()?;
        ensure!(line == "ready", "the clients could not connect: {line}");
        Ok(crowd)
    }

    pub fn received(&mut self) -> anyhow::Result<Received> {
        self.order("count")
    }

    /// Says something, and waits for the answer.
    pub fn order<A: DeserializeOwned>(&mut self, order: impl Serialize) -> anyhow::Result<A> {
        let mut line = serde_json::to_string(&order)?;
        line.push('\n');
        let orders = self.orders.as_mut().context("the clients are gone")?;
        orders.write_all(line.as_bytes())?;
        orders.flush()?;
        let answer = self.line()?;
        serde_json::from_str(&answer).with_context(|| format!("no answer: {answer}"))
    }

    /// Waits until every client has everything, which `is_all` tells of what has been received.
    pub fn wait_for(
        &mut self,
        what: &str,
        is_all: impl Fn(&Received) -> bool,
    ) -> anyhow::Result<Received> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let received = self.received()?;
            if is_all(&received) {
                return Ok(received);
            }
            if Instant::now() > deadline {
                bail!("waited in vain for {what}; received: {received:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until every client has got this many events since `before`.
    pub fn wait_for_events(&mut self, before: &Received, events: u64) -> anyhow::Result<Received> {
        let received = self.wait_for(&format!("{events} events"), |now| {
            now.events - before.events >= events && now.fewest_frames == now.most_frames
        })?;
        let came = received.events - before.events;
        ensure!(came == events, "{events} changes were made, {came} events came");
        ensure!(received.clients == before.clients, "clients were disconnected: {received:?}");
        Ok(received)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the clients ended");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What one client has received.
#[derive(Clone, Copy, Default)]
struct Tally {
    events: u64,
    frames: u64,
    bytes: u64,
    is_gone: bool,
}

type Place = Rc<Cell<Tally>>;

/// The child's side.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = LocalSet::new().block_on(&runtime, attend(&arguments.kind));
    // The thread that reads standard input can't be waited for.
    runtime.shutdown_background();
    done
}

async fn attend(kind: &Kind) -> anyhow::Result<()> {
    let places = match kind {
        Kind::Return(group) => return returning::attend(group).await,
        Kind::Wait(group) => return waiting::attend(group).await,
        Kind::Subscribe { address, table, count } => subscribe(*address, table, *count).await?,
        Kind::Connect { address, count } => connect(*address, *count).await?,
        Kind::Listen { url, channel } => vec![listen(url, channel).await?],
    };
    println!("ready");
    let mut orders = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while orders.next_line().await?.is_some() {
        println!("{}", serde_json::to_string(&add_up(&places))?);
    }
    Ok(())
}

fn add_up(places: &[Place]) -> Received {
    let tallies = || places.iter().map(|place| place.get());
    let first = tallies().next().unwrap_or_default();
    Received {
        clients: tallies().filter(|tally| !tally.is_gone).count(),
        events: first.events,
        frames: first.frames,
        fewest_frames: tallies().map(|tally| tally.frames).min().unwrap_or(0),
        most_frames: tallies().map(|tally| tally.frames).max().unwrap_or(0),
        bytes: first.bytes,
        fewest_bytes: tallies().map(|tally| tally.bytes).min().unwrap_or(0),
    }
}

async fn subscribe(address: SocketAddr, table: &str, count: usize) -> anyhow::Result<Vec<Place>> {
    let mut places = vec![];
    while places.len() < count {
        let mut joining = JoinSet::new();
        for _ in 0..AT_ONCE.min(count - places.len()) {
            let table = table.to_owned();
            joining.spawn_local(async move { Feed::subscribe(address, &table).await });
        }
        for feed in joining.join_all().await {
            let place = Place::default();
            spawn_local(follow(feed?, Rc::clone(&place), places.is_empty()));
            places.push(place);
        }
    }
    Ok(places)
}

/// Counts what comes; only the first client looks into the frames.
async fn follow(mut feed: Feed, place: Place, is_first: bool) {
    let event = memmem::Finder::new(br#"{"event":""#);
    let mut tally = Tally::default();
    loop {
        let read = feed.read(|payload| {
            tally.bytes += payload.len() as u64;
            if payload.starts_with(br#"{"op":"events""#) {
                tally.frames += 1;
                if is_first {
                    tally.events += event.find_iter(payload).count() as u64;
                }
            }
        });
        tally.is_gone = read.await.is_err();
        place.set(tally);
        if tally.is_gone {
            return;
        }
    }
}

async fn connect(address: SocketAddr, count: usize) -> anyhow::Result<Vec<Place>> {
    let mut places = vec![];
    for _ in 0..count {
        let (socket, place) = (TcpStream::connect(address).await?, Place::default());
        spawn_local(swallow(socket, Rc::clone(&place)));
        places.push(place);
    }
    Ok(places)
}

async fn swallow(socket: TcpStream, place: Place) {
    let mut buffer = vec![0; 16 << 10];
    let mut tally = Tally::default();
    while socket.readable().await.is_ok() {
        match socket.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => tally.bytes += read as u64,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        place.set(tally);
    }
    place.set(Tally { is_gone: true, ..tally });
}

async fn listen(url: &str, channel: &str) -> anyhow::Result<Place> {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await?;
    let place = Place::default();
    let shared = Rc::clone(&place);
    spawn_local(async move {
        let mut messages =
            futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        let mut tally = Tally::default();
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message {
                tally.events += 1;
                tally.bytes += notification.payload().len() as u64;
                shared.set(tally);
            }
        }
        shared.set(Tally { is_gone: true, ..tally });
    });
    client.batch_execute(&format!("listen {channel}")).await?;
    // The connection lasts as long as its client.
    spawn_local(async move {
        std::future::pending::<()>().await;
        drop(client);
    });
    Ok(place)
}
