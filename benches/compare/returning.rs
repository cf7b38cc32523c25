//! Clients that leave, and all come back at once with their cursors: the side of the process that holds them.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncBufReadExt as _;
use tokio::task::JoinSet;

use crate::crowd::AT_ONCE;
use crate::feed::{Feed, Wanted};
use crate::figures::percentile;

/// How long the last one may take.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(5);

/// Who they are.
#[derive(Clone, Debug, clap::Args)]
pub struct Group {
    pub address: SocketAddr,
    pub table: String,
    pub count: usize,
    /// Each reads one customer's rows, not all of them
    #[arg(long)]
    pub by_customer: bool,
}

impl Group {
    pub fn arguments(&self) -> Vec<String> {
        let Self { address, table, count, by_customer } = self;
        let mut arguments = vec![address.to_string(), table.clone(), count.to_string()];
        arguments.extend(by_customer.then(|| "--by-customer".to_owned()));
        arguments
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Answered by how many were connected.
    Leave,
    /// Answered by `Returned`.
    Return { address: SocketAddr, until: Until },
    /// Answered by `Received`.
    Count,
}

/// When a client is live again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    Subscribed,
    /// It has so many events, and the commit behind them.
    Events(u64),
    /// It has all rows.
    Synced,
}

/// How they came back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Returned {
    /// Milliseconds from the order until half of them, and until all were live again.
    pub median_ms: f64,
    pub last_ms: f64,
    pub received: Received,
}

/// What came since they were told to return.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    pub live: usize,
    /// The fewest and most that any got.
    pub events: (u64, u64),
    pub rows: (u64, u64),
    pub resets: u64,
    /// Why the first one failed that did.
    pub failed: Option<String>,
}

#[derive(Default)]
struct Client {
    customer: Option<usize>,
    cursor: RefCell<Option<String>>,
    events: Cell<u64>,
    rows: Cell<u64>,
    resets: Cell<u64>,
    live_ms: Cell<Option<f64>>,
    failed: RefCell<Option<String>>,
}

struct Clients {
    all: Vec<Rc<Client>>,
    table: Rc<str>,
    connected: JoinSet<()>,
}

/// What a message says that matters here.
#[derive(Deserialize)]
struct Said<'a> {
    cursor: Option<&'a str>,
}

pub async fn attend(group: &Group) -> anyhow::Result<()> {
    let client = |at| Client { customer: group.by_customer.then_some(at), ..Client::default() };
    let mut clients = Clients {
        all: (1..=group.count).map(|at| Rc::new(client(at))).collect(),
        table: group.table.as_str().into(),
        connected: JoinSet::new(),
    };
    for some in clients.all.clone().chunks(AT_ONCE) {
        clients.connect(some, group.address, Until::Subscribed);
        clients.wait(some).await?;
    }
    println!("ready");
    let mut orders = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        let answer = match serde_json::from_str(&order)? {
            Order::Leave => {
                let were = clients.connected.len();
                clients.connected.shutdown().await;
                serde_json::to_string(&were)?
            }
            Order::Return { address, until } => {
                serde_json::to_string(&clients.come_back(address, until).await?)?
            }
            Order::Count => serde_json::to_string(&clients.received())?,
        };
        println!("{answer}");
    }
    Ok(())
}

impl Clients {
    async fn come_back(&mut self, address: SocketAddr, until: Until) -> anyhow::Result<Returned> {
        let all = self.all.clone();
        self.connect(&all, address, until);
        self.wait(&all).await?;
        let live_ms: Vec<f64> = all.iter().filter_map(|client| client.live_ms.get()).collect();
        let (median_ms, last_ms) = (percentile(&live_ms, 50.0), percentile(&live_ms, 100.0));
        Ok(Returned { median_ms, last_ms, received: self.received() })
    }

    fn connect(&mut self, some: &[Rc<Client>], address: SocketAddr, until: Until) {
        let begun = Instant::now();
        for client in some {
            client.begin();
            let (client, table) = (Rc::clone(client), Rc::clone(&self.table));
            self.connected.spawn_local(async move {
                if let Err(error) = client.follow(address, &table, until, begun).await {
                    client.failed.replace(Some(format!("{error:#}")));
                }
            });
        }
    }

