//! The server and the daemons, and what can be done to them.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rowcast::demo::cluster::{Cluster, Stop};

use crate::support::program::Place;
use crate::support::{self, DEADLINE, eventually};

const PAUSE: Duration = Duration::from_millis(20);
const LOG: &str = "daemon.log";
/// How much of a daemon's log is shown with a failure.
const SHOWN_LINES: usize = 60;

/// The test's own PostgreSQL, which it may stop and crash.
#[derive(Clone)]
pub struct Server(Arc<Mutex<Cluster>>);

impl Server {
    pub async fn start() -> Self {
        let settings = [("max_connections", "200"), ("max_wal_size", "256MB")];
        let starting = tokio::task::spawn_blocking(move || support::private_cluster(&settings));
        Self(Arc::new(Mutex::new(starting.await.unwrap())))
    }

    fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.0.lock().unwrap()
    }

    pub fn url(&self, database: &str) -> String {
        self.cluster().url(database)
    }

    pub async fn restart(&self, how: Stop) {
        let server = self.clone();
        let restarting = move || server.cluster().restart(how).unwrap();
        tokio::task::spawn_blocking(restarting).await.unwrap();
    }

    /// A connection; tries again while the server starts.
    pub async fn connect(url: &str) -> tokio_postgres::Client {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match tokio_postgres::connect(url, tokio_postgres::NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return client;
                }
                Err(error) => assert!(Instant::now() < deadline, "no connection: {error:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A daemon that may be killed and started again, on the same port.
pub struct Daemon {
    place: Place,
    configuration: String,
    pub address: SocketAddr,
    child: Option<Child>,
}

impl Daemon {
    /// `configuration` has `LISTEN` where the address belongs.
    pub async fn start(configuration: String) -> Self {
        let place = Place::empty();
        let address = "127.0.0.1:0".parse().unwrap();
        let mut daemon = Self { place, configuration, address, child: None };
        daemon.start_again().await;
        daemon
    }

    pub async fn start_again(&mut self) {
        let text = self.configuration.replace("LISTEN", &self.address.to_string());
        self.place.configure(&text);
        let before = self.served();
        let log = File::options().create(true).append(true).open(self.place.path().join(LOG));
        let mut command = self.place.rowcast(&["serve"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.unwrap());
        self.child = Some(command.spawn().unwrap());
        self.address = eventually("the daemon serves", async || {
            self.check();
            let served = self.served();
            (served.len() > before.len()).then(|| *served.last().unwrap())
        })
        .await;
    }

    /// Where it served, each time.
    fn served(&self) -> Vec<SocketAddr> {
        let log = self.log();
        let after = log.lines().filter_map(|line| line.split_once("serving on http://"));
        after.map(|(_, rest)| rest.split_whitespace().next().unwrap().parse().unwrap()).collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.path().join(LOG)).unwrap_or_default()
    }

    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }

    /// It never ends by itself, and never panics.
    pub fn check(&mut self) {
        let Some(child) = &mut self.child else { return };
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the daemon ended: {ended:?}\n{}", self.last_words());
        assert!(!self.log().contains("panicked"), "{}", self.last_words());
    }

    pub fn kill(&mut self) {
        self.check();
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn runs(&self) -> bool {
        self.child.is_some()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
