//! The demo: a shop that stays small and sound, a command that serves it and leaves nothing behind.

mod identities;

use std::path::PathBuf;
use std::process::{Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rowcast::demo::shop;
use rowcast::demo::workload::{self, ACTIONS, Action};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::cluster::is_gone;
use crate::support::{DEADLINE, connect, fresh_database};

async fn fresh_shop() -> tokio_postgres::Client {
    let client = connect(&fresh_database().await).await;
    shop::open(&client).await.unwrap();
    client
}

async fn count(client: &tokio_postgres::Client, what: &str) -> i64 {
    let sql = format!("select count(*) from {what}");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_new_shop_has_rows_in_every_table() {
    let shop = fresh_shop().await;
    for table in ["customers", "products", "orders", "order_items", "messages"] {
        assert!(count(&shop, table).await > 0, "{table}");
    }
}

#[tokio::test]
async fn the_shop_stays_small() {
    let shop = fresh_shop().await;
    for _ in 0..workload::MAX_ORDERS + 50 {
        workload::act(&shop, Action::PlaceOrder).await.unwrap();
        workload::act(&shop, Action::Restock).await.unwrap();
        workload::act(&shop, Action::SendMessage).await.unwrap();
    }
    assert_eq!(count(&shop, "orders").await, workload::MAX_ORDERS);
    assert_eq!(count(&shop, "messages").await, workload::MAX_MESSAGES);
}

#[tokio::test]
async fn the_shops_books_balance() {
    let shop = fresh_shop().await;
    for _ in 0..20 {
        for (action, _) in ACTIONS {
            workload::act(&shop, action).await.unwrap();
        }
    }
    let wrong = "orders where total is distinct from \
        (select sum(quantity * price) from order_items where order_id = orders.id)";
    assert_eq!(count(&shop, wrong).await, 0);
    assert_eq!(count(&shop, "products where stock < 0 or price <= cost").await, 0);
    let foreign = "order_items join orders on orders.id = order_id \
        where order_items.customer_id <> orders.customer_id";
    assert_eq!(count(&shop, foreign).await, 0);
}

#[tokio::test]
async fn messages_go_public_and_private_again() {
    let shop = fresh_shop().await;
    shop.execute("delete from messages", &[]).await.unwrap();
    workload::act(&shop, Action::SendMessage).await.unwrap();
    for visibility in ["public", "private"] {
        workload::act(&shop, Action::PublishMessage).await.unwrap();
        let what = format!("messages where visibility = '{visibility}'");
        assert_eq!(count(&shop, &what).await, 1, "{visibility}");
    }
}

fn rowcast_demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rowcast"));
    command.arg("demo").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// A running demo, as far as what it prints tells of it.
struct Demo {
    process: Child,
    _output: Lines<BufReader<ChildStdout>>,
    url: String,
    database: String,
}

impl Demo {
    async fn start() -> Self {
        let mut process =
            rowcast_demo(&["--listen", "127.0.0.1:0", "--rate", "50"]).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut url, mut database) = (None, None);
        while url.is_none() || database.is_none() {
            let line = timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap();
            let line = line.expect("the demo ended early");
            url = url.or_else(|| after(&line, "open:").map(|url| url.replace("/#orders", "")));
            database = database.or_else(|| after(&line, "psql '"));
        }
        Self { process, _output: lines, url: url.unwrap(), database: database.unwrap() }
    }

    fn directory(&self) -> PathBuf {
        let (_, rest) = self.database.split_once("host=").unwrap();
        rest.split('&').next().unwrap().into()
    }

    fn server_pid(&self) -> u32 {
        let file = std::fs::read_to_string(self.directory().join("data/postmaster.pid")).unwrap();
        file.lines().next().unwrap().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }
}

fn after(line: &str, mark: &str) -> Option<String> {
    let (_, rest) = line.split_once(mark)?;
    Some(rest.trim().trim_end_matches('\'').to_owned())
}

#[tokio::test]
async fn the_demo_serves_a_busy_shop() {
    let demo = Demo::start().await;
    let changes = reqwest::Client::new()
        .get(format!("{}/v1/tables/products/changes", demo.url))
        .header("accept", "text/event-stream");
    let answer = timeout(DEADLINE, changes.send()).await.unwrap().unwrap();
    let mut answer = answer.error_for_status().unwrap();
    let mut seen = String::new();
    while !seen.contains("event: patched") {
        let chunk = timeout(DEADLINE, answer.chunk()).await.unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&chunk.expect("the feed ended")).unwrap());
    }
    assert!(seen.contains("\"price\"") && !seen.contains("\"cost\""), "{seen}");
}

#[tokio::test]
async fn a_demo_that_is_told_to_stop_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut demo = Demo::start().await;
        let (pid, directory) = (demo.server_pid(), demo.directory());
        demo.signal(signal);
        let status = timeout(DEADLINE, demo.process.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{signal}: {status}");
        assert!(!directory.exists(), "{signal}");
        is_gone(pid, &directory).await;
    }
}

#[tokio::test]
async fn a_killed_demo_leaves_nothing() {
    let demo = Demo::start().await;
    let (pid, directory) = (demo.server_pid(), demo.directory());
    demo.signal(Signal::SIGKILL);
    is_gone(pid, &directory).await;
}

async fn refused(arguments: &[&str]) -> String {
    let output = rowcast_demo(arguments).stderr(Stdio::piped()).output();
    let Output { status, stderr, .. } = timeout(DEADLINE, output).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(1));
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn a_taken_address_is_named_with_the_remedy() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = refused(&["--listen", &address]).await;
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");
}

#[tokio::test]
async fn without_server_programs_the_demo_says_how_to_get_them() {
    let empty = tempfile::tempdir().unwrap();
    let directory = empty.path().to_str().unwrap();
    let error = refused(&["--listen", "127.0.0.1:0", "--pg-bin", directory]).await;
    assert!(error.contains(directory) && error.contains("apt-get install postgresql"), "{error}");
}
