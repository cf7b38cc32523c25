//! pgbench's own workload, as its users know it, seen through the daemon: every change once, in order, whole.
//!
//! `ROWCAST_PGBENCH_SECS` and `ROWCAST_PGBENCH_SCALE` make it longer and larger.

mod tally;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use rowcast::demo::cluster::Cluster;
use tally::Tally;
use tokio_postgres::Client as Database;
use tokio_tungstenite::tungstenite::Message;

use crate::delivery::fixture::{Client, Stream};
use crate::support::daemon::Daemon;
use crate::support::{connect, private_cluster};

const TABLES: [&str; 4] =
    ["pgbench_accounts", "pgbench_tellers", "pgbench_branches", "pgbench_history"];
const CLIENTS: &str = "16";
/// How long no event may come before what is missing counts as missing.
const SILENCE: Duration = Duration::from_secs(20);

fn from_environment(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn listed() -> String {
    let table = |name: &&str| {
        let key = if name.ends_with("history") { "key = []\n" } else { "" };
        format!("[[table]]\nname = '{name}'\nrows = 'true'\n{key}")
    };
    TABLES.iter().map(table).collect()
}

/// pgbench, talking to a cluster; the machine's own if the server programs have none beside them.
fn pgbench(url: &str, arguments: &[&str]) -> Command {
    let beside = std::env::var_os("ROWCAST_PG_BIN").map(|dir| PathBuf::from(dir).join("pgbench"));
    let fallback = || {
        let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let newest = installed.map(|version| version.path().join("bin/pgbench")).max();
        newest.unwrap_or_else(|| "pgbench".into())
    };
    let program = beside.filter(|path| path.exists()).unwrap_or_else(fallback);
    let mut command = Command::new(program);
    command.args(arguments).arg(url).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

async fn run(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

struct Bench {
    cluster: Cluster,
    database: Database,
}

impl Bench {
    async fn prepare() -> Self {
        let cluster = private_cluster(&[]);
        let scale = from_environment("ROWCAST_PGBENCH_SCALE", "1");
        run(pgbench(&cluster.url("postgres"), &["-i", "-q", "-s", &scale])).await;
        let database = connect(&cluster.url("postgres")).await;
        Self { cluster, database }
    }

    fn daemon(&self) -> Daemon {
        Daemon::start(&self.cluster.url("postgres"), &listed())
    }

    /// Runs the standard transaction, and says how many pgbench reports.
    async fn work(&self) -> u64 {
        let secs = from_environment("ROWCAST_PGBENCH_SECS", "5");
        let url = self.cluster.url("postgres");
        let report = run(pgbench(&url, &["-n", "-c", CLIENTS, "-j", "2", "-T", &secs])).await;
        let line = report.lines().find(|line| line.contains("actually processed")).unwrap();
        line.rsplit(' ').next().unwrap().split('/').next().unwrap().parse().unwrap()
    }

    /// How many changes there must have been: a balance that grows by nothing is no change.
    async fn expected(&self) -> u64 {
        let query = "select count(*) + 3 * count(*) filter (where delta <> 0) from pgbench_history";
        let count: i64 = self.database.query_one(query, &[]).await.unwrap().get(0);
        count.try_into().unwrap()
    }
}

async fn subscribe_to_all(daemon: &Daemon) -> Client {
    let mut client = Client::connect(daemon.address).await;
    assert_eq!(client.next().await["op"], "hello");
    for table in TABLES {
        client.subscribe(table, table).await;
    }
    client
}

/// Takes what comes until `expected` changes have come, or nothing has for too long.
async fn follow(mut client: Client, expected: tokio::sync::watch::Receiver<Option<u64>>) -> Tally {
    let mut tally = Tally::default();
    let mut heard = Instant::now();
    let mut was_told = false;
    while expected.borrow().is_none_or(|expected| tally.changes() < expected || tally.is_open()) {
        if !was_told && expected.borrow().is_some() {
            (heard, was_told) = (Instant::now(), true);
        }
        match tokio::time::timeout(Duration::from_millis(200), client.0.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => {
                if tally.take(&text) {
                    heard = Instant::now();
                }
            }
            Ok(Some(Ok(_))) => {}
            Ok(other) => panic!("the connection ended: {other:?}"),
            Err(_) if was_told && heard.elapsed() > SILENCE => break,
            Err(_) => {}
        }
    }
    tally
}

async fn count_by_stream(
    daemon: &Daemon,
    expected: tokio::sync::watch::Receiver<Option<u64>>,
) -> tokio::task::JoinHandle<Vec<u64>> {
    let url = format!("http://{}/v1/tables/pgbench_history/changes", daemon.address);
    let mut stream = Stream::open(reqwest::Client::new().get(url)).await;
    tokio::spawn(async move {
        let mut seqs = Vec::new();
        while expected.borrow().is_none_or(|expected| (seqs.len() as u64) < expected) {
            match tokio::time::timeout(SILENCE, stream.next()).await {
                Ok(Some(block)) if block.event == "created" => {
                    seqs.push(block.data["seq"].as_u64().unwrap());
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        seqs
    })
}

async fn check(bench: &Bench, disturb: impl Future<Output = std::convert::Infallible>) {
    let daemon = bench.daemon();
    let (tell, expected) = tokio::sync::watch::channel(None);
    let (tell_stream, stream_expected) = tokio::sync::watch::channel(None);
    let client = subscribe_to_all(&daemon).await;
    let stream = count_by_stream(&daemon, stream_expected).await;
    let follower = tokio::spawn(follow(client, expected));
    let transactions = tokio::select! {
        transactions = bench.work() => transactions,
        never = disturb => match never {},
    };
    tell_stream.send(Some(transactions)).unwrap();
    tell.send(Some(bench.expected().await)).unwrap();
    let tally = follower.await.unwrap();
    println!(
        "{transactions} transactions, {} changes, {} batches",
        tally.changes(),
        tally.batches()
    );

    assert_eq!(tally.transactions(), transactions, "a transaction for each that pgbench reports");
    tally.assert_whole();
    let mut seqs = stream.await.unwrap();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len() as u64, transactions, "the stream has each insertion once");
    for (table, key) in TABLES.iter().zip(["aid", "tid", "bid"]) {
        assert_equal_to_table(&bench.database, &tally, table, key).await;
    }
}

/// For each row that changed, the last event has what the table has.
async fn assert_equal_to_table(database: &Database, tally: &Tally, table: &str, key: &str) {
    let last = tally.last_rows(table);
    let query = format!("select row_to_json(t)::text from {table} as t");
    let mut compared = 0;
    for row in database.query(&query, &[]).await.unwrap() {
        let row: serde_json::Value = serde_json::from_str(row.get(0)).unwrap();
        let key = row[key].as_u64().unwrap();
        if let Some(seen) = last.get(&key) {
            assert_eq!(**seen, row, "{table} {key}");
            compared += 1;
        }
    }
    assert_eq!(compared, last.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transaction_of_pgbench_comes_whole_and_once() {
    let bench = Bench::prepare().await;
    check(&bench, std::future::pending()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missing_when_the_daemons_connections_are_terminated() {
    let bench = Bench::prepare().await;
    let killer = connect(&bench.cluster.url("postgres")).await;
    let disturb = async {
        let terminate = "select pg_terminate_backend(pid) from pg_stat_activity
                          where application_name like 'rowcast %'";
        let mut period = tokio::time::interval(Duration::from_millis(1500));
        loop {
            period.tick().await;
            killer.execute(terminate, &[]).await.unwrap();
        }
    };
    check(&bench, disturb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_many_rows_arrives_whole_in_bounded_memory() {
    let rows: u64 = from_environment("ROWCAST_UPDATE_ROWS", "200000").parse().unwrap();
    let cluster = private_cluster(&[("max_wal_size", "4GB")]);
    let database = connect(&cluster.url("postgres")).await;
    let fill = format!(
        "create table wide (id bigint primary key, n int, note text);
         insert into wide select i, 0, repeat('x', 100) from generate_series(1, {rows}) as i"
    );
    database.batch_execute(&fill).await.unwrap();
    let daemon =
        Daemon::start(&cluster.url("postgres"), "[[table]]\nname = 'wide'\nrows = 'true'\n");
    let mut client = Client::connect(daemon.address).await;
    client.next().await;
    client.subscribe("wide", "wide").await;
    let (tell, expected) = tokio::sync::watch::channel(None);
    let follower = tokio::spawn(follow(client, expected));
    database.execute("update wide set n = n + 1", &[]).await.unwrap();
    tell.send(Some(rows)).unwrap();
    let tally = follower.await.unwrap();

    assert_eq!((tally.changes(), tally.transactions()), (rows, 1));
    assert_eq!(tally.batches_of_any_transaction(), 1, "within one batch");
    let peak = daemon.peak_memory_kib();
    println!("{rows} rows, {peak} KiB at most");
    assert!(peak < 300 << 10, "{peak} KiB");
}
