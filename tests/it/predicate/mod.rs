//! Predicates mean what PostgreSQL says: tables, rows and predicates at random, judged by both.
//!
//! `ROWCAST_PREDICATE_CASES` and `ROWCAST_PREDICATE_SEED` make it longer, and another; `ROWCAST_PREDICATE_ROUND`
//! repeats one round of a seed; `ROWCAST_PREDICATE_FAILURES` is how many disagreements are looked for.

mod expr;
mod grow;
mod judge;
mod literals;
mod oddities;
mod ours;
mod pool;
mod reduce;
mod regressions;
mod table;
mod tally;
mod theirs;
mod types;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use grow::{Case, Grower};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use table::{Table, World, session};
use tally::Tally;
use tokio_postgres::Client;
use types::KINDS;

use crate::support::fresh_database;

const SEED: u64 = 20_261_120;
const CASES: u64 = 20_000;
/// Predicates to a table, and to a query.
const PER_TABLE: usize = 512;
const PER_QUERY: usize = 64;
const WORKERS: usize = 2;
/// How often a long run says how far it is.
const PROGRESS: u64 = 100_000;
/// At least so many of a hundred predicates must be accepted.
const MIN_ACCEPTED_PERCENT: u64 = 25;

/// What must be in some accepted predicate that is true for some row.
const OPS: &[&str] = &[
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "and",
    "or",
    "not",
    "is null",
    "is not null",
    "is true",
    "is not true",
    "is false",
    "is not false",
    "is unknown",
    "is not unknown",
    "is distinct from",
    "is not distinct from",
    "in",
    "not in",
    "any",
    "all",
    "between",
    "not between",
    "between symmetric",
    "not between symmetric",
    "like",
    "not like",
    "ilike",
    "not ilike",
    "escape",
    "~",
    "~*",
    "!~",
    "!~*",
    "|| of text",
    "|| of arrays",
    "->",
    "->>",
    "#>",
    "#>>",
    "@> of jsonb",
    "<@ of jsonb",
    "@> of arrays",
    "<@ of arrays",
    "?",
    "?|",
    "?&",
    "&&",
    "::",
    "cast( as )",
    "typed literal",
    "case when",
    "case of",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "length",
    "lower",
    "upper",
    "starts_with",
    "array_length",
    "cardinality",
    "collate",
    "array[ ]",
    "$n",
    "auth",
    "number",
    "boolean",
    "literal",
    "null",
    "( )",
    "column",
];

fn from_environment<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// One run: its bounds, and what it has found.
struct Run {
    seed: u64,
    cases: u64,
    only: Option<u64>,
    max_failures: usize,
    next: AtomicU64,
    world: World,
    tally: Mutex<Tally>,
    failures: Mutex<Vec<String>>,
}

impl Run {
    fn is_over(&self) -> bool {
        let (generated, accepted) = {
            let tally = self.tally.lock().unwrap();
            (tally.generated, tally.accepted)
        };
        let enough = accepted >= self.cases;
        enough
            || accepted * 100 < generated.saturating_sub(self.cases) * MIN_ACCEPTED_PERCENT
            || self.failures.lock().unwrap().len() >= self.max_failures
    }

    fn next_round(&self) -> Option<u64> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        match self.only {
            Some(only) => (next == 0).then_some(only),
            None => (!self.is_over()).then_some(next),
        }
    }

    async fn work(&self, client: &Client) {
        while let Some(round) = self.next_round() {
            self.round(client, round).await;
        }
    }

    async fn round(&self, client: &Client, round: u64) {
        let mut rng = StdRng::seed_from_u64(self.seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let table = Table::random(client, &self.world, &mut rng, &format!("t{round}")).await;
        let mut grower = Grower::new(&mut rng, &table);
        let cases: Vec<Case> = (0..PER_TABLE).map(|_| grower.case()).collect();
        let mut tally = Tally::default();
        let mut sorts: HashMap<&str, usize> = HashMap::new();
        for cases in cases.chunks(PER_QUERY) {
            for found in judge::judge(client, &table, cases.to_vec(), &mut tally).await {
                let count = sorts.entry(found.sort).or_default();
                *count += 1;
                if *count <= 3 && self.failures.lock().unwrap().len() < self.max_failures {
                    let found = reduce::reduce(client, &table, found).await;
                    let words = format!("round {round}: {}", found.show(&table));
                    println!("{words}\n");
                    self.failures.lock().unwrap().push(words);
                }
            }
        }
        self.add(tally);
        client.batch_execute(&format!("drop table {}", table.name)).await.unwrap();
    }
}

impl Run {
    fn add(&self, tally: Tally) {
        let mut sum = self.tally.lock().unwrap();
        let before = sum.accepted;
        sum.merge(tally);
        if sum.accepted / PROGRESS > before / PROGRESS {
            let failures = self.failures.lock().unwrap().len();
            println!("{} accepted, {failures} disagreements so far", sum.accepted);
        }
    }
}

/// Runs as the environment says.
async fn run() -> Arc<Run> {
    let url = fresh_database().await;
    let first = session(&url).await;
    let run = Arc::new(Run {
        seed: from_environment("ROWCAST_PREDICATE_SEED").unwrap_or(SEED),
        cases: from_environment("ROWCAST_PREDICATE_CASES").unwrap_or(CASES),
        only: from_environment("ROWCAST_PREDICATE_ROUND"),
        max_failures: from_environment("ROWCAST_PREDICATE_FAILURES").unwrap_or(5),
        next: AtomicU64::new(0),
        world: World::create(&first).await,
        tally: Mutex::default(),
        failures: Mutex::default(),
    });
    let mut workers = Vec::new();
    for _ in 0..from_environment("ROWCAST_PREDICATE_WORKERS").unwrap_or(WORKERS) {
        let (run, client) = (Arc::clone(&run), session(&url).await);
        workers.push(tokio::spawn(async move { run.work(&client).await }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn predicates_mean_what_postgresql_says() {
    let start = Instant::now();
    let run = run().await;
    let tally = run.tally.lock().unwrap();
    let failures = run.failures.lock().unwrap();
    println!("seed {}, {} s\n{tally}", run.seed, start.elapsed().as_secs());
    println!("refused for:\n{}", tally.reasons());
    assert!(failures.is_empty(), "seed {}:\n{}", run.seed, failures.join("\n\n"));
    if run.only.is_none() {
        let needed = tally.generated * MIN_ACCEPTED_PERCENT / 100;
        assert!(tally.accepted >= needed, "of {} only {}", tally.generated, tally.accepted);
        let known = run.world.kinds().filter(|&kind| KINDS[kind].is_known());
        let untried = tally.untried(OPS, known);
        assert!(untried.is_empty(), "never accepted and true: {untried:?}");
    }
}
