//! Keys that change: read again in the background, at once when a token names an unknown one, and
//! kept while they can't be read. A set that can be read and has no key for us takes the last ones away.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::super::complaint::Complaint;
use super::super::http::{Answer, Http};
use super::super::secret::read_file;
use super::Algorithm;
use super::jwks;
use super::key::{Key, KeyFault};
use crate::identity::{Refused, Timing};

/// How long fetched keys count as new, whatever the server says.
const FRESH: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// The same, if the server says nothing.
const USUALLY_FRESH: Duration = Duration::from_secs(600);

/// The pauses after failures.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How long a token waits for the first keys, or for newer ones, beyond the pause between two fetches.
const PATIENCE: Duration = Duration::from_secs(5);

const COMPLAINT: &str = "the keys of [auth.jwt] can't be read";

/// Keys that a task keeps up to date. The task ends with this.
#[derive(Debug)]
pub struct Kept {
    state: watch::Receiver<State>,
    wanted: Arc<Notify>,
    patience: Duration,
    _task: AbortOnDropHandle<()>,
}

/// Where the keys come from.
pub enum Source {
    File(PathBuf),
    Url(Box<Http>),
}

#[derive(Debug, Default)]
struct State {
    /// Absent until they could be read once.
    keys: Option<Arc<[Key]>>,
    /// When the last attempt that has ended had begun.
    began: Option<Instant>,
    failed: bool,
}

impl Kept {
    pub fn start(source: Source, algorithms: Vec<Algorithm>, timing: &Timing) -> Self {
        let (sender, state) = watch::channel(State::default());
        let wanted = Arc::new(Notify::new());
        let keeper = Keeper {
            source,
            algorithms,
            wanted: Arc::clone(&wanted),
            reread: timing.reread,
            refetch: timing.refetch,
            complaint: Complaint::default(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(keeper.run(sender)));
        Self { state, wanted, patience: timing.refetch + PATIENCE, _task: task }
    }

    /// The last good keys.
    pub async fn now(&self) -> Result<Arc<[Key]>, Refused> {
        let mut state = self.state.clone();
        let tried = timeout(PATIENCE, state.wait_for(|state| state.began.is_some())).await;
        let keys = tried.ok().and_then(|state| state.ok()?.keys.clone());
        keys.ok_or(Refused::Unavailable)
    }

    /// Keys that are read after this call.
    pub async fn newer(&self) -> Result<Arc<[Key]>, Refused> {
        let asked = Instant::now();
        let mut state = self.state.clone();
        self.wanted.notify_one();
        let is_newer = |state: &State| state.began.is_some_and(|began| began >= asked);
        let tried = timeout(self.patience, state.wait_for(is_newer)).await;
        let tried = tried.ok().and_then(|state| state.ok()).filter(|state| !state.failed);
        tried.and_then(|state| state.keys.clone()).ok_or(Refused::Unavailable)
    }
}

struct Keeper {
    source: Source,
    algorithms: Vec<Algorithm>,
    wanted: Arc<Notify>,
    reread: Duration,
    refetch: Duration,
    complaint: Complaint,
}

impl Keeper {
    async fn run(self, state: watch::Sender<State>) {
        let mut failures = Failures::default();
        let mut asked = None;
        loop {
            let began = Instant::now();
            let next = match self.read().await {
                Ok((keys, fresh)) => {
                    failures = Failures::default();
                    let keys = Some(keys.into());
                    state.send_replace(State { keys, began: Some(began), failed: false });
                    fresh
                }
                Err(reason) => {
                    state.send_modify(|state| (state.began, state.failed) = (Some(began), true));
                    failures.pause(&reason)
                }
            };
            tokio::select! {
                () = sleep(next) => {}
                () = self.wanted.notified() => {
                    sleep_until(asked.map_or(began, |asked| asked + self.refetch)).await;
                    asked = Some(Instant::now());
                }
            }
        }
    }

    /// The keys, and for how long they count as new.
    async fn read(&self) -> Result<(Vec<Key>, Duration), String> {
        let (json, fresh) = match &self.source {
            Source::File(path) => {
                let path = path.clone();
                let read = spawn_blocking(move || read_file(&path)).await;
                let json = read.map_err(|error| error.to_string())?;
                (json.map_err(|error| format!("the file {error}"))?, self.reread)
            }
            Source::Url(http) => {
                let answer = http.get(HeaderMap::new()).await;
                fetched(answer.map_err(|error| format!("{:#}", anyhow::anyhow!(error)))?)?
            }
        };
        match jwks::read(&json, &self.algorithms) {
            Ok(keys) => Ok((keys, fresh)),
            Err(fault @ KeyFault::NoneFits) => {
                self.complaint.say(COMPLAINT, &fault.to_string());
                Ok((Vec::new(), fresh))
            }
            Err(fault) => Err(fault.to_string()),
        }
    }
}

fn fetched(answer: Answer) -> Result<(Vec<u8>, Duration), String> {
    if answer.status != StatusCode::OK {
        return Err(format!("the answer is {}", answer.status));
    }
    let fresh = answer.max_age.unwrap_or(USUALLY_FRESH).clamp(FRESH.0, FRESH.1);
    Ok((answer.body, fresh))
}

/// Failures in a row: ever longer pauses.
#[derive(Default)]
struct Failures {
    pause: Option<Duration>,
    complaint: Complaint,
}

impl Failures {
    fn pause(&mut self, reason: &str) -> Duration {
        self.complaint.say(COMPLAINT, reason);
        let pause = self.pause.map_or(PAUSES.0, |last| (last * 2).min(PAUSES.1));
        self.pause = Some(pause);
        pause
    }
}
