//! How long it takes from a commit to a client: over rowcast's WebSocket, and over LISTEN with the row in the NOTIFY.
//!
//! Writer and clients are threads of this process, so one clock times both ends. A change is its own transaction, and
//! two times are noted: right before COMMIT is sent, and when its answer is there. The targets take the first: it
//! precedes the moment at which anybody could know of the change, for both sides alike. The second may come after the
//! client has the change already, which makes a latency of less than nothing.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use memchr::memmem;
use tokio_postgres::{AsyncMessage, NoTls};

use crate::Options;
use crate::daemon::Daemon;
use crate::feed::Feed;
use crate::figures::percentile;
use crate::report::{Report, Section, Target};
use crate::stage::{NAIVE, Sql, Stage};

/// Changes a second.
const RATE: u32 = 50;
/// How long a change may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Changes before it counts.
const WARM_UP: u32 = 25;

const TABLES: &str = "
    create table feed (id integer primary key, n bigint not null, status text not null, changed_at timestamptz not null);
    create table plain (like feed including all);
    insert into feed values (1, 0, 'under way', now());
    insert into plain select * from feed";

/// The number of a change, and when it came.
type Arrival = (u64, Instant);

/// One way from the writer to a client.
struct Way {
    table: &'static str,
    arrivals: Receiver<Arrival>,
    number: u64,
}

/// Latencies of one turn, in milliseconds.
#[derive(Default)]
struct Turn {
    /// From right before COMMIT was sent.
    asked: Vec<f64>,
    /// From when it was answered.
    answered: Vec<f64>,
}

/// What all turns of a side came to.
#[derive(Default)]
struct Side {
    asked_p50: Vec<f64>,
    asked_p99: Vec<f64>,
    answered_p50: Vec<f64>,
    answered_p99: Vec<f64>,
}

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut writer = stage.create_database("latency")?;
    let url = stage.url("latency");
    writer.run(TABLES)?;
    writer.run(&format!(
        "{NAIVE}; create trigger naive after update on plain for each row execute function naive()"
    ))?;
    let daemon = Daemon::start(&url, "feed")?;
    let address = daemon.address;
    let mut ways = [
        Way::open("feed", move |arrivals| follow(address, arrivals))?,
        Way::open("plain", move |arrivals| listen(&url, arrivals))?,
    ];
    let mut sides = [Side::default(), Side::default()];
    for way in &mut ways {
        way.turn(&mut writer, WARM_UP)?;
    }
    for round in 0..options.rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            let turn = ways[side].turn(&mut writer, options.seconds * RATE)?;
            sides[side].add(&turn);
        }
    }
    daemon.stop()?;
    report.add(section(options, &sides));
    Ok(())
}

fn section(options: &Options, [rowcast, listen]: &[Side; 2]) -> Section {
    let mut section = Section::new(format!("latency at {RATE} changes a second"));
    let (rounds, seconds) = (options.rounds, options.seconds);
    section.note(format!("{rounds} turns of {seconds} s a side, each change its own commit"));
    section.note("from right before COMMIT is sent until the client has the change:");
    section.series("LISTEN p50", "ms", &listen.asked_p50);
    section.series("rowcast p50", "ms", &rowcast.asked_p50);
    section.series("LISTEN p99", "ms", &listen.asked_p99);
    section.series("rowcast p99", "ms", &rowcast.asked_p99);
    section.series("LISTEN p50, from COMMIT's answer on", "ms", &listen.answered_p50);
    section.series("rowcast p50, from COMMIT's answer on", "ms", &rowcast.answered_p50);
    section.series("LISTEN p99, from COMMIT's answer on", "ms", &listen.answered_p99);
    section.series("rowcast p99, from COMMIT's answer on", "ms", &rowcast.answered_p99);
    let aim = |bound| Some(Target::AtMost(bound));
    section.ratio("p50: rowcast / LISTEN", &rowcast.asked_p50, &listen.asked_p50, aim(2.0));
    section.ratio("p99: rowcast / LISTEN", &rowcast.asked_p99, &listen.asked_p99, aim(3.0));
    section
}

impl Side {
    fn add(&mut self, turn: &Turn) {
        self.asked_p50.push(percentile(&turn.asked, 50.0));
        self.asked_p99.push(percentile(&turn.asked, 99.0));
        self.answered_p50.push(percentile(&turn.answered, 50.0));
        self.answered_p99.push(percentile(&turn.answered, 99.0));
    }
}

impl Way {
    /// Starts a client, and waits until it is live.
    fn open(
        table: &'static str,
        client: impl FnOnce(Sender<Arrival>) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (sender, arrivals) = channel();
        let thread: JoinHandle<_> = std::thread::spawn(move || client(sender));
        match arrivals.recv_timeout(PATIENCE) {
            Ok(_live) => Ok(Self { table, arrivals, number: 0 }),
            Err(_) if thread.is_finished() => {
                let ended = thread.join().expect("the client doesn't panic");
                bail!("the client of {table} ended: {ended:?}")
            }
            Err(_) => bail!("the client of {table} didn't get ready within {PATIENCE:?}"),
        }
    }

    /// So many changes on a fixed schedule, each waited for.
    fn turn(&mut self, writer: &mut Sql, changes: u32) -> anyhow::Result<Turn> {
        let (begun, period) = (Instant::now(), Duration::from_secs(1) / RATE);
        let mut turn = Turn::default();
        for change in 0..changes {
            let due = begun + period * change;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.number += 1;
            let Self { table, number, .. } = self;
            writer.run("begin")?;
            writer.run(&format!("update {table} set n = {number}, changed_at = now()"))?;
            let asked = Instant::now();
            writer.run("commit")?;
            let answered = Instant::now();
            let arrival = self.arrivals.recv_timeout(PATIENCE);
            let (came, at) = arrival.context("a change didn't come")?;
            ensure!(came == self.number, "change {} was due, {came} came", self.number);
            turn.asked.push(milliseconds(asked, at));
            turn.answered.push(milliseconds(answered, at));
        }
        Ok(turn)
    }
}

/// The WebSocket's client; says 0 when it is live.
fn follow(address: SocketAddr, arrivals: Sender<Arrival>) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let mut feed = Feed::subscribe(address, "feed").await?;
        arrivals.send((0, Instant::now()))?;
        loop {
            feed.read(|payload| pass_on(payload, &arrivals)).await?;
        }
    })
}

/// LISTEN's client; says 0 when it listens.
fn listen(url: &str, arrivals: Sender<Arrival>) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let (client, mut connection) = tokio_postgres::connect(url, NoTls).await?;
        let mut messages =
            futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        let noted = arrivals.clone();
        let receiving = async move {
            while let Some(message) = messages.next().await {
                if let AsyncMessage::Notification(notification) = message? {
                    pass_on(notification.payload().as_bytes(), &noted);
                }
            }
            bail!("LISTEN's connection ended")
        };
        let listening = async {
            client.batch_execute("listen naive").await?;
            arrivals.send((0, Instant::now()))?;
            std::future::pending().await
        };
        tokio::select! {
            ended = receiving => ended,
            ended = listening => ended,
        }
    })
}

/// Both sides send the row as JSON, with the change's number in its column `n`. Whoever is gone wants no more.
fn pass_on(payload: &[u8], arrivals: &Sender<Arrival>) {
    let now = Instant::now();
    let Some(at) = memmem::find(payload, br#""n":"#) else { return };
    let digits = payload[at + 4..].iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    let _ = arrivals.send((number, now));
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(after) => after.as_secs_f64() * 1e3,
        None => -(from.duration_since(to).as_secs_f64() * 1e3),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
