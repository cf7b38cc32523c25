//! The log's bounds in time and in size, as writers and readers of a running daemon see them: under load, and after there was
//! no daemon for longer than the log is kept.

mod away;
mod bounded;
mod follower;
mod writers;

use nix::sys::signal::Signal;
use rowcast::changelog::{ReplayError, Replays, ResetReason};
use rowcast::cursor::Cursor;
use rowcast::database::Database;
use serde_json::Value;
use tokio_postgres::Client;

use crate::support::program::{Place, Running};
use crate::support::{self, eventually};
use follower::Follower;

/// A database with a table that is served, and a daemon of it.
struct Site {
    url: String,
    client: Client,
    place: Place,
    daemon: Option<Running>,
    address: String,
}

impl Site {
    /// `log` is what the configuration says about the log.
    async fn start(log: &str) -> Self {
        let url = support::fresh_database().await;
        let client = support::connect(&url).await;
        let table =
            "create table rows (id bigint generated always as identity primary key, pad text)";
        client.batch_execute(table).await.unwrap();
        let place = Place::with(&format!(
            "[database]\nurl = {url:?}\n[server]\nlisten = \"127.0.0.1:0\"\n[auth]\nanonymous = true\n\
             [log]\n{log}\n[[table]]\nname = \"rows\"\nrows = \"true\"\ncolumns = [\"id\"]\n"
        ));
        let mut site = Self { url, client, place, daemon: None, address: String::new() };
        site.begin_daemon().await;
        site
    }

    async fn begin_daemon(&mut self) {
        let mut daemon = self.place.start(&["serve"]);
        self.address = daemon.address().await;
        self.daemon = Some(daemon);
    }

    /// Ends it without a word.
    async fn kill_daemon(&mut self) {
        let daemon = self.daemon.take().unwrap();
        daemon.signal(Signal::SIGKILL);
        daemon.end().await;
    }

    async fn follow(&self) -> Follower {
        Follower::start(&self.address, None).await
    }

    async fn number(&self, query: &str) -> i64 {
        self.client.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn log_bytes(&self) -> i64 {
        let each = ["log_0", "log_1", "log_2"];
        let sum = each.map(|name| format!("pg_total_relation_size('rowcast.{name}')")).join(" + ");
        self.number(&format!("select {sum}")).await
    }

    async fn skipped(&self) -> i64 {
        self.number("select coalesce(pg_sequence_last_value('rowcast.skipped'), 0)").await
    }

    /// How many changes have been logged.
    async fn logged(&self) -> i64 {
        self.number("select coalesce(pg_sequence_last_value('rowcast.seq'), 0)").await
    }

    async fn rows(&self) -> i64 {
        self.number("select coalesce(max(id), 0) from rows").await
    }

    async fn until_rows(&self, count: i64) {
        eventually("more rows", async || (self.rows().await >= count).then_some(())).await;
    }

    async fn status(&self) -> Value {
        let json = self.place.run(&["status", "--json"]).await.well();
        serde_json::from_str(&json).unwrap()
    }

    /// The cursor is refused on every way, and said to be too old.
    async fn refuses_as_expired(&self, cursor: &str) {
        assert_eq!(self.refusal(cursor).await, Some(ResetReason::CursorExpired));
        let late = Follower::start(&self.address, Some(cursor)).await;
        late.until("a reset", |got| got.resets == ["cursor_expired"]).await;
        let url = format!("{}/v1/tables/rows/changes?cursor={cursor}", self.address);
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(answer.status(), 410);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["code"], "cursor_expired", "{body}");
    }

    /// What the log says to a cursor.
    async fn refusal(&self, cursor: &str) -> Option<ResetReason> {
        let cursor: Cursor = cursor.parse().unwrap();
        let replays = Replays::new(Database::resolve(Some(&self.url), &|_| None).unwrap());
        match replays.after(&cursor).await {
            Ok(_) => None,
            Err(ReplayError::Expired(reason)) => Some(reason),
            Err(error) => panic!("{error:?}"),
        }
    }
}
