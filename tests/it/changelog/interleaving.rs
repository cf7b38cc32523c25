//! "Every log row is read exactly once": the snapshots form a chain, and `seq` and commit order play no part in it.

use std::time::Duration;

use rowcast::changelog::Settings;

use super::feed::Feed;
use super::workload::Workload;
use super::{setup, truth};
use crate::support;

#[tokio::test]
async fn a_lower_number_that_commits_later_comes_later() {
    let (url, second) = setup::watched().await;
    let first = support::connect(&url).await;
    let feed = Feed::start(&url, Settings::default()).await;
    let insert =
        |id| format!("insert into a values ({id}, 0); insert into ledger (changes) values (1);");
    first.batch_execute(&format!("begin; {}", insert(1))).await.unwrap();
    second.batch_execute(&insert(2)).await.unwrap();
    feed.until("the second", |seen| seen.has_inserted(2)).await;
    assert!(!feed.look(|seen| seen.has_inserted(1)));
    first.batch_execute("commit").await.unwrap();
    feed.until("the first", |seen| seen.has_inserted(1)).await;
    let seqs: Vec<i64> = feed.look(|seen| seen.changes().map(|change| change.seq.0).collect());
    assert!(seqs[0] > seqs[1], "the numbers were drawn the other way round: {seqs:?}");
    truth::check(&feed, &second).await;
}

#[tokio::test]
async fn a_transaction_is_one_batch_however_long_it_takes() {
    let (url, other) = setup::watched().await;
    let long = support::connect(&url).await;
    let feed = Feed::start(&url, Settings::default()).await;
    long.batch_execute("begin").await.unwrap();
    for id in 0..20 {
        long.batch_execute(&format!("insert into a values ({id}, 0)")).await.unwrap();
        let quick =
            format!("insert into b values ({id}, 0); insert into ledger (changes) values (1)");
        other.batch_execute(&quick).await.unwrap();
    }
    feed.until("the other's", |seen| seen.changes().count() == 20).await;
    long.batch_execute("insert into ledger (changes) values (20); commit").await.unwrap();
    truth::check(&feed, &other).await;
}

#[tokio::test]
async fn what_is_rolled_back_never_comes() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    client
        .batch_execute(
            "begin; insert into a values (1, 0); rollback;
             begin; insert into a values (2, 0);
             savepoint s; insert into a values (3, 0); update a set v = 1 where id = 2; rollback to s;
             savepoint t; insert into b values (4, 0); release t;
             insert into ledger (changes) values (2); commit",
        )
        .await
        .unwrap();
    truth::check(&feed, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_interleavings_come_once_whole_and_in_order() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    let work = Workload::start(&url, 6);
    feed.until("changes", |seen| seen.changes().count() > 2000).await;
    assert!(work.stop().await > 0);
    truth::check(&feed, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_taking_now_and_then_gets_the_same() {
    let (url, client) = setup::watched().await;
    let feed = Feed::start(&url, Settings::default()).await;
    let work = Workload::start(&url, 3);
    for _ in 0..10 {
        // Holds what is taken locked: the reader can't hand on meanwhile.
        feed.look(|_| std::thread::sleep(Duration::from_millis(80)));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    work.stop().await;
    truth::check(&feed, &client).await;
}
