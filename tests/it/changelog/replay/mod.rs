//! Replays: exactly what a cursor doesn't have, or the reason why that can't be told.

mod chains;
mod expired;
mod missing;

use rowcast::changelog::{Replay, ReplayError, Replays, ResetReason, Settings};
use rowcast::cursor::{Cursor, Era, Part};
use rowcast::database::Database;
use rowcast::event::Change;
use tokio_postgres::Client;

use super::feed::Feed;
use super::setup;

/// A watched database in whose epoch a daemon has begun.
struct Site {
    url: String,
    client: Client,
    feed: Feed,
    replays: Replays,
    era: Era,
}

impl Site {
    async fn start() -> Self {
        let (url, client) = setup::watched().await;
        Self::at(url, client).await
    }

    async fn at(url: String, client: Client) -> Self {
        let feed = Feed::start(&url, Settings::default()).await;
        let era = feed.look(|seen| seen.cursor.as_ref().unwrap().era);
        let replays = replays(&url);
        Self { url, client, feed, replays, era }
    }

    async fn end_daemon(&mut self) {
        self.feed.stop().await;
    }

    async fn begin_daemon(&mut self) {
        self.feed = Feed::start(&self.url, Settings::default()).await;
        self.era = self.feed.look(|seen| seen.cursor.as_ref().unwrap().era);
    }

    /// A cursor of this moment.
    async fn now(&self) -> Cursor {
        let query = "select pg_current_snapshot()::text";
        let snapshot: String = self.client.query_one(query, &[]).await.unwrap().get(0);
        Cursor::new(self.era, snapshot.parse().unwrap())
    }

    async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }

    async fn after(&self, cursor: &Cursor) -> (Vec<Change>, Cursor) {
        take(self.replays.after(cursor).await.unwrap()).await
    }

    /// The ids of the rows that were inserted after the cursor.
    async fn ids_after(&self, cursor: &Cursor) -> Vec<i64> {
        self.after(cursor).await.0.iter().map(id).collect()
    }

    async fn refusal(&self, cursor: &Cursor) -> ResetReason {
        refusal(&self.replays, cursor).await
    }
}

fn replays(url: &str) -> Replays {
    Replays::new(Database::resolve(Some(url), &|_| None).unwrap())
}

async fn refusal(replays: &Replays, cursor: &Cursor) -> ResetReason {
    match replays.after(cursor).await {
        Err(ReplayError::Expired(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

async fn take(mut replay: Replay) -> (Vec<Change>, Cursor) {
    let mut changes = Vec::new();
    while let Some(chunk) = replay.next().await.unwrap() {
        assert!(!chunk.is_empty());
        changes.extend(chunk);
    }
    assert!(changes.is_sorted_by_key(|change| change.seq));
    (changes, replay.end().clone())
}

/// The id of the row that a change is about.
fn id(change: &Change) -> i64 {
    let text = change.new.as_ref().or(change.old.as_ref()).unwrap();
    let (id, _) = text.json.strip_prefix("{\"id\":").unwrap().split_once(',').unwrap();
    id.parse().unwrap()
}
