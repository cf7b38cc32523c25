//! The plumbing of the tests: a PostgreSQL for all of them, a database for each, and waiting with a
//! deadline.

pub mod daemon;
pub mod program;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rowcast::demo::cluster::{Cluster, Options, Programs};
use tokio_postgres::{Client, NoTls};

/// How long a test waits for something that must happen.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The server that all tests share. It ends with this process, which the cluster's watcher sees to.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        private_cluster(&[("max_connections", "300"), ("max_prepared_transactions", "20")])
    })
}

/// A server of the test's own, for tests that stop or kill it; it goes when dropped.
pub fn private_cluster(settings: &[(&str, &str)]) -> Cluster {
    let settings = settings.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    let programs = Programs::find(None).unwrap_or_else(|e| panic!("{e}"));
    let options = Options { settings, ..Options::default() };
    Cluster::start(&programs, options).unwrap_or_else(|e| panic!("{e}"))
}

/// The URL of a new, empty database on the shared server.
pub async fn fresh_database() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let cluster = tokio::task::spawn_blocking(cluster).await.unwrap();
    let name = format!("test_{}", MADE.fetch_add(1, Ordering::Relaxed));
    let admin = connect(&cluster.url("postgres")).await;
    admin.batch_execute(&format!("create database {name}")).await.unwrap();
    cluster.url(&name)
}

/// A connection as superuser, served by a task of the test's runtime.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Looks again and again until there is something, and gives up loudly after the deadline.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
