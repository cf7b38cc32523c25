//! Chains of replays from anywhere, under load, cut anywhere: rows read in a snapshot and what came after it are the tables.

use std::collections::{BTreeMap, HashSet};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

use super::*;
use crate::changelog::setup::TABLES;
use crate::changelog::workload::Workload;
use crate::support;

/// The rows of each table, by table and id.
type State = BTreeMap<(i32, i64), String>;

/// A mirror of the tables that is kept by replays alone.
struct Chain {
    begin: Cursor,
    cursor: Cursor,
    state: State,
    seqs: HashSet<i64>,
}

impl Chain {
    /// Rows and cursor of one snapshot.
    async fn start(client: &Client, era: Era) -> Self {
        let begin = "begin isolation level repeatable read read only";
        client.batch_execute(begin).await.unwrap();
        let query = "select pg_current_snapshot()::text";
        let snapshot: String = client.query_one(query, &[]).await.unwrap().get(0);
        let state = state(client).await;
        client.batch_execute("commit").await.unwrap();
        let begin = Cursor::new(era, snapshot.parse().unwrap());
        Self { cursor: begin.clone(), begin, state, seqs: HashSet::new() }
    }

    /// One replay, of which only a part may be taken. Says whether there was anything.
    async fn step(&mut self, replays: &Replays, random: &mut StdRng) -> bool {
        let (changes, end) = take(replays.after(&self.cursor).await.unwrap()).await;
        let cut = random.random_bool(0.5).then(|| random.random_range(0..=changes.len()));
        let (taken, next) = (0..=cut.unwrap_or(changes.len()))
            .rev()
            .find_map(|taken| Some((taken, self.place_after(&changes[..taken], &end)?)))
            .filter(|_| cut.is_some())
            .unwrap_or((changes.len(), end));
        for change in &changes[..taken] {
            self.apply(change);
        }
        self.cursor = next.to_string().parse().unwrap();
        taken > 0
    }

    fn place_after(&self, taken: &[Change], end: &Cursor) -> Option<Cursor> {
        self.cursor.up_to(end, taken.last()?.seq.0)
    }

    fn apply(&mut self, change: &Change) {
        assert!(self.seqs.insert(change.seq.0), "came twice: {change:?}");
        let text = |row: &Option<rowcast::event::RowText>| row.as_ref().map(|row| row.json.clone());
        let key = (change.table.0, id(change));
        assert_eq!(self.state.remove(&key), text(&change.old), "the row before {change:?}");
        if let Some(new) = text(&change.new) {
            self.state.insert(key, new);
        }
    }
}

async fn state(client: &Client) -> State {
    let mut state = State::new();
    for table in TABLES {
        let query = format!(
            "select w.id, t.id, row_to_json(t)::text from {table} as t, rowcast.watched as w
              where w.relation = '{table}'::regclass"
        );
        for row in client.query(&query, &[]).await.unwrap() {
            state.insert((row.get(0), row.get(1)), row.get(2));
        }
    }
    state
}

/// What the log has that the cursor doesn't have.
async fn missing(client: &Client, cursor: &Cursor) -> HashSet<i64> {
    let query = "select seq, txid::text from rowcast.log_0 union all
                 select seq, txid::text from rowcast.log_1 union all
                 select seq, txid::text from rowcast.log_2";
    let rows = client.query(query, &[]).await.unwrap();
    let unseen = rows.iter().filter_map(|row| {
        let (seq, txid): (i64, u64) = (row.get(0), row.get::<_, &str>(1).parse().unwrap());
        (!cursor.has(txid, seq)).then_some(seq)
    });
    unseen.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_from_anywhere_end_with_what_the_tables_have() {
    let site = Site::start().await;
    let work = Workload::start(&site.url, 5);
    let mut chains = JoinSet::new();
    for seed in 0..6 {
        let (url, replays, era) = (site.url.clone(), site.replays.clone(), site.era);
        chains.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let client = support::connect(&url).await;
            let mut done = Vec::new();
            for _ in 0..4 {
                let mut chain = Chain::start(&client, era).await;
                for _ in 0..random.random_range(0..12) {
                    chain.step(&replays, &mut random).await;
                }
                done.push(chain);
            }
            (done, random)
        });
    }
    let chains = chains.join_all().await;
    assert!(work.stop().await > 50);
    let (end, mut cuts) = (state(&site.client).await, 0);
    for (chains, mut random) in chains {
        for mut chain in chains {
            cuts += usize::from(chain.cursor.part.is_some());
            while chain.step(&site.replays, &mut random).await || chain.cursor.part.is_some() {}
            assert_eq!(chain.state, end);
            assert_eq!(chain.seqs, missing(&site.client, &chain.begin).await);
        }
    }
    assert!(cuts > 3, "{cuts}");
}
