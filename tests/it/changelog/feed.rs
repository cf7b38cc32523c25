//! A running reader, and what it has handed on.

use std::sync::{Arc, Mutex};

use rowcast::changelog::{self, Reading, ResetReason, Settings};
use rowcast::cursor::Cursor;
use rowcast::database::Database;
use rowcast::event::Change;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support;

/// What was handed on since the reader began, or was reset.
#[derive(Debug, Default)]
pub struct Seen {
    /// Complete batches; those without changes are left out.
    pub batches: Vec<Vec<Change>>,
    pub commits: usize,
    pub cursor: Option<Cursor>,
    pub resets: Vec<ResetReason>,
    pub losses: usize,
    open: Vec<Change>,
    is_new: bool,
}

impl Seen {
    fn take(&mut self, reading: Reading) {
        match reading {
            Reading::Changes(changes) => self.open.extend(changes),
            Reading::Commit(cursor) => {
                self.commits += 1;
                self.cursor = Some(cursor);
                self.is_new = true;
                let batch = std::mem::take(&mut self.open);
                if !batch.is_empty() {
                    self.batches.push(batch);
                }
            }
            Reading::Reset(reason) => {
                let (losses, commits) = (self.losses, self.commits);
                let mut resets = std::mem::take(&mut self.resets);
                resets.push(reason);
                *self = Self { losses, commits, resets, ..Self::default() };
            }
            Reading::Lost => self.losses += 1,
        }
    }

    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.batches.iter().flatten()
    }

    /// Whether a row with this `id` has come into being.
    pub fn has_inserted(&self, id: i64) -> bool {
        let head = format!("{{\"id\":{id},");
        self.changes()
            .any(|c| c.old.is_none() && c.new.as_ref().is_some_and(|r| r.json.starts_with(&head)))
    }
}

/// A reader with somebody who takes what it reads. It ends when dropped.
pub struct Feed {
    seen: Arc<Mutex<Seen>>,
    shutdown: CancellationToken,
    reader: JoinHandle<()>,
}

impl Feed {
    /// Starts a reader, and waits until it has its place.
    pub async fn start(url: &str, settings: Settings) -> Self {
        let feed = Self::start_early(url, settings);
        feed.until("a place", |seen| seen.cursor.is_some()).await;
        feed
    }

    pub fn start_early(url: &str, settings: Settings) -> Self {
        let (out, mut readings) = mpsc::channel(4);
        let (reader, shutdown) = run(url, settings, out);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let taker = seen.clone();
        tokio::spawn(async move {
            while let Some(reading) = readings.recv().await {
                taker.lock().unwrap().take(reading);
            }
        });
        Self { seen, shutdown, reader }
    }

    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }

    pub async fn until(&self, what: &str, condition: impl Fn(&Seen) -> bool) {
        support::eventually(what, async || self.look(&condition).then_some(())).await;
    }

    /// Ends, and waits for that.
    pub async fn stop(&mut self) {
        self.shutdown.cancel();
        (&mut self.reader).await.unwrap();
    }

    /// Ends without a word to the database, as a killed daemon does.
    pub fn kill(self) {
        self.reader.abort();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Starts a reader that hands on to `out`.
pub fn run(
    url: &str,
    settings: Settings,
    out: mpsc::Sender<Reading>,
) -> (JoinHandle<()>, CancellationToken) {
    let database = Database::resolve(Some(url), &|_| None).unwrap();
    let shutdown = CancellationToken::new();
    let reader = changelog::run(database, settings, Vec::new(), out, shutdown.clone());
    (tokio::spawn(async { reader.await.unwrap() }), shutdown)
}
