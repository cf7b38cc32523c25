//! A transaction of any size is one batch, and passes in bounded memory.

use std::time::Duration;

use rowcast::changelog::{Reading, Settings};
use tokio::sync::mpsc;

use super::{feed, setup};

const ROWS: i64 = 200_000;
const MIB: usize = 1 << 20;

/// What this process has in memory, with all that its other tests have there.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}

#[tokio::test]
async fn a_large_transaction_is_one_batch_and_waits_in_the_database_for_a_slow_taker() {
    let (url, client) = setup::watched().await;
    let (out, mut readings) = mpsc::channel(1);
    let (_reader, shutdown) = feed::run(&url, Settings::default(), out);
    while !matches!(readings.recv().await, Some(Reading::Commit(_))) {}
    client
        .execute(
            "insert into a select g, 0, repeat('x', 500) from generate_series(1, $1::bigint) as g",
            &[&ROWS],
        )
        .await
        .unwrap();
    let before = resident_bytes();
    let (mut came, mut chunks) = (0, 0);
    loop {
        match readings.recv().await.unwrap() {
            Reading::Changes(changes) => {
                came += i64::try_from(changes.len()).unwrap();
                chunks += 1;
                let bytes: usize =
                    changes.iter().flat_map(|c| &c.new).map(|row| row.json.len()).sum();
                assert!(bytes < MIB && changes.len() <= 1000, "{bytes} bytes at once");
                if chunks % 50 == 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            Reading::Commit(_) if came == 0 => {}
            Reading::Commit(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(came, ROWS);
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        // The batch is more than 100 MiB of text.
        assert!(after < before + 64 * MIB, "{} MiB more", (after - before) / MIB);
    }
    shutdown.cancel();
}
