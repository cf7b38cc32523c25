//! Those who write, at the same time, and can be asked to pause.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::{Client, Error};

use super::counts::Counts;
use super::stage::Server;
use super::tables::{ACCOUNTS, ACCOUNTS_COUNT, VERSIONS};
use crate::random::{Table, statement, value};

const AT_RANDOM: u64 = 4;
const OF_ACCOUNTS: u64 = 2;
/// Rows of large transactions have ids from here on.
const FAR: u64 = 10_000;
const MAX_ROWS: u64 = 4_000;
const MAX_PAUSE_MILLIS: u64 = 40;

/// As they are now.
pub type Tables = watch::Receiver<Arc<Vec<Table>>>;

pub struct Writers {
    runs: watch::Sender<bool>,
    idle: watch::Receiver<u64>,
    tasks: JoinSet<()>,
    count: u64,
}

#[derive(Clone, Copy)]
enum Work {
    AtRandom,
    Accounts,
    Versions,
}

struct Writer {
    url: String,
    tables: Tables,
    rng: StdRng,
    work: Work,
    counts: Arc<Counts>,
}

impl Writers {
    /// They begin paused.
    pub fn start(url: &str, tables: &Tables, seed: u64, counts: &Arc<Counts>) -> Self {
        let (runs, running) = watch::channel(false);
        let (idling, idle) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let works = (0..AT_RANDOM).map(|_| Work::AtRandom);
        let works = works.chain((0..OF_ACCOUNTS).map(|_| Work::Accounts)).chain([Work::Versions]);
        let mut count = 0;
        for work in works {
            count += 1;
            let rng = StdRng::seed_from_u64(seed ^ (count << 32));
            let (tables, counts) = (tables.clone(), Arc::clone(counts));
            let writer = Writer { url: url.to_owned(), tables, rng, work, counts };
            tasks.spawn(writer.run(running.clone(), idling.clone()));
        }
        Self { runs, idle, tasks, count }
    }

    pub fn go_on(&self) {
        self.runs.send_replace(true);
    }

    /// Waits until all have ended what they were at.
    pub async fn pause(&mut self) {
        self.runs.send_replace(false);
        let count = self.count;
        let paused = self.idle.wait_for(|idle| *idle == count);
        let paused = tokio::time::timeout(crate::support::DEADLINE, paused).await;
        paused.expect("the writers pause").unwrap();
    }

