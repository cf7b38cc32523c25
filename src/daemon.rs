//! The whole daemon, from a checked configuration to the last connection's end: what `serve` and `demo` run.

mod alter;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, Found};
use crate::changelog::{self, InstallError, Plan, Replays, Unwatched};
use crate::config;
use crate::identity::{Authority, NotUsable};
use crate::policy::{self, NotServable, Served};
use crate::server::{self, Drained};
use crate::snapshot::{self, Snapshots};
use crate::spool;

/// How many readings may wait between the reader and the hub, each of a few hundred KiB at most.
const READINGS: usize = 4;
/// How many connections may wait to be accepted, if the system's own bound allows it (Linux: `net.core.somaxconn`). When a
/// deploy brings everybody back at once, those beyond it try again only after a second, or more.
const MAX_TO_BE_ACCEPTED: u32 = 4096;

/// What to do about the objects in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objects {
    Install,
    /// Only check that they are in place.
    Verify,
}

/// Why the daemon can't run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("rowcast's objects in the database aren't in place")]
    Install(#[from] InstallError),
    #[error(transparent)]
    NotServable(#[from] NotServable),
    #[error("can't listen on {0}")]
    Listen(std::net::SocketAddr, #[source] std::io::Error),
    #[error(transparent)]
    Unwatched(#[from] Unwatched),
    #[error(transparent)]
    Credentials(#[from] NotUsable),
    #[error("the change log's reader died")]
    ReaderDied(#[source] tokio::task::JoinError),
    #[error("what watches the catalog died")]
    WatchDied(#[source] tokio::task::JoinError),
    #[error(transparent)]
    Server(#[from] server::Error),
}

/// Puts the objects in place, and binds the tables to what they are in the log.
pub async fn prepare(
    settings: &config::Settings,
    client: &tokio_postgres::Client,
    found: &[Found],
    objects: Objects,
) -> Result<Served, Error> {
    let tables = match objects {
        Objects::Install => {
            let plan = Plan { found, grant_to: None, unwatch_others: false };
            let installed = changelog::install(client, &plan).await?;
            installed.tables.into_iter().map(|(table, _)| table).collect()
        }
        Objects::Verify => changelog::verify(client, found).await?,
    };
    let tables = tables.into_iter().map(|table| (table.id, Arc::new(table))).collect();
    Ok(Served::bind(&Catalog { tables }, &settings.tables, settings.server.max_event_bytes)?)
}

/// Serves until `shutdown`; `extra` routes are served beside the daemon's own. Tables that are altered meanwhile are
/// bound anew; what captures them is adapted, unless the objects are only to be checked.
pub async fn run(
    settings: config::Settings,
    served: Served,
    objects: Objects,
    extra: axum::Router,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<Drained, Error> {
    let (out, readings) = mpsc::channel(READINGS);
    let stop = shutdown.child_token();
    let tables = served.tables().map(|served| served.table().id).collect();
    let authority = Authority::new(&settings.auth, &settings.database)?;
    let database = settings.database.clone();
    let reading = changelog::run(settings.database, settings.log, tables, out, stop.clone());
    let reader = tokio::spawn(reading);
    let budget = spool::Budget::default();
    let snapshots = Snapshots::new(database.clone(), snapshot::Settings::default(), budget.clone());
    let replays = Some(Replays::new(database.clone()));
    let server = server::Settings::new(settings.server, authority);
    let server = server::Settings { extra, snapshots, replays, budget, ..server };
    let (renewal, current) = policy::current(served);
    let altered = alter::watch(database, settings.tables, objects, renewal, stop.clone());
    let altered = tokio::spawn(altered);
    let ended = server::run(server, current, readings, listener, shutdown).await;
    stop.cancel();
    // Why the reader ended says more than that it did.
    reader.await.map_err(Error::ReaderDied)??;
    altered.await.map_err(Error::WatchDied)?;
    Ok(ended?)
}

/// Opens the port. Within a runtime, which will listen.
pub fn listen(settings: &config::Settings) -> Result<TcpListener, Error> {
    let address = settings.server.listen;
    open(address).map_err(|error| Error::Listen(address, error))
}

fn open(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(MAX_TO_BE_ACCEPTED)
}

/// Is cancelled by SIGINT or SIGTERM. A second signal ends the process at once.
pub fn stop_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match first {
                true => stop.cancel(),
                false => std::process::exit(1),
            }
        }
    });
    Ok(token)
}
