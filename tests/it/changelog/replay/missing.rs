//! What comes after a cursor: what it doesn't have, and nothing twice.

use super::*;
use crate::support;

#[tokio::test]
async fn what_the_cursor_found_running_comes_and_what_it_has_seen_does_not() {
    let site = Site::start().await;
    let (first, second, third) = (
        support::connect(&site.url).await,
        support::connect(&site.url).await,
        support::connect(&site.url).await,
    );
    first.batch_execute("begin; insert into a values (1, 0)").await.unwrap();
    second.batch_execute("begin; insert into a values (2, 0)").await.unwrap();
    site.run("insert into a values (3, 0)").await;
    let between = site.now().await;
    third.batch_execute("begin; insert into a values (4, 0)").await.unwrap();
    second.batch_execute("insert into a values (5, 0); commit").await.unwrap();
    let later = site.now().await;
    assert_eq!(site.ids_after(&between).await, [2, 5]);
    first.batch_execute("insert into a values (6, 0); commit").await.unwrap();
    site.run("insert into a values (7, 0)").await;
    assert_eq!(site.ids_after(&between).await, [1, 2, 5, 6, 7]);
    assert_eq!(site.ids_after(&later).await, [1, 6, 7]);
    third.batch_execute("rollback").await.unwrap();
    assert_eq!(site.ids_after(&between).await, [1, 2, 5, 6, 7]);
}

#[tokio::test]
async fn a_replay_ends_where_the_next_one_begins() {
    let site = Site::start().await;
    let long = support::connect(&site.url).await;
    let mut cursor = site.now().await;
    long.batch_execute("begin; insert into a values (100, 0)").await.unwrap();
    let mut came = Vec::new();
    for id in 0..5 {
        site.run(&format!("insert into a values ({id}, 0)")).await;
        let (changes, end) = site.after(&cursor).await;
        came.push(changes.iter().map(super::id).collect::<Vec<_>>());
        assert!(end.snapshot.includes(&cursor.snapshot));
        assert_eq!(end.era, site.era);
        cursor = end;
    }
    long.batch_execute("commit").await.unwrap();
    assert_eq!(site.ids_after(&cursor).await, [100]);
    assert_eq!(came, [[0], [1], [2], [3], [4]]);
}

#[tokio::test]
async fn what_the_part_has_seen_up_to_its_last_does_not_come_again() {
    let site = Site::start().await;
    let long = support::connect(&site.url).await;
    let before = site.now().await;
    long.batch_execute("begin; insert into a values (1, 0)").await.unwrap();
    site.run("insert into a values (2, 0); insert into a values (3, 0)").await;
    let (changes, within) = site.after(&before).await;
    assert_eq!(changes.len(), 2);
    let cut = |last| {
        let part = Some(Part { snapshot: within.snapshot.clone(), last });
        Cursor { part, ..before.clone() }
    };
    let two = changes[0].seq.0;
    assert_eq!(site.ids_after(&cut(two - 1)).await, [2, 3]);
    assert_eq!(site.ids_after(&cut(two)).await, [3]);
    assert_eq!(site.ids_after(&cut(two + 1)).await, [] as [i64; 0]);
    long.batch_execute("commit").await.unwrap();
    // Its number is lower, but it wasn't to be seen.
    assert_eq!(site.ids_after(&cut(two)).await, [1, 3]);
}

#[tokio::test]
async fn a_large_replay_comes_in_chunks() {
    let site = Site::start().await;
    let before = site.now().await;
    site.run("insert into a select g, 0 from generate_series(1, 2500) as g").await;
    let mut replay = site.replays.after(&before).await.unwrap();
    let mut sizes = Vec::new();
    while let Some(chunk) = replay.next().await.unwrap() {
        sizes.push(chunk.len());
    }
    assert_eq!(sizes, [1000, 1000, 500]);
    assert!(matches!(replay.next().await, Ok(None)));
    site.run("insert into b select g, 0, repeat('x', 100000) from generate_series(1, 5) as g")
        .await;
    let mut replay = site.replays.after(replay.end()).await.unwrap();
    assert_eq!(replay.next().await.unwrap().unwrap().len(), 3);
}

#[tokio::test]
async fn a_few_connections_serve_all_and_are_kept() {
    let site = Site::start().await;
    let before = site.now().await;
    site.run("insert into a select g, 0 from generate_series(1, 5000) as g").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (replays, before) = (site.replays.clone(), before.clone());
        tasks.spawn(async move { take(replays.after(&before).await.unwrap()).await.0.len() });
    }
    assert!(tasks.join_all().await.iter().all(|&count| count == 5000));
    let query = "select count(*) from pg_stat_activity
                  where datname = current_database() and application_name = 'rowcast replay'";
    let sessions: i64 = site.client.query_one(query, &[]).await.unwrap().get(0);
    assert!((1..=2).contains(&sessions), "{sessions}");
}

#[tokio::test]
async fn a_kept_connection_that_has_ended_is_replaced() {
    let site = Site::start().await;
    let before = site.now().await;
    site.run("insert into a values (1, 0)").await;
    assert_eq!(site.ids_after(&before).await, [1]);
    let ended = "select pg_terminate_backend(pid) from pg_stat_activity
                  where datname = current_database() and application_name = 'rowcast replay'";
    support::eventually("a kept connection", async || {
        (site.client.query(ended, &[]).await.unwrap().len() == 1).then_some(())
    })
    .await;
    assert_eq!(site.ids_after(&before).await, [1]);
}

#[tokio::test]
async fn a_replay_that_nobody_takes_frees_its_turn_and_its_lock() {
    let site = Site::start().await;
    let before = site.now().await;
    site.run("insert into a select g, 0 from generate_series(1, 100000) as g").await;
    for _ in 0..5 {
        drop(site.replays.after(&before).await.unwrap());
    }
    support::eventually("the statements to end", async || {
        let query = "select from pg_locks as l join pg_stat_activity using (pid)
                      where application_name = 'rowcast replay' and relation is not null
                        and datname = current_database()";
        site.client.query(query, &[]).await.unwrap().is_empty().then_some(())
    })
    .await;
    assert_eq!(site.after(&before).await.0.len(), 100_000);
}

#[tokio::test]
async fn a_replay_that_breaks_off_says_so() {
    let site = Site::start().await;
    let before = site.now().await;
    site.run("insert into a select g, 0 from generate_series(1, 100000) as g").await;
    let mut replay = site.replays.after(&before).await.unwrap();
    replay.next().await.unwrap().unwrap();
    site.run(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity
          where datname = current_database() and application_name = 'rowcast replay'",
    )
    .await;
    let end = loop {
        match replay.next().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert!(matches!(end, Err(ReplayError::Unavailable(_))), "{end:?}");
}
