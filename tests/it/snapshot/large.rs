//! Many rows, and clients that take their time.

use std::time::Duration;

use serde_json::json;

use super::fixture::{Shop, rows_path, token};
use crate::delivery::fixture::{in_secs, in_time};
use crate::support::eventually;

const TABLES: &str = "[[table]]\nname = 'many'\nrows = 'true'\n";

/// Rows of about 1,000 bytes.
fn sql(rows: u32) -> String {
    format!(
        "create table many (id int primary key, note text);
         insert into many select n, repeat(md5(n::text), 31) from generate_series(1, {rows}) as n"
    )
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_streamed_in_bounded_memory() {
    let shop = Shop::open(&sql(100_000), TABLES).await;
    let before = shop.daemon.peak_memory_kib();
    let request = shop.http.get(shop.url(&rows_path("many", &[("order", "id")])));
    let request = request.header("accept", "application/x-ndjson").send();
    let mut response = in_time("the answer", request).await.unwrap();
    let (mut lines, mut rest) = (0, Vec::new());
    while let Some(chunk) = in_time("a chunk", response.chunk()).await.unwrap() {
        rest.extend_from_slice(&chunk);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            lines += 1;
            let start = format!("{{\"id\":{lines},\"note\":\"");
            assert!(rest.starts_with(start.as_bytes()), "{lines}");
            rest.drain(..=end);
        }
    }
    assert_eq!((lines, rest.len()), (100_000, 0));
    let grown = shop.daemon.peak_memory_kib() - before;
    println!("100 MB of rows took {grown} KiB more");
    assert!(grown < 90 << 10, "{grown} KiB");
}

const TRANSACTIONS: &str = "
    select application_name from pg_stat_activity
     where datname = current_database() and application_name = 'rowcast snapshot' and xact_start is not null";

/// Much more than the sockets' buffers hold.
#[tokio::test]
async fn a_client_that_takes_its_time_holds_no_transaction() {
    let shop = Shop::open(&sql(40_000), TABLES).await;
    let request = shop.http.get(shop.url(&rows_path("many", &[]))).send();
    let mut response = in_time("the answer", request).await.unwrap();
    let ended = async || shop.asked(TRANSACTIONS).await.is_empty().then_some(());
    eventually("the transaction has ended", ended).await;
    let (mut bytes, mut last) = (0, Vec::new());
    while let Some(chunk) = in_time("a chunk", response.chunk()).await.unwrap() {
        bytes += chunk.len();
        last = chunk.to_vec();
    }
    assert!(bytes > 40_000_000 && last.ends_with(b"\"}\n"), "{bytes}");
}

/// Of what is still to come, nothing comes.
#[tokio::test]
async fn an_answer_breaks_off_when_its_credential_ends() {
    let shop = Shop::open(&sql(40_000), TABLES).await;
    let ends = in_secs(2);
    let token = token(&json!({"sub": "a", "exp": ends}));
    let request = shop.http.get(shop.url(&rows_path("many", &[]))).bearer_auth(&token).send();
    let response = in_time("the answer", request).await.unwrap();
    assert_eq!(response.status(), 200);
    let over = async || (in_secs(0) > ends).then_some(());
    eventually("the credential has ended", over).await;
    assert!(in_time("the body", response.bytes()).await.is_err());
}

/// Who takes nothing at all is cut off, and what was kept for it is given back.
#[tokio::test]
#[ignore = "waits for the time after which a peer is given up"]
async fn a_client_that_takes_nothing_is_cut_off() {
    let shop = Shop::open(&sql(40_000), TABLES).await;
    let request = shop.http.get(shop.url(&rows_path("many", &[]))).send();
    let mut response = in_time("the answer", request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(15)).await;
    let mut broke = false;
    while !broke {
        match in_time("a chunk", response.chunk()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a whole answer"),
            Err(_) => broke = true,
        }
    }
}
