//! Polls of a real log.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Site, ids_of, text_of};

/// Polls until there is nothing more; gives the answers' events.
async fn to_the_end(site: &Site, mut cursor: String) -> Vec<Vec<Value>> {
    let mut answers = Vec::new();
    loop {
        let (status, answer) = site.poll(&format!("cursor={cursor}")).await;
        assert_eq!(status, 200, "{answer}");
        let events = answer["events"].as_array().unwrap().clone();
        if answer.get("more").is_none() && events.is_empty() {
            return answers;
        }
        answers.push(events);
        assert!(answers.len() < 20, "it never ends");
        cursor = text_of(&answer["cursor"]);
    }
}

/// Waits until what is committed by now can be polled.
async fn is_read(site: &Site, cursor: &str) {
    let (status, answer) = site.poll(&format!("cursor={cursor}&wait=20")).await;
    assert!(status == 200 && !answer["events"].as_array().unwrap().is_empty(), "{answer}");
}

#[tokio::test]
async fn a_transaction_larger_than_an_answer_is_polled_to_its_end() {
    let site = Site::open(0).await;
    let cursor = site.cursor().await;
    site.run("insert into items select i, 0 from generate_series(1, 25000) i").await;
    is_read(&site, &cursor).await;
    let answers = to_the_end(&site, cursor).await;
    let counts: Vec<usize> = answers.iter().map(Vec::len).collect();
    assert!(counts.len() >= 3 && counts.iter().all(|count| *count <= 10_000), "{counts:?}");
    let (_, cut) = counts.split_last().unwrap();
    assert!(cut.iter().all(|count| *count > 5_000), "{counts:?}");
    let all = json!(answers.into_iter().flatten().collect::<Vec<_>>());
    let ids = ids_of(&all);
    assert_eq!(ids, (1..=25_000).collect::<Vec<_>>(), "each once, in their order");
}

#[tokio::test]
async fn within_a_cut_transaction_others_come_once_too() {
    let site = Site::open(0).await;
    let mut cursor = site.cursor().await;
    let other = crate::support::connect(&site.database).await;
    other.batch_execute("begin; insert into items values (-1, 0)").await.unwrap();
    site.run("insert into items select i, 0 from generate_series(1, 15000) i").await;
    is_read(&site, &cursor).await;
    let (_, first) = site.poll(&format!("cursor={cursor}")).await;
    assert_eq!(first["more"], json!(true));
    other.batch_execute("insert into items values (-2, 0); commit").await.unwrap();
    let mut ids = ids_of(&first["events"]);
    cursor = text_of(&first["cursor"]);
    while !ids.contains(&-2) || !ids.contains(&15_000) {
        let (status, answer) = site.poll(&format!("cursor={cursor}&wait=20")).await;
        assert_eq!(status, 200, "{answer}");
        ids.extend(ids_of(&answer["events"]));
        assert!(ids.len() < 40_000, "it never ends");
        cursor = text_of(&answer["cursor"]);
    }
    let unique: HashSet<&i64> = ids.iter().collect();
    assert_eq!((ids.len(), unique.len()), (15_002, 15_002));
    assert!(to_the_end(&site, cursor).await.is_empty());
}

#[tokio::test]
async fn batches_that_do_not_fit_into_one_answer_come_in_several() {
    let site = Site::open(0).await;
    let cursor = site.cursor().await;
    for first in [1, 6_001] {
        let sql = format!(
            "insert into items select i, 0 from generate_series({first}, {first} + 5999) i"
        );
        site.run(&sql).await;
    }
    is_read(&site, &cursor).await;
    let answers = to_the_end(&site, cursor).await;
    assert!(answers.len() >= 2 && answers.iter().all(|answer| answer.len() <= 10_000));
    let all = json!(answers.into_iter().flatten().collect::<Vec<_>>());
    assert_eq!(ids_of(&all), (1..=12_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn many_waiting_polls_are_woken_by_one_change() {
    let site = Site::open(0).await;
    let cursor = site.cursor().await;
    let query = format!("cursor={cursor}&wait=30");
    let address = site.daemon.address;
    let waiting: Vec<_> = (0..200)
        .map(|_| {
            let query = query.clone();
            tokio::spawn(async move { super::poll(address, &query).await })
        })
        .collect();
    site.insert(1).await;
    for poll in waiting {
        let (status, answer) = poll.await.unwrap();
        assert_eq!((status, ids_of(&answer["events"])), (200, vec![1]));
    }
}

#[tokio::test]
async fn a_poll_of_now_misses_nothing_after_it() {
    let site = Site::open(1).await;
    let mut cursor = site.cursor().await;
    for n in 1..50 {
        site.run(&format!("update items set n = {n}")).await;
        let (status, answer) = site.poll(&format!("cursor={cursor}&wait=20")).await;
        assert_eq!(status, 200, "{answer}");
        let seen: Vec<_> =
            answer["events"].as_array().unwrap().iter().map(|of| &of["data"]["n"]).collect();
        assert_eq!(seen, [&json!(n)]);
        cursor = text_of(&answer["cursor"]);
    }
}
