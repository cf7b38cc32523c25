//! Much at once, and readers that don't keep up.

use std::time::Duration;

use rowcast::changelog::Reading;
use rowcast::event::{Change, Op};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::fixture::{Client, NOTES, ORDERS, Server, Stream, in_time, settings};

/// As many changes as the reader hands on at once.
const CHUNK: i64 = 1_000;

fn updates(server: &mut Server, ids: std::ops::Range<i64>) -> Vec<Change> {
    let row = |id: i64, status: &str| format!(r#"{{"id":{id},"status":"{status}","secret":"s"}}"#);
    ids.map(|id| {
        let (old, new) = (row(id, "open"), row(id, "a rather long status to have some weight"));
        server.change(ORDERS, Op::Update, Some(&old), Some(&new))
    })
    .collect()
}

/// The most memory that this process has had, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Who can't keep up with a batch larger than what is remembered starts anew here, where there is no log.
#[tokio::test(flavor = "multi_thread")]
async fn a_million_changes_stream_through_in_bounded_memory() {
    const CHANGES: i64 = 1_000_000;
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "orders").await;
    let request = reqwest::Client::new().get(server.url("/v1/tables/orders/changes"));
    let mut response = request.header("accept", "text/event-stream").send().await.unwrap();
    let before = peak_mib();
    let fed = tokio::spawn(async move {
        for first in (0..CHANGES).step_by(CHUNK as usize) {
            let changes = updates(&mut server, first..first + CHUNK);
            in_time("the hub takes a chunk", server.readings.send(Reading::Changes(changes)))
                .await
                .unwrap();
        }
        server.commit().await;
        server
    });
    let streamed = tokio::spawn(async move {
        let (mut blocks, mut last) = (0, Vec::new());
        let end = b"\n\n";
        let mut is_reset = false;
        while blocks < CHANGES + 2 && !is_reset {
            let chunk = in_time("a chunk", response.chunk()).await.unwrap().unwrap();
            last.extend_from_slice(&chunk);
            blocks += last.windows(2).filter(|at| at == end).count() as i64;
            is_reset = last.windows(13).any(|at| at == b"event: reset\n");
            let rest = last.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            last.drain(..rest);
        }
        is_reset || blocks == CHANGES + 2
    });
    let (mut next, mut is_reset) = (0, false);
    loop {
        let Message::Text(text) = client.next_message().await else { continue };
        if text.starts_with(r#"{"op":"commit""#) {
            break;
        }
        is_reset |= text.starts_with(r#"{"op":"reset""#);
        assert!(text.len() < 512 << 10, "a frame of {} bytes", text.len());
        for (at, _) in text.match_indices(r#""key":{"id":"#) {
            assert!(text[at + 12..].starts_with(&format!("{next}}}")), "{next}");
            next += 1;
        }
    }
    assert!(is_reset || next == CHANGES, "{next}");
    assert!(streamed.await.unwrap());
    let server = fed.await.unwrap();
    drop(server);
    let grown = peak_mib() - before;
    assert!(grown < 250, "memory grew by {grown} MiB");
}

async fn metrics(server: &Server) -> String {
    reqwest::get(server.url("/metrics")).await.unwrap().text().await.unwrap()
}

/// A client whose system takes in as little as it can.
async fn narrow_client(server: &Server) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let socket = socket.connect(server.address).await.unwrap();
    let opened = client_async(format!("ws://{}/v1/ws", server.address), socket).await;
    let mut client = Client(opened.unwrap().0);
    assert_eq!(client.next().await["op"], "hello");
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_is_cut_off_whatever_it_says() {
    let mut quick = settings();
    quick.timing.ping = Duration::from_millis(100);
    let mut server = Server::start_with(quick).await;
    server.commit().await;
    let mut stuck = narrow_client(&server).await;
    stuck.subscribe("a", "orders").await;
    for first in (0..20 * CHUNK).step_by(CHUNK as usize) {
        let changes = updates(&mut server, first..first + CHUNK);
        server.batch(changes).await;
    }
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    let cut_off = async {
        while stuck.0.get_mut().write_all(&ping).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    in_time("the end", cut_off).await;
}

/// Nobody waits for it: what it misses waits in the log. When it has taken nothing for long enough, its socket fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_reading_falls_behind_and_the_others_get_everything() {
    let mut server = Server::start().await;
    server.commit().await;
    let mut reading = server.websocket().await;
    reading.subscribe("a", "orders").await;
    let mut stuck = narrow_client(&server).await;
    stuck.subscribe("a", "orders").await;
    for first in (0..100_000).step_by(CHUNK as usize) {
        let changes = updates(&mut server, first..first + CHUNK);
        server.batch(changes).await;
        assert_eq!(reading.batch().await.0.len(), CHUNK as usize);
    }
    let metrics = metrics(&server).await;
    assert!(metrics.contains("slow_readers_total 1\n"), "{metrics}");
    assert!(metrics.contains("too_slow_total 0\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_that_goes_on_reading_gets_everything() {
    let mut server = Server::start().await;
    let mut slow = narrow_client(&server).await;
    slow.subscribe("a", "orders").await;
    let fed = tokio::spawn(async move {
        for first in (0..60_000).step_by(CHUNK as usize) {
            let changes = updates(&mut server, first..first + CHUNK);
            server.feed(Reading::Changes(changes)).await;
        }
        server.commit().await;
        server
    });
    let (events, cursor) = slow.batch().await;
    let ids: Vec<_> =
        events.iter().map(|(_, event)| event["key"]["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (0..60_000).collect::<Vec<_>>());
    assert_eq!(cursor, fed.await.unwrap().cursor());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_that_nobody_reads_is_cut_off() {
    let mut server = Server::start().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut socket = socket.connect(server.address).await.unwrap();
    let request =
        "GET /v1/tables/orders/changes HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = vec![0; 1024];
    assert_ne!(socket.read(&mut head).await.unwrap(), 0);
    for first in (0..100_000).step_by(CHUNK as usize) {
        let changes = updates(&mut server, first..first + CHUNK);
        server.batch(changes).await;
    }
    let cut = async {
        loop {
            if metrics(&server).await.contains("rowcast_readers 0") {
                return;
            }
        }
    };
    in_time("the reader is gone", cut).await;
}

#[tokio::test]
async fn an_event_larger_than_the_outbox_passes_and_a_larger_row_is_oversize() {
    let mut server = Server::start().await;
    let mut client = server.websocket().await;
    client.subscribe("a", "app.notes").await;
    let request = reqwest::Client::new().get(server.url("/v1/tables/app.notes/changes"));
    let mut stream = Stream::open(request).await;
    stream.next().await.unwrap();
    let row = |len: usize| format!(r#"{{"k":"a","odd \"näme\"":"{}"}}"#, "x".repeat(len));
    let (fits, too_large) = (row(1_000_000), row(1_100_000));
    let changes = vec![
        server.change(NOTES, Op::Insert, None, Some(&fits)),
        server.change(NOTES, Op::Update, Some(&fits), Some(&too_large)),
    ];
    server.batch(changes).await;
    let (events, _) = client.batch().await;
    assert_eq!(events[0].1["data"]["odd \"näme\""].as_str().unwrap().len(), 1_000_000);
    let oversize = &events[1].1;
    assert_eq!((&oversize["oversize"], &oversize["key"]), (&json!(true), &json!({"k": "a"})));
    assert_eq!((oversize.get("data"), &oversize["changed"]), (None, &json!(["odd \"näme\""])));
    assert_eq!(stream.next().await.unwrap().data, events[0].1);
    assert_eq!(&stream.next().await.unwrap().data, oversize);
}
