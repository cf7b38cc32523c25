//! What a WebSocket client received, kept in a form that a few million events fit into.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Frame {
    op: String,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    event: String,
    table: String,
    key: Option<Value>,
    data: Value,
    seq: u64,
    tx: String,
}

/// What one transaction did, and in which batch it came.
#[derive(Default)]
struct Transaction {
    batch: u64,
    created: u32,
    patched: u32,
    delta_is_zero: bool,
}

#[derive(Default)]
pub struct Tally {
    seqs: HashSet<u64>,
    transactions: HashMap<String, Transaction>,
    rows: HashMap<(String, u64), (u64, Value)>,
    batch: u64,
    within: bool,
}

impl Tally {
    /// Takes a message; says whether it had changes.
    pub fn take(&mut self, text: &str) -> bool {
        let frame: Frame = serde_json::from_str(text).unwrap();
        match frame.op.as_str() {
            "events" => {
                self.within = true;
                frame.events.into_iter().for_each(|event| self.take_event(event));
                true
            }
            "commit" => {
                self.batch += u64::from(self.within);
                self.within = false;
                false
            }
            other => panic!("{other}: {text}"),
        }
    }

    fn take_event(&mut self, event: Event) {
        assert!(self.seqs.insert(event.seq), "change {} came twice", event.seq);
        let batch = self.batch;
        let transaction = self
            .transactions
            .entry(event.tx.clone())
            .or_insert_with(|| Transaction { batch, ..Transaction::default() });
        assert_eq!(transaction.batch, batch, "transaction {} is in two batches", event.tx);
        match event.event.as_str() {
            "created" => {
                transaction.created += 1;
                transaction.delta_is_zero = event.data["delta"] == 0;
            }
            "patched" => transaction.patched += 1,
            other => panic!("{other}"),
        }
        let key = event.key.as_ref().and_then(|key| key.as_object()?.values().next()?.as_u64());
        if let Some(key) = key {
            let last = self.rows.insert((event.table, key), (event.seq, event.data));
            assert!(last.is_none_or(|(seq, _)| seq < event.seq), "row {key} goes back in time");
        }
    }

    pub fn changes(&self) -> u64 {
        self.seqs.len() as u64
    }

    pub fn transactions(&self) -> u64 {
        self.transactions.len() as u64
    }

    pub fn batches(&self) -> u64 {
        self.batch
    }

    /// Whether a batch has begun and not ended.
    pub fn is_open(&self) -> bool {
        self.within
    }

    pub fn batches_of_any_transaction(&self) -> usize {
        self.transactions
            .values()
            .map(|transaction| transaction.batch)
            .collect::<HashSet<_>>()
            .len()
    }

    /// Three balances and a line of history for each transaction of pgbench's.
    pub fn assert_whole(&self) {
        for (tx, Transaction { created, patched, delta_is_zero, .. }) in &self.transactions {
            let balances = if *delta_is_zero { 0 } else { 3 };
            assert_eq!((*created, *patched), (1, balances), "transaction {tx}");
        }
    }

    /// The last state of each row of a table.
    pub fn last_rows(&self, table: &str) -> HashMap<u64, &Value> {
        let of_table = self.rows.iter().filter(|((name, _), _)| name == table);
        of_table.map(|((_, key), (_, row))| (*key, row)).collect()
    }
}
