//! What a delivery costs: the server, fed by hand, with its clients in another process, against a loop that writes
//! the same bytes to as many plain sockets. And what an idle connection costs in memory.
//!
//! `cargo bench --bench fanout -- [clients] [seconds]`

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rowcast::catalog::{Catalog, Column, Table, TableId};
use rowcast::changelog::Reading;
use rowcast::cursor::{Cursor, Era};
use rowcast::event::{Change, Op, RowText, Seq};
use rowcast::policy::{Served, TableSettings, UpdateKind};
use rowcast::server::{self, Settings};
use rowcast::transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCHES_A_SECOND: u32 = 20;
const IDLE_CONNECTIONS: usize = 5_000;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().position(|argument| argument == "--bench") {
        Some(at) => {
            arguments.remove(at);
            measure(&arguments);
        }
        None if arguments.first().is_some_and(|first| first == "--drain") => drain(&arguments[1..]),
        None => println!("not measured: this is no run of `cargo bench`"),
    }
}

fn measure(arguments: &[String]) {
    let number = |at: usize, default| {
        arguments.get(at).map_or(default, |number| number.parse().expect("a number"))
    };
    let (clients, seconds) = (number(0, 1_000), number(1, 10));
    let batches = seconds as u32 * BATCHES_A_SECOND;
    let single = served(clients, batches, 1);
    let twenty = served(clients, batches, 20);
    let plain = plain(clients, batches, single.bytes_a_batch);
    let each_of_twenty = twenty.micros / 20.0;
    println!(
        "{clients} clients, {batches} batches, {BATCHES_A_SECOND} a second; CPU microseconds:"
    );
    println!("plain loop      {plain:6.2} a write of {} bytes", single.bytes_a_batch);
    let (micros, rate) = (single.micros, plain / single.micros);
    println!("single changes  {micros:6.2} an event, {rate:.2} of the loop's rate");
    let (times, bytes) = (single.micros / each_of_twenty, twenty.bytes_a_batch);
    println!(
        "batches of 20   {each_of_twenty:6.2} an event, {times:.1} times as many ({bytes} bytes)"
    );
    idle();
}

fn cpu_micros() -> f64 {
    const TICK_MICROS: f64 = 10_000.0;
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("a name").split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) * TICK_MICROS
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a line");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

struct Measured {
    micros: f64,
    bytes_a_batch: usize,
}

/// The server's CPU time for each batch delivered to each client.
fn served(clients: usize, batches: u32, changes: i64) -> Measured {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (address, readings) = start().await;
        let mut drained = spawn_drain(address, clients, "subscribe");
        until_ready(&mut drained);
        let mut seq = 0;
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / BATCHES_A_SECOND);
        let before = cpu_micros();
        for batch in 0..batches {
            ticks.tick().await;
            let changed: Vec<Change> = (0..changes).map(|_| change(&mut seq)).collect();
            readings.send(Reading::Changes(changed)).await.expect("the hub lives");
            readings.send(Reading::Commit(cursor(u64::from(batch)))).await.expect("the hub lives");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let spent = cpu_micros() - before;
        let received = stop(drained);
        let deliveries = clients as f64 * f64::from(batches);
        Measured {
            micros: spent / deliveries,
            bytes_a_batch: (received as f64 / deliveries) as usize,
        }
    })
}

async fn start() -> (SocketAddr, mpsc::Sender<Reading>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (readings, receiver) = mpsc::channel(8);
    readings.send(Reading::Commit(cursor(0))).await.expect("the channel is open");
    let settings = Settings::new(transport::Settings::default(), true);
    tokio::spawn(server::run(settings, table(), receiver, listener, CancellationToken::new()));
    (address, readings)
}

fn table() -> Served {
    let column = |name: &str| Column { name: name.to_owned(), type_name: "text".to_owned() };
    let table = Table {
        id: TableId(1),
        schema: "public".to_owned(),
        name: "t".to_owned(),
        listed_as: "t".to_owned(),
        columns: ["aid", "bid", "abalance", "filler"].map(column).into(),
        key: vec!["aid".to_owned()],
    };
    let catalog = Catalog { tables: [(table.id, Arc::new(table))].into() };
    let (columns, hide, key, updates) = (None, vec![], None, UpdateKind::Patched);
    let settings = TableSettings { name: "t".to_owned(), columns, hide, key, updates };
    Served::bind(&catalog, &[settings], 1 << 20).expect("the table is in the catalog")
}

