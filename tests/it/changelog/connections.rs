//! A batch that breaks off goes on where it broke off, whichever connection is lost.

use std::time::Duration;

use rowcast::changelog::{Reading, Settings};
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::feed::{self, Feed};
use super::workload::Workload;
use super::{setup, truth};
use crate::support;

/// Terminates the reader's connections of these purposes; says how many there were.
async fn terminate(client: &Client, purposes: &[&str]) -> i64 {
    let query = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                  where datname = current_database() and application_name = any ($1)";
    client.query_one(query, &[&purposes]).await.unwrap().get(0)
}

async fn survives_the_loss_of(purposes: &[&str]) {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    for id in 1..4 {
        terminate(&client, purposes).await;
        let insert =
            format!("insert into a values ({id}, 0); insert into ledger (changes) values (1)");
        client.batch_execute(&insert).await.unwrap();
        feed.until("the change", |seen| seen.has_inserted(id)).await;
    }
    assert!(feed.look(|seen| seen.losses) > 0);
    truth::check(&feed, &client).await;
}

#[tokio::test]
async fn the_listening_connection_may_be_lost() {
    survives_the_loss_of(&["rowcast listener"]).await;
}

#[tokio::test]
async fn the_reading_connection_may_be_lost() {
    survives_the_loss_of(&["rowcast reader"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_may_be_lost_again_and_again_under_load() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    let work = Workload::start(&url, 4);
    for _ in 0..15 {
        terminate(&client, &["rowcast reader", "rowcast listener"]).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    work.stop().await;
    truth::check(&feed, &client).await;
    assert!(feed.look(|seen| seen.losses) >= 5);
}

#[tokio::test]
async fn a_batch_that_breaks_off_goes_on_without_repeats() {
    const ROWS: i64 = 30_000;
    let (url, client) = setup::watched().await;
    let (out, mut readings) = mpsc::channel(1);
    let (_reader, shutdown) = feed::run(&url, Settings::default(), out);
    while !matches!(readings.recv().await, Some(Reading::Commit(_))) {}
    client
        .execute(
            "insert into a select g, 0, repeat('x', 100) from generate_series(1, $1::bigint) as g",
            &[&ROWS],
        )
        .await
        .unwrap();
    let (mut seqs, mut losses, mut chunks) = (Vec::new(), 0, 0);
    while seqs.len() < usize::try_from(ROWS).unwrap() {
        match readings.recv().await.unwrap() {
            Reading::Changes(changes) => {
                chunks += 1;
                seqs.extend(changes.iter().map(|change| change.seq.0));
                // In the midst of the batch.
                if chunks % 10 == 1 && losses < 3 {
                    assert!(terminate(&client, &["rowcast reader"]).await > 0);
                }
            }
            Reading::Commit(_) => assert!(seqs.is_empty(), "a batch ended early"),
            Reading::Lost => losses += 1,
            Reading::Reset(reason) => panic!("{reason:?}"),
        }
    }
    assert!(losses > 0, "the batch didn't break off");
    assert!(seqs.is_sorted_by(|a, b| a < b), "something came twice, or out of order");
    assert!(matches!(readings.recv().await, Some(Reading::Commit(_))));
    shutdown.cancel();
}

#[tokio::test]
async fn a_change_that_joins_a_broken_batch_comes_with_it_though_its_number_is_lower() {
    let (url, client) = setup::watched().await;
    let early = support::connect(&url).await;
    let (out, mut readings) = mpsc::channel(1);
    let (_reader, shutdown) = feed::run(&url, Settings::default(), out);
    while !matches!(readings.recv().await, Some(Reading::Commit(_))) {}
    early.batch_execute("begin; insert into b values (1, 0)").await.unwrap();
    let bulk = "insert into a select g, 0, repeat('x', 100) from generate_series(1, 20000) as g";
    client.batch_execute(bulk).await.unwrap();
    let mut seqs = Vec::new();
    loop {
        match readings.recv().await.unwrap() {
            Reading::Changes(changes) => {
                if seqs.is_empty() {
                    early.batch_execute("commit").await.unwrap();
                    terminate(&client, &["rowcast reader"]).await;
                }
                seqs.extend(changes.iter().map(|change| change.seq.0));
            }
            Reading::Commit(_) if !seqs.is_empty() => break,
            Reading::Reset(reason) => panic!("{reason:?}"),
            Reading::Commit(_) | Reading::Lost => {}
        }
    }
    let came = seqs.len();
    seqs.sort();
    seqs.dedup();
    assert_eq!((came, seqs.len()), (20_001, 20_001));
    shutdown.cancel();
}
