//! A steady trickle of changes of one row, and how long each takes to a subscriber.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use memchr::memmem;

use crate::feed::Feed;
use crate::stage::{Sql, Stage};

const PATIENCE: Duration = Duration::from_secs(30);
/// What a change of the row looks like in an event; the number follows.
const MARK: &[u8] = br#""data":{"id":0,"n":"#;

/// A writer and a subscriber, each a thread.
pub struct Trickle {
    shared: Arc<Shared>,
    writer: JoinHandle<anyhow::Result<()>>,
    _reader: JoinHandle<()>,
}

struct Shared {
    first: u64,
    over: AtomicBool,
    /// The number of the last change that came.
    seen: AtomicU64,
    changes: Mutex<Vec<Change>>,
    failed: Mutex<Option<anyhow::Error>>,
}

/// Its number is its place in the list, counted from the first one's.
#[derive(Clone, Copy)]
struct Change {
    /// Right before COMMIT was sent.
    asked: Instant,
    came: Option<Instant>,
}

impl Trickle {
    /// Changes the row 0 of `feed (id, n, …)` so many times a second; `n` counts on from `first`, which it hasn't been yet.
    pub fn start(
        stage: &Stage,
        database: &str,
        address: SocketAddr,
        rate: u32,
        first: u64,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            first,
            over: AtomicBool::new(false),
            seen: AtomicU64::new(first),
            changes: Mutex::new(Vec::new()),
            failed: Mutex::new(None),
        });
        let (reading, (live, is_live)) = (Arc::clone(&shared), std::sync::mpsc::channel());
        let reader = std::thread::spawn(move || {
            let Err(error) = reading.follow(address, || {
                let _ = live.send(());
            });
            *reading.failed.lock().expect("nobody panics") = Some(error);
        });
        if is_live.recv_timeout(PATIENCE).is_err() {
            bail!("the trickle's reader didn't get ready: {:?}", shared.failed());
        }
        let (writing, mut sql) = (Arc::clone(&shared), stage.sql(database)?);
        let writer = std::thread::spawn(move || writing.write(&mut sql, rate));
        Ok(Self { shared, writer, _reader: reader })
    }

    /// The number of the last change that came to the subscriber.
    pub fn seen(&self) -> u64 {
        self.shared.seen.load(Ordering::Relaxed)
    }

    /// Ends the writing, and waits until everything has come; answers how many changes there were.
    pub fn stop(self) -> anyhow::Result<Latencies> {
        self.shared.over.store(true, Ordering::Relaxed);
        self.writer.join().map_err(|_| anyhow!("the trickle's writer panicked"))??;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let changes = self.shared.changes.lock().expect("nobody panics").clone();
            let missing = changes.iter().filter(|change| change.came.is_none()).count();
            if missing == 0 {
                return Ok(Latencies(changes));
            }
            if let Some(error) = self.shared.failed() {
                bail!("the trickle's reader failed: {error}");
            }
            if Instant::now() > deadline {
                bail!("{missing} changes of the trickle didn't come");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// All changes with their times.
pub struct Latencies(Vec<Change>);

impl Latencies {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Milliseconds, of those that were asked for within this time.
    pub fn within(&self, time: Range<Instant>) -> Vec<f64> {
        let changes = self.0.iter().filter(|change| time.contains(&change.asked));
        let latency = |change: &Change| Some((change.came?, change.asked));
        let latencies = changes.filter_map(latency);
        latencies.map(|(came, asked)| (came - asked).as_secs_f64() * 1e3).collect()
    }
}

/// The number in the last change of the trickle in a frame of events.
pub fn last_number(payload: &[u8]) -> Option<u64> {
    memmem::rfind(payload, MARK).map(|at| number_at(payload, at))
}

fn number_at(payload: &[u8], mark: usize) -> u64 {
    let digits = payload[mark + MARK.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

impl Shared {
    fn failed(&self) -> Option<String> {
        let failed = self.failed.lock().expect("nobody panics");
        failed.as_ref().map(|error| format!("{error:#}"))
    }

    fn write(&self, sql: &mut Sql, rate: u32) -> anyhow::Result<()> {
        let (begun, period) = (Instant::now(), Duration::from_secs(1) / rate);
        for nth in 0_u32.. {
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep((begun + period * nth).saturating_duration_since(Instant::now()));
            let number = self.first + u64::from(nth);
            sql.run(&format!("begin; update feed set n = {number} where id = 0"))?;
            let asked = Instant::now();
            self.changes.lock().expect("nobody panics").push(Change { asked, came: None });
            sql.run("commit")?;
        }
        Ok(())
    }

    fn follow(
        &self,
        address: SocketAddr,
        live: impl FnOnce(),
    ) -> Result<std::convert::Infallible, anyhow::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut feed = Feed::subscribe(address, "feed").await?;
            live();
            loop {
                feed.read(|payload| self.hear(payload)).await?;
            }
        })
    }

    fn hear(&self, payload: &[u8]) {
        let now = Instant::now();
        for at in memmem::find_iter(payload, MARK) {
            let number = number_at(payload, at);
            let mut changes = self.changes.lock().expect("nobody panics");
            let nth = number.checked_sub(self.first).and_then(|nth| usize::try_from(nth).ok());
            let change = nth.and_then(|nth| changes.get_mut(nth));
            if let Some(change) = change {
                change.came.get_or_insert(now);
                self.seen.store(number, Ordering::Relaxed);
            }
        }
    }
}