fn change(seq: &mut i64) -> Change {
    *seq += 1;
    let row = |balance: i64| RowText {
        json: format!(r#"{{"aid":1,"bid":1,"abalance":{balance},"filler":"{}"}}"#, " ".repeat(84)),
        key_only: false,
    };
    Change {
        seq: Seq(*seq),
        txid: 700 + *seq as u64,
        table: TableId(1),
        op: Op::Update,
        old: Some(row(*seq)),
        new: Some(row(*seq + 1)),
        at: SystemTime::now(),
        origin: None,
    }
}

fn cursor(batch: u64) -> Cursor {
    let snapshot = format!("{0}:{0}:", 100_000 + batch).parse().expect("a snapshot");
    Cursor { era: Era { epoch: 0x1234_5678_9abc_def0, timeline: 1 }, snapshot }
}

/// The loop's CPU time for each write.
fn plain(clients: usize, batches: u32, bytes: usize) -> f64 {
    let listener = StdListener::bind("127.0.0.1:0").expect("a port");
    let mut drained = spawn_drain(listener.local_addr().expect("an address"), clients, "listen");
    let mut sockets: Vec<StdStream> =
        (0..clients).map(|_| listener.accept().expect("a client").0).collect();
    until_ready(&mut drained);
    for socket in &sockets {
        socket.set_nodelay(true).expect("a socket");
    }
    let frame = vec![b'x'; bytes];
    let period = Duration::from_secs(1) / BATCHES_A_SECOND;
    let before = cpu_micros();
    for _ in 0..batches {
        let began = Instant::now();
        for socket in &mut sockets {
            socket.write_all(&frame).expect("the client reads");
        }
        std::thread::sleep(period.saturating_sub(began.elapsed()));
    }
    let spent = cpu_micros() - before;
    drop(sockets);
    stop(drained);
    spent / (clients as f64 * f64::from(batches))
}

/// The server's memory for each connection that has subscribed and hears nothing.
fn idle() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (address, readings) = start().await;
        let mut warm = spawn_drain(address, 10, "subscribe");
        until_ready(&mut warm);
        let before = resident_kib();
        let mut drained = spawn_drain(address, IDLE_CONNECTIONS, "subscribe");
        until_ready(&mut drained);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let each = (resident_kib() - before) as f64 / IDLE_CONNECTIONS as f64;
        println!("idle            {each:6.2} KiB a connection, of {IDLE_CONNECTIONS}");
        let mut seq = 0;
        for batch in 0..20 {
            let changes = Reading::Changes(vec![change(&mut seq)]);
            readings.send(changes).await.expect("the hub lives");
            readings.send(Reading::Commit(cursor(batch))).await.expect("the hub lives");
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let each = (resident_kib() - before) as f64 / IDLE_CONNECTIONS as f64;
        println!("after 20 events {each:6.2} KiB a connection");
        stop(drained);
        stop(warm);
    });
}

fn spawn_drain(address: SocketAddr, clients: usize, mode: &str) -> Child {
    let program = std::env::current_exe().expect("this program");
    Command::new(program)
        .args(["--drain", &address.to_string(), &clients.to_string(), mode])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program runs")
}

fn until_ready(child: &mut Child) {
    let mut ready = [0; 1];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut ready).expect("the clients connect");
}

/// Ends the clients; returns the bytes that they received.
fn stop(mut child: Child) -> u64 {
    drop(child.stdin.take());
    let mut counted = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut counted).expect("a count");
    child.wait().expect("the clients end");
    counted.trim().parse().expect("a count")
}

/// The other process: as many clients, which read and forget.
fn drain(arguments: &[String]) {
    let address: SocketAddr = arguments[0].parse().expect("an address");
    let clients: usize = arguments[1].parse().expect("a number");
    let subscribes = arguments[2] == "subscribe";
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let received = Arc::new(std::sync::atomic::AtomicU64::new(0));
        for _ in 0..clients {
            let mut socket = tokio::net::TcpStream::connect(address).await.expect("a connection");
            if subscribes {
                subscribe(&mut socket).await;
            }
            let received = Arc::clone(&received);
            tokio::spawn(async move {
                let mut buffer = [0; 16 << 10];
                while let Ok(n @ 1..) = socket.read(&mut buffer).await {
                    received.fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
        println!("r");
        let mut end = [0];
        let _ = tokio::io::stdin().read(&mut end).await;
        println!("{}", received.load(std::sync::atomic::Ordering::Relaxed));
    });
}

async fn subscribe(socket: &mut tokio::net::TcpStream) {
    let handshake = "GET /v1/ws HTTP/1.1\r\nhost: bench\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(handshake.as_bytes()).await.expect("the server reads");
    let wanted = br#"{"op":"subscribe","id":"a","table":"t"}"#;
    let mut frame = vec![0x81, 0x80 | wanted.len() as u8, 0, 0, 0, 0];
    frame.extend(wanted);
    socket.write_all(&frame).await.expect("the server reads");
    let mut heard = Vec::new();
    while !heard.windows(12).any(|at| at == b"\"subscribed\"") || heard.last() != Some(&b'}') {
        socket.read_buf(&mut heard).await.expect("the server answers");
    }
}
