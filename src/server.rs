//! Builds the stages, owns their tasks, and drains them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::changelog::{Reading, Replays};
use crate::identity::Authority;
use crate::policy::Current;
use crate::shape::{self, Ended, Hub, Outside, Replayer};
use crate::snapshot::Snapshots;
use crate::spool::Budget;
use crate::transport::{self, App, Metrics, Timing};

/// How long open connections get to take their leave.
const DRAIN: Duration = Duration::from_secs(5);

/// What delivery needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    pub transport: transport::Settings,
    pub authority: Authority,
    pub shape: shape::Settings,
    pub snapshots: Snapshots,
    /// What reads the log for those who are behind; without it nothing is known but what the hub remembers.
    pub replays: Option<Replays>,
    /// What may be kept of what they are sent.
    pub budget: Budget,
    pub timing: Timing,
    /// Routes that are served beside the daemon's own; no path may be among both.
    pub extra: axum::Router,
}

impl Settings {
    pub fn new(transport: transport::Settings, authority: Authority) -> Self {
        let outbox_max_bytes = transport.outbox_max_bytes;
        let max_subscriptions = transport.max_subscriptions;
        let shape =
            shape::Settings { outbox_max_bytes, max_subscriptions, ..shape::Settings::default() };
        let (snapshots, timing) = (Snapshots::unavailable(), Timing::default());
        Self {
            transport,
            authority,
            shape,
            snapshots,
            replays: None,
            budget: Budget::default(),
            timing,
            extra: axum::Router::new(),
        }
    }
}

/// How draining ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    Wholly,
    /// Connections that were still open at the deadline were cut.
    CutOff,
}

/// Why the server stopped without having been told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the change log's reader has ended")]
    ReaderGone,
    #[error("a task died")]
    TaskDied(#[source] JoinError),
    #[error("a task ended before its time")]
    TaskEnded,
}

/// Serves what the readings say until `shutdown`, then drains within a deadline.
pub async fn run(
    settings: Settings,
    served: Current,
    readings: mpsc::Receiver<Reading>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<Drained, Error> {
    let observed = shape::Observed::default();
    let stop = shutdown.child_token();
    let (replayer, reports) = Replayer::start(settings.replays, settings.budget);
    let snapshots = settings.snapshots.clone();
    let outside = Outside { replayer, reports, snapshots };
    let tables = served.clone();
    let (hub, handle) =
        Hub::new(tables, settings.shape, observed.clone(), outside, readings, stop.clone());
    let metrics = Metrics::new(&observed, settings.snapshots.observed());
    let app = Arc::new(App::new(
        &settings.transport,
        served,
        handle,
        settings.snapshots,
        metrics,
        settings.authority,
        settings.timing,
    ));
    let mut tasks = JoinSet::new();
    tasks.spawn(hub.run().map(Finished::Hub));
    let max_connections = settings.transport.max_connections;
    let router = transport::router(Arc::clone(&app), settings.extra);
    let serving = transport::serve(listener, app, router, max_connections, stop.clone());
    tasks.spawn(serving.map(|()| Finished::Transport));
    let early = tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        Some(ended) = tasks.join_next() => Some(cause(ended)),
    };
    stop.cancel();
    let drained = drain(tasks).await;
    tracing::info!(?drained, "stopped serving");
    early.map_or(Ok(drained), Err)
}

enum Finished {
    Hub(Ended),
    Transport,
}

fn cause(ended: Result<Finished, JoinError>) -> Error {
    match ended {
        Ok(Finished::Hub(Ended::ReaderGone)) => Error::ReaderGone,
        Ok(Finished::Hub(Ended::Stopped) | Finished::Transport) => Error::TaskEnded,
        Err(error) => Error::TaskDied(error),
    }
}

/// Waits for what is left to end by itself, until the deadline; what hasn't ended then is cut off.
async fn drain(mut tasks: JoinSet<Finished>) -> Drained {
    let ended = timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    ended.map_or(Drained::CutOff, |()| Drained::Wholly)
}
