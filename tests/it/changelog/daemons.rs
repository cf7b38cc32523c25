//! Several daemons on one database share the doorbell and the log, and nothing else.

use std::time::Duration;

use rowcast::changelog::{Settings, Wake};

use super::feed::Feed;
use super::workload::Workload;
use super::{setup, truth};
use crate::support;

#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_gets_everything_once() {
    let (url, client) = setup::watched().await;
    let polling = Settings { wake: Wake::Poll, ..Settings::default() };
    let feeds = [
        Feed::start(&url, Settings::default()).await,
        Feed::start(&url, Settings::default()).await,
        Feed::start(&url, polling).await,
    ];
    let work = Workload::start(&url, 4);
    for feed in &feeds {
        feed.until("changes", |seen| seen.changes().count() > 500).await;
    }
    work.stop().await;
    truth::finish(&feeds[0], &client).await;
    for feed in &feeds {
        truth::check(feed, &client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_while_it_holds_leaves_the_other_to_read_on() {
    let (url, client) = setup::watched().await;
    let survivor = Feed::start(&url, Settings::default()).await;
    for _ in 0..3 {
        let victim = Feed::start(&url, Settings::default()).await;
        let work = Workload::start(&url, 2);
        victim.until("changes", |seen| seen.changes().count() > 100).await;
        victim.kill();
        let before = survivor.look(|seen| seen.changes().count());
        survivor.until("changes", |seen| seen.changes().count() > before + 20).await;
        work.stop().await;
    }
    truth::check(&survivor, &client).await;
}

#[tokio::test]
async fn when_all_of_them_sleep_the_bell_wakes_all() {
    let (url, client) = setup::watched().await;
    let feeds = [
        Feed::start(&url, Settings::default()).await,
        Feed::start(&url, Settings::default()).await,
    ];
    let asleep = "select count(distinct query_start) = 2 and max(query_start) < clock_timestamp() - interval '200 ms'
                    and coalesce(pg_sequence_last_value('rowcast.held_until'), 0) < extract(epoch from now()) * 1000
                    from pg_stat_activity where datname = current_database() and application_name = 'rowcast reader'";
    // The slow timer alone would take a second for each.
    let rounds = support::DEADLINE.as_secs() as i64 + 5;
    let mut waited = Duration::ZERO;
    for id in 0..rounds {
        if id % 8 == 0 {
            support::eventually("both to sleep", async || {
                client.query_one(asleep, &[]).await.unwrap().get::<_, bool>(0).then_some(())
            })
            .await;
        }
        let begun = std::time::Instant::now();
        client.execute("insert into a values ($1, 0)", &[&id]).await.unwrap();
        for feed in &feeds {
            feed.until("the change", |seen| seen.has_inserted(id)).await;
        }
        waited += begun.elapsed();
    }
    assert!(waited < support::DEADLINE, "the slow timer woke them: {waited:?}");
}
