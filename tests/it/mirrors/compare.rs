//! When nobody writes, each copy must equal what PostgreSQL shows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::copy::{Row, Rows};
use super::judge::{self, Truth};
use super::mirror::{Mirror, SILENCE};
use super::round::Round;
use super::stage::Server;
use crate::random::{Object, Table};

/// After this, who has no news but is equal is believed; a look at the end sees whether it stays so.
const PATIENCE: Duration = Duration::from_millis(1_500);
const AGAIN: Duration = Duration::from_millis(20);
const MAX_ROWS_SHOWN: usize = 5;

struct Waiting {
    mirror: Arc<Mirror>,
    at: usize,
    truth: Truth,
}

/// Waits until every copy has heard of all that was committed, and compares it then.
pub async fn when_quiet(round: &Round) {
    let client = Server::connect(&round.url).await;
    let tx: u64 = mark(&client).await;
    let since = Instant::now();
    let tables = Arc::clone(&round.tables.borrow());
    let mut waiting = everybody(round, &client, &tables).await;
    let mut arrived = Vec::new();
    let deadline = since + SILENCE;
    while !waiting.is_empty() && !round.over.is_cancelled() {
        let mut still = Vec::new();
        for one in waiting {
            let has_passed = one.mirror.copy(one.at).has_passed(tx, since);
            let wrong = one.difference(round, &tables).await;
            match wrong {
                Some(wrong) if has_passed => round.fail(&one, &wrong, "has passed, and differs"),
                Some(wrong) if Instant::now() > deadline => round.fail(&one, &wrong, "too late"),
                None if has_passed || since.elapsed() > PATIENCE => arrived.push(one),
                _ => still.push(one),
            }
        }
        waiting = still;
        tokio::time::sleep(AGAIN).await;
    }
    scripts_when_quiet(round, &client, &tables).await;
    for one in &arrived {
        if round.over.is_cancelled() {
            return;
        }
        if let Some(wrong) = one.difference(round, &tables).await {
            round.fail(one, &wrong, "was equal, and isn't any more");
        }
        round.counts.comparisons.add(1);
        round.counts.compared_rows.add(one.truth.len() as u64);
    }
}

