//! `rowcast.reaches()`: never true for a cursor after which a row is missing.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rowcast::cursor::Snapshot;
use tokio_postgres::Client;

use super::fixture::Db;

/// A transaction that may be open, and what it has written.
struct Writer {
    session: Client,
    written: Option<Vec<(u64, i32)>>,
}

struct Play {
    db: Db,
    random: StdRng,
    writers: Vec<Writer>,
    committed: Vec<(u64, i32)>,
    cursors: Vec<Snapshot>,
    next: i32,
    said_yes: u32,
    said_no: u32,
    said_no_in_vain: u32,
}

impl Play {
    async fn new(seed: u64) -> Self {
        let db = Db::watching("create table t (id int primary key)", &["t"]).await;
        let mut writers = Vec::new();
        for _ in 0..4 {
            writers.push(Writer { session: db.session().await, written: None });
        }
        Self {
            db,
            random: StdRng::seed_from_u64(seed),
            writers,
            committed: Vec::new(),
            cursors: Vec::new(),
            next: 0,
            said_yes: 0,
            said_no: 0,
            said_no_in_vain: 0,
        }
    }

    async fn step(&mut self) {
        let which = self.random.random_range(0..self.writers.len());
        match self.random.random_range(0..10) {
            0..4 => self.write(which).await,
            4..7 => self.end(which).await,
            7 => drop(self.db.value("rowcast.rotate()").await),
            _ => self.cursors.push(self.db.value("pg_current_snapshot()").await.parse().unwrap()),
        }
    }

    async fn write(&mut self, which: usize) {
        let writer = &mut self.writers[which];
        if writer.written.is_none() {
            writer.session.batch_execute("begin").await.unwrap();
        }
        self.next += 1;
        writer.session.execute("insert into t values ($1)", &[&self.next]).await.unwrap();
        let id = "select pg_current_xact_id()::text";
        let txid: String = writer.session.query_one(id, &[]).await.unwrap().get(0);
        writer.written.get_or_insert_default().push((txid.parse().unwrap(), self.next));
    }

    async fn end(&mut self, which: usize) {
        let writer = &mut self.writers[which];
        let Some(written) = writer.written.take() else { return };
        if self.random.random_bool(0.8) {
            writer.session.batch_execute("commit").await.unwrap();
            self.committed.extend(written);
        } else {
            writer.session.batch_execute("rollback").await.unwrap();
        }
    }

    async fn check(&mut self) {
        let in_log: BTreeSet<i32> = self
            .db
            .logged()
            .await
            .iter()
            .map(|row| {
                let row: serde_json::Value =
                    serde_json::from_str(row.new.as_ref().unwrap()).unwrap();
                i32::try_from(row["id"].as_i64().unwrap()).unwrap()
            })
            .collect();
        for cursor in &self.cursors {
            let reaches = self.db.value(&format!("rowcast.reaches('{cursor}')")).await == "true";
            let after = self.committed.iter().filter(|(txid, _)| !cursor.has_seen(*txid));
            let missing: Vec<i32> =
                after.map(|(_, id)| *id).filter(|id| !in_log.contains(id)).collect();
            assert!(!reaches || missing.is_empty(), "{cursor} misses {missing:?}");
            match (reaches, missing.is_empty()) {
                (true, _) => self.said_yes += 1,
                (false, false) => self.said_no += 1,
                (false, true) => self.said_no_in_vain += 1,
            }
        }
    }
}

#[tokio::test]
async fn it_says_yes_only_if_nothing_after_the_cursor_is_missing() {
    for seed in 0..6 {
        let mut play = Play::new(seed).await;
        for _ in 0..15 {
            for _ in 0..10 {
                play.step().await;
            }
            play.check().await;
        }
        let Play { said_yes, said_no, said_no_in_vain, .. } = play;
        // How often it is in vain depends on what else the server does: other transactions are waited for, too.
        let answers =
            format!("seed {seed}: {said_yes} yes, {said_no} no, {said_no_in_vain} in vain");
        assert!(said_yes > 20 && said_no > 20, "it must have been put to the test: {answers}");
    }
}

#[tokio::test]
async fn a_cursor_that_was_waiting_for_a_transaction_misses_it_once_its_table_is_emptied() {
    let db = Db::watching("create table t (id int primary key)", &["t"]).await;
    let writer = db.session_with("begin; insert into t values (1)").await;
    let waiting = db.value("pg_current_snapshot()").await;
    writer.batch_execute("commit").await.unwrap();
    let after = db.value("pg_current_snapshot()").await;
    for _ in 0..3 {
        assert_eq!(db.value("rowcast.rotate()").await, "true");
    }
    assert_eq!(db.value(&format!("rowcast.reaches('{waiting}')")).await, "false");
    assert_eq!(db.value(&format!("rowcast.reaches('{after}')")).await, "true");
}
