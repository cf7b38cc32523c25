//! A table that transactions change, which commit in another order than they began, and the snapshots that readers of its log
//! take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use rand::Rng as _;
use rand::rngs::StdRng;

use crate::catalog::TableId;
use crate::changelog::{ReplayError, ResetReason};
use crate::cursor::{Cursor, Era};
use crate::event::{Change, Op, RowText, Seq};
use crate::shape::replay::log::{Log, Read};

pub const ORDERS: TableId = TableId(1);

/// The rows by their `id`: whose they are, and a number.
pub type Rows = BTreeMap<i64, (i64, i64)>;

#[derive(Debug)]
pub struct World {
    pub era: Era,
    committed: Rows,
    open: BTreeMap<u64, Vec<Change>>,
    locked: BTreeSet<i64>,
    next_txid: u64,
    next_seq: i64,
    log: Vec<Change>,
    /// What the table was as of each snapshot that was taken.
    seen: BTreeMap<String, Rows>,
}

impl World {
    pub fn new() -> Self {
        Self {
            era: Era { epoch: 1, timeline: 1 },
            committed: Rows::new(),
            open: BTreeMap::new(),
            locked: BTreeSet::new(),
            next_txid: 10,
            next_seq: 1,
            log: Vec::new(),
            seen: BTreeMap::new(),
        }
    }

    /// One step of some transaction.
    pub fn act(&mut self, rng: &mut StdRng, max_rows: i64) {
        let some: Vec<u64> = self.open.keys().copied().collect();
        match rng.random_range(0..6) {
            0 if some.len() < 4 => self.begin(),
            1 | 2 if !some.is_empty() => self.commit(some[rng.random_range(0..some.len())]),
            _ if some.is_empty() => self.begin(),
            _ => self.write(some[rng.random_range(0..some.len())], rng, max_rows),
        }
    }

    fn begin(&mut self) {
        self.open.insert(self.next_txid, Vec::new());
        self.next_txid += 1;
    }

    fn write(&mut self, txid: u64, rng: &mut StdRng, max_rows: i64) {
        let id = rng.random_range(0..max_rows);
        let mine = self.open[&txid].iter().rev().find(|change| id_of(change) == id);
        if mine.is_none() && !self.locked.insert(id) {
            return;
        }
        let row = |(owner, number)| RowText {
            json: format!(r#"{{"id":{id},"customer":{owner},"v":{number}}}"#),
            key_only: false,
        };
        let old = match mine {
            Some(change) => change.new.clone(),
            None => self.committed.get(&id).copied().map(row),
        };
        let wanted = (rng.random_range(7..9), rng.random_range(0..1_000));
        let new = (old.is_none() || rng.random_bool(0.7)).then(|| row(wanted));
        let op = match (&old, &new) {
            (None, _) => Op::Insert,
            (Some(_), Some(_)) => Op::Update,
            (Some(_), None) => Op::Delete,
        };
        let (seq, at) = (Seq(self.next_seq), std::time::UNIX_EPOCH);
        self.next_seq += 1;
        let change = Change { seq, txid, table: ORDERS, op, old, new, at, origin: None };
        self.open.get_mut(&txid).unwrap().push(change);
    }

    fn commit(&mut self, txid: u64) {
        for change in self.open.remove(&txid).unwrap() {
            let id = id_of(&change);
            self.locked.remove(&id);
            match &change.new {
                Some(new) => self.committed.insert(id, row_of(new)),
                None => self.committed.remove(&id),
            };
            self.log.push(change);
        }
        self.log.sort_by_key(|change| change.seq);
    }

    /// A snapshot of now.
    pub fn place(&mut self) -> Arc<Cursor> {
        let xmin = self.open.keys().next().copied().unwrap_or(self.next_txid);
        let running: Vec<String> = self.open.keys().map(u64::to_string).collect();
        let text = format!("{xmin}:{}:{}", self.next_txid, running.join(","));
        self.seen.insert(text.clone(), self.committed.clone());
        Arc::new(Cursor::new(self.era, text.parse().unwrap()))
    }

    /// The rows as of a snapshot that was taken.
    pub fn rows_at(&self, place: &Cursor) -> &Rows {
        assert_eq!(place.part, None, "a commit isn't within a batch");
        &self.seen[&place.snapshot.to_string()]
    }

    /// What the place doesn't have, in the order of `seq`.
    pub fn after(&self, place: &Cursor) -> Vec<Change> {
        let missing = |change: &&Change| !place.has(change.txid, change.seq.0);
        self.log.iter().filter(missing).cloned().collect()
    }
}

fn id_of(change: &Change) -> i64 {
    let text = change.new.as_ref().or(change.old.as_ref()).unwrap();
    number(text, "id")
}

fn row_of(text: &RowText) -> (i64, i64) {
    (number(text, "customer"), number(text, "v"))
}

fn number(text: &RowText, name: &str) -> i64 {
    let row: serde_json::Value = serde_json::from_str(&text.json).unwrap();
    row[name].as_i64().unwrap()
}

/// The log of a world, to be read by rounds.
#[derive(Clone, Debug)]
pub struct WorldsLog(pub Arc<Mutex<World>>);

pub struct WorldsRead {
    end: Cursor,
    changes: Option<Vec<Change>>,
}

impl Log for WorldsLog {
    type Read = WorldsRead;

    async fn after(&self, cursor: &Cursor) -> Result<WorldsRead, ReplayError> {
        tokio::task::yield_now().await;
        let mut world = self.0.lock().unwrap();
        if cursor.era != world.era {
            return Err(ReplayError::Expired(ResetReason::CursorExpired));
        }
        let changes = Some(world.after(cursor));
        Ok(WorldsRead { end: Cursor::clone(&world.place()), changes })
    }
}

impl Read for WorldsRead {
    fn end(&self) -> &Cursor {
        &self.end
    }

    async fn next(&mut self) -> Result<Option<Vec<Change>>, ReplayError> {
        tokio::task::yield_now().await;
        Ok(self.changes.take())
    }
}