    /// Waits until they are live.
    async fn wait(&self, some: &[Rc<Client>]) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while some.iter().any(|client| client.live_ms.get().is_none()) {
            if let Some(why) = some.iter().find_map(|client| client.failed.borrow().clone()) {
                bail!("a client failed: {why}");
            }
            if Instant::now() > deadline {
                bail!("waited in vain for all to be live: {:?}", self.received());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    fn received(&self) -> Received {
        let ends = |of: fn(&Client) -> u64| {
            let all = || self.all.iter().map(|client| of(client));
            (all().min().unwrap_or(0), all().max().unwrap_or(0))
        };
        Received {
            live: self.all.iter().filter(|client| client.live_ms.get().is_some()).count(),
            events: ends(|client| client.events.get()),
            rows: ends(|client| client.rows.get()),
            resets: self.all.iter().map(|client| client.resets.get()).sum(),
            failed: self.all.iter().find_map(|client| client.failed.borrow().clone()),
        }
    }
}

impl Client {
    fn begin(&self) {
        self.events.set(0);
        self.rows.set(0);
        self.resets.set(0);
        self.live_ms.set(None);
        self.failed.replace(None);
    }

    /// Connects with its cursor, if it has one, and reads for ever.
    async fn follow(
        &self,
        address: SocketAddr,
        table: &str,
        until: Until,
        begun: Instant,
    ) -> anyhow::Result<()> {
        let cursor = self.cursor.borrow().clone();
        let wanted = Wanted {
            table,
            customer: self.customer,
            cursor: cursor.as_deref(),
            snapshot: cursor.is_some(),
            receive_buffer_bytes: None,
        };
        let mut feed = Feed::open(address, &wanted).await.context("connecting")?;
        loop {
            let mut wrong = None;
            let read = feed.read(|payload| {
                if let Err(error) = self.hear(payload, until, begun) {
                    wrong.get_or_insert(error);
                }
            });
            read.await.context("reading")?;
            wrong.map_or(Ok(()), Err)?;
        }
    }

    fn hear(&self, payload: &[u8], until: Until, begun: Instant) -> anyhow::Result<()> {
        let op = payload.strip_prefix(br#"{"op":""#).unwrap_or(payload);
        let is = |name: &[u8]| op.starts_with(name);
        let mut is_live = false;
        if is(br#"events""#) {
            let count = memmem::find_iter(payload, br#"{"event":""#).count();
            self.events.set(self.events.get() + count as u64);
        } else if is(br#"rows""#) {
            let count = memmem::find_iter(payload, br#"{"id":"#).count();
            self.rows.set(self.rows.get() + count as u64);
        } else if is(br#"commit""#) {
            self.keep_cursor(payload)?;
            is_live = matches!(until, Until::Events(events) if self.events.get() >= events);
        } else if is(br#"subscribed""#) {
            // What comes before the first commit belongs to the cursor that it brought.
            if self.cursor.borrow().is_none() {
                self.keep_cursor(payload)?;
            }
            is_live = until == Until::Subscribed;
        } else if is(br#"synced""#) {
            self.keep_cursor(payload)?;
            is_live = until == Until::Synced;
        } else if is(br#"reset""#) {
            self.resets.set(self.resets.get() + 1);
        } else if is(br#"error""#) {
            bail!("{}", String::from_utf8_lossy(payload));
        }
        if is_live && self.live_ms.get().is_none() {
            self.live_ms.set(Some(begun.elapsed().as_secs_f64() * 1e3));
        }
        Ok(())
    }

    fn keep_cursor(&self, payload: &[u8]) -> anyhow::Result<()> {
        let said: Said<'_> = serde_json::from_slice(payload)?;
        let cursor = said.cursor.context("no cursor")?;
        self.cursor.replace(Some(cursor.to_owned()));
        Ok(())
    }
}
