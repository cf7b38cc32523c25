//! Everything at once, for as long as `ROWCAST_STRESS_SECS` says (default 5).

use std::time::{Duration, Instant};

use rand::Rng as _;
use rowcast::changelog::{Settings, Wake};
use tokio_postgres::Client;

use super::feed::Feed;
use super::workload::Workload;
use super::{setup, truth};

fn duration() -> Duration {
    let given = std::env::var("ROWCAST_STRESS_SECS").ok();
    Duration::from_secs(given.map_or(5, |secs| secs.parse().expect("a number of seconds")))
}

async fn disturb(client: &Client) {
    let pause = rand::rng().random_range(1..300);
    tokio::time::sleep(Duration::from_millis(pause)).await;
    let lost =
        ["rowcast reader", "rowcast listener", "rowcast%", "%"][rand::rng().random_range(0..4)];
    let query = "select pg_terminate_backend(pid) from pg_stat_activity
                  where datname = current_database() and application_name like $1 and pid <> pg_backend_pid()";
    client.execute(query, &[&lost]).await.unwrap();
}

/// Writers in bursts, two readers that lose their connections, a third that comes and goes, and a log that rotates, but not so fast that it
/// is emptied of what a reader still needs.
async fn episode(until: Instant) {
    let (url, client) = setup::watched().await;
    let polling = Settings { wake: Wake::Poll, ..Settings::default() };
    let feeds = [Feed::start(&url, Settings::default()).await, Feed::start(&url, polling).await];
    for _ in 0..5 {
        let guest = Feed::start_early(&url, Settings::default());
        let work = Workload::start(&url, rand::rng().random_range(1..5));
        for _ in 0..6 {
            disturb(&client).await;
        }
        client.execute("select rowcast.rotate()", &[]).await.unwrap();
        guest.kill();
        work.stop().await;
        for feed in &feeds {
            truth::finish(feed, &client).await;
        }
        if Instant::now() > until {
            break;
        }
    }
    for feed in &feeds {
        truth::check(feed, &client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_whatever_happens() {
    let until = Instant::now() + duration();
    while Instant::now() < until {
        episode(until).await;
    }
}