/// Whoever has no cursor to show must become equal.
async fn scripts_when_quiet(round: &Round, client: &Client, tables: &[Table]) {
    let deadline = Instant::now() + SILENCE;
    for script in &round.scripts {
        let mut truths = Vec::new();
        for spec in &script.specs {
            let (table, claims) = (&tables[spec.table], &script.identity.claims);
            truths.push(judge::truth(client, table, claims, spec).await);
        }
        while !round.over.is_cancelled() {
            let wrong = script.differences(&truths).await;
            if wrong.as_ref().is_some_and(Vec::is_empty) {
                round.counts.script_comparisons.add(truths.len() as u64);
                break;
            }
            if Instant::now() > deadline {
                let told = wrong.map_or("no answer".to_owned(), |wrong| wrong.join("\n"));
                round.fail_with(format!("{}: {told}", script.name));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// A transaction that comes after all others.
async fn mark(client: &Client) -> u64 {
    let query = "insert into sentinel values (1) returning pg_current_xact_id()::text";
    let tx: String = client.query_one(query, &[]).await.unwrap().get(0);
    tx.parse().unwrap()
}

async fn everybody(round: &Round, client: &Client, tables: &[Table]) -> Vec<Waiting> {
    let mut all = Vec::new();
    for mirror in &round.mirrors {
        for (at, spec) in mirror.specs.iter().enumerate() {
            let (table, claims) = (&tables[spec.table], &mirror.identity.claims);
            let truth = judge::truth(client, table, claims, spec).await;
            all.push(Waiting { mirror: Arc::clone(mirror), at, truth });
        }
    }
    all
}

impl Waiting {
    async fn difference(&self, round: &Round, tables: &[Table]) -> Option<String> {
        let (wrong, large) = {
            let copy = self.mirror.copy(self.at);
            (differences(&copy.rows, &self.truth), large(&copy.rows))
        };
        if !wrong.is_empty() {
            return Some(format!("{} differences\n{}", wrong.len(), shown(&wrong)));
        }
        for key in large {
            if let Some(wrong) = self.fetch(round, tables, &key).await {
                return Some(wrong);
            }
        }
        None
    }

    /// What came without data is asked for.
    async fn fetch(&self, round: &Round, tables: &[Table], key: &str) -> Option<String> {
        let spec = &self.mirror.specs[self.at];
        let mut spec = spec.clone();
        let (mut conditions, mut parts) = (Vec::new(), key.split('|'));
        for name in &tables[spec.table].key {
            let value = parts.next()?.replace('"', "'");
            conditions.push(format!("{name} = {value}"));
        }
        let by_key = conditions.join(" and ");
        spec.asked.filter = Some(match spec.asked.filter.take() {
            Some(filter) => format!("({filter}) and {by_key}"),
            None => by_key,
        });
        let daemon = round.daemons.iter().find(|daemon| daemon.runs())?;
        let url = format!("http://{}/v1/tables/{}/rows", daemon.address, spec.asked.table);
        let mut request = reqwest::Client::new().get(format!("{url}?{}", spec.query(&[])));
        if let Some(token) = &self.mirror.identity.token {
            request = request.bearer_auth(token);
        }
        let text = request.send().await.ok()?.text().await.ok()?;
        let Ok(answer) = serde_json::from_str::<Object>(&text) else { return Some(text) };
        let rows: Vec<Object> = serde_json::from_str(answer.get("rows")).ok()?;
        round.counts.oversize.add(1);
        let right = rows.len() == 1 && self.truth.get(key) == rows.first();
        (!right).then(|| format!("{key} fetched as {} rows", rows.len()))
    }
}

fn large(rows: &Rows) -> Vec<String> {
    let large = rows.iter().filter(|(_, row)| **row == Row::Large);
    large.map(|(key, _)| key.clone()).collect()
}

fn differences(rows: &Rows, truth: &Truth) -> Vec<String> {
    let mut wrong = Vec::new();
    for (key, row) in rows {
        match (truth.get(key), row) {
            (None, _) => wrong.push(format!("{key} is only in the copy: {row:?}")),
            (Some(true_row), Row::Known(row)) if true_row != row => {
                wrong.push(format!("{key} differs: {}", unequal(row, true_row)));
            }
            _ => {}
        }
    }
    let missing = truth.iter().filter(|(key, _)| !rows.contains_key(*key));
    wrong.extend(missing.map(|(key, row)| format!("{key} is missing: {row:?}")));
    wrong
}

fn unequal(row: &Object, true_row: &Object) -> String {
    let names = row.0.keys().chain(true_row.0.keys());
    let differ = names.filter(|name| row.0.get(*name) != true_row.0.get(*name));
    let told = differ.map(|name| {
        format!("{name}: {:?}, and should be {:?}", row.0.get(name), true_row.0.get(name))
    });
    told.collect::<Vec<_>>().join("; ")
}

fn shown(wrong: &[String]) -> String {
    let cut = |text: &String| text.chars().take(600).collect::<String>();
    wrong.iter().take(MAX_ROWS_SHOWN).map(cut).collect::<Vec<_>>().join("\n")
}

impl Round {
    fn fail(&self, one: &Waiting, wrong: &str, how: &str) {
        let copy = one.mirror.copy(one.at);
        let cursor = copy.cursor.as_ref().map(|it| (&it.1, it.2.elapsed()));
        let told = format!("{how}: {wrong}\n{}, at {cursor:?}\n{}", one.mirror.name, copy.trail());
        drop(copy);
        self.fail_with(told);
    }

    fn fail_with(&self, told: String) {
        self.fault.lock().unwrap().get_or_insert(told);
        self.over.cancel();
    }
}