    pub async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Writer {
    async fn run(mut self, mut runs: watch::Receiver<bool>, idle: watch::Sender<u64>) {
        let mut client: Option<Client> = None;
        loop {
            if !*runs.borrow() {
                idle.send_modify(|idle| *idle += 1);
                if runs.wait_for(|runs| *runs).await.is_err() {
                    return;
                }
                idle.send_modify(|idle| *idle -= 1);
            }
            let usable = match client.take() {
                Some(client) if !client.is_closed() => client,
                _ => {
                    let client = Server::connect(&self.url).await;
                    if self.set_up(&client).await.is_err() {
                        continue;
                    }
                    client
                }
            };
            if self.transaction(&usable).await.is_err() {
                let _ = usable.batch_execute("rollback").await;
            } else {
                self.counts.transactions.add(1);
            }
            client = Some(usable);
            let pause = self.rng.random_range(0..MAX_PAUSE_MILLIS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn set_up(&mut self, client: &Client) -> Result<(), Error> {
        let zone = if self.rng.random_bool(0.5) { "UTC" } else { "Asia/Kolkata" };
        let settings = format!(
            "set application_name = 'writer'; set lock_timeout = '300ms';
             set deadlock_timeout = '50ms'; set TimeZone = '{zone}'"
        );
        client.batch_execute(&settings).await
    }

    async fn transaction(&mut self, client: &Client) -> Result<(), Error> {
        match self.work {
            Work::AtRandom => self.at_random(client).await,
            Work::Accounts => self.transfer(client).await,
            Work::Versions => {
                let [a, b] = VERSIONS;
                let mut sql = format!("begin; update {a} set version = version + 1;");
                sql += &format!("update {b} set version = version + 1; commit");
                client.batch_execute(&sql).await
            }
        }
    }

    async fn at_random(&mut self, client: &Client) -> Result<(), Error> {
        client.batch_execute("begin").await?;
        let count = if self.rng.random_bool(0.1) { 30 } else { 5 };
        for _ in 0..self.rng.random_range(1..=count) {
            let in_doubt = self.rng.random_bool(0.15);
            if in_doubt {
                client.batch_execute("savepoint s").await?;
            }
            let sql = self.statement();
            let done = client.batch_execute(&sql).await;
            if in_doubt {
                let end = if done.is_err() || self.rng.random_bool(0.5) {
                    "rollback to s"
                } else {
                    "release s"
                };
                client.batch_execute(end).await?;
            } else {
                done?;
            }
            self.hesitate(client, 0.08, 15).await?;
        }
        self.hesitate(client, 0.04, 1_500).await?;
        let end = if self.rng.random_bool(0.9) { "commit" } else { "rollback" };
        client.batch_execute(end).await
    }

    /// Holds the transaction open for a while.
    async fn hesitate(&mut self, client: &Client, likely: f64, millis: u64) -> Result<(), Error> {
        if !self.rng.random_bool(likely) {
            return Ok(());
        }
        let millis = self.rng.random_range(1..=millis);
        client.batch_execute(&format!("select pg_sleep({millis} / 1000.0)")).await
    }

    fn statement(&mut self) -> String {
        let rng = &mut self.rng;
        let tables = Arc::clone(&self.tables.borrow());
        let table = tables[3..].choose(rng).unwrap();
        let name = &table.name;
        let texts: Vec<_> = ["note", "secret", "body", "owner"]
            .into_iter()
            .filter(|text| table.column(text).is_some())
            .collect();
        let id = rng.random_range(1..=table.ids);
        match rng.random_range(0..1_000) {
            0..8 => {
                let rows = rng.random_range(100..MAX_ROWS);
                many(rng, table, rows)
            }
            8..16 => format!("delete from {name} where id >= {FAR}"),
            16..20 => format!("delete from {name} where id >= {FAR} and id % 2 = 0"),
            20..40 if !texts.is_empty() => {
                let text = texts.choose(rng).unwrap();
                // Some compress well, and some don't.
                let times = if rng.random_bool(0.05) { 65_000 } else { 3_200 };
                format!("update {name} set {text} = repeat(md5('{id}'), {times}) where id = {id}")
            }
            40..90 if !texts.is_empty() => {
                let text = texts.choose(rng).unwrap();
                format!("update {name} set {text} = 'short' where length({text}) > 50000")
            }
            // A key that goes and comes back.
            90..130 => {
                let again = statement(rng, table);
                format!("delete from {name} where id = {id}; {again}")
            }
            _ => statement(rng, table),
        }
    }

    /// Moves some balance; accounts also come, go, and change their key and owner.
    async fn transfer(&mut self, client: &Client) -> Result<(), Error> {
        let rng = &mut self.rng;
        let (mut ids, amount) = ([0; 2], rng.random_range(1..50));
        ids.fill_with(|| rng.random_range(1..=ACCOUNTS_COUNT));
        let [one, other] = ids;
        let owner = rng.random_range(1..=3);
        let to_whom =
            format!("(select min(id) from {ACCOUNTS} where id >= {other} and id <> {one})");
        let sql = match rng.random_range(0..10) {
            0 => format!(
                "with gone as (delete from {ACCOUNTS} where id = {one} and id <> {other}
                   and exists (select from {ACCOUNTS} where id = {other}) returning balance)
                 update {ACCOUNTS} set balance = balance + (select balance from gone)
                  where id = {other} and exists (select from gone)"
            ),
            1 | 2 => format!(
                "with taken as (update {ACCOUNTS} set balance = balance - {amount}
                   where id = {other} and not exists (select from {ACCOUNTS} where id = {one})
                   returning {amount} as balance)
                 insert into {ACCOUNTS} select {one}, 'u{owner}', balance, 'new' from taken"
            ),
            3 => format!(
                "update {ACCOUNTS} set id = {one}, owner = 'u{owner}' where id = {other}
                    and not exists (select from {ACCOUNTS} where id = {one})"
            ),
            4 => format!("update {ACCOUNTS} set owner = 'u{owner}', note = 'n' where id = {one}"),
            _ => format!(
                "with pair as (select {one}::bigint as a, {to_whom} as b),
                  real as (select a, b from pair where b is not null
                    and exists (select from {ACCOUNTS} where id = a))
                 update {ACCOUNTS} set balance = balance
                        + case when id = (select a from real) then -{amount} else {amount} end
                  where id in (select a from real union all select b from real)"
            ),
        };
        let begin = "begin isolation level serializable";
        client.batch_execute(begin).await?;
        client.batch_execute(&sql).await?;
        self.hesitate(client, 0.1, 60).await?;
        let sum = format!("select sum(balance)::bigint from {ACCOUNTS}");
        let sum: i64 = client.query_one(&sum, &[]).await?.get(0);
        let end = if sum == super::tables::TOTAL { "commit" } else { "rollback" };
        client.batch_execute(end).await
    }
}

/// So many rows by one statement, alike but for their keys.
fn many(rng: &mut StdRng, table: &Table, rows: u64) -> String {
    let first = FAR + rng.random_range(0..MAX_ROWS);
    let values = table.columns.iter().map(|&column| match column.0 {
        "id" => "g".to_owned(),
        name if name == super::tables::SPARE => "'s'".to_owned(),
        _ => value(rng, table, column),
    });
    let values: Vec<_> = values.collect();
    let kinds = table.columns.iter().map(|column| column.1);
    let values: Vec<_> =
        values.iter().zip(kinds).map(|(value, kind)| format!("({value})::{kind}")).collect();
    format!(
        "insert into {} select {} from generate_series({first}, {first} + {rows}) g
           on conflict do nothing",
        table.name,
        values.join(", ")
    )
}
