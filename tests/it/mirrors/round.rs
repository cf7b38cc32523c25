//! One round: a database, daemons, mirrors, writers, whatever happens, and the comparison whenever it is quiet.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::chaos::Kind;
use super::compare;
use super::counts::Counts;
use super::draw;
use super::mirror::{Mirror, Way};
use super::options::Options;
use super::proxy::{Flow, Proxy};
use super::script::Script;
use super::stage::{Daemon, Server};
use super::tables;
use super::writers::Writers;
use crate::random::{Identity, SECRET, Table, ask_about_claims};

pub struct Round {
    pub seed: u64,
    pub rng: StdRng,
    pub server: Server,
    pub url: String,
    pub tables: watch::Sender<Arc<Vec<Table>>>,
    pub people: Vec<Arc<Identity>>,
    pub daemons: Vec<Daemon>,
    pub mirrors: Vec<Arc<Mirror>>,
    pub scripts: Vec<Arc<Script>>,
    pub proxies: Vec<Arc<Proxy>>,
    pub ways: Vec<Way>,
    with_scripts: bool,
    pub kinds: Vec<Kind>,
    /// If it is short enough to be away for longer.
    pub retention_secs: Option<u64>,
    pub max_event_bytes: usize,
    pub counts: Arc<Counts>,
    pub over: CancellationToken,
    pub fault: Arc<Mutex<Option<String>>>,
    pub began: Instant,
    history: Vec<String>,
}

impl Round {
    /// Sets the scene; nobody writes yet.
    pub async fn new(seed: u64, server: &Server, options: &Options, counts: &Arc<Counts>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let url = database(server, &format!("round_{seed}"), &mut rng).await;
        let client = Server::connect(&url).await;
        let tables = tables::draw(&mut rng);
        let people = prepare(&client, &tables, &mut rng).await;
        let retention_secs = [None, None, Some(2), Some(4)][rng.random_range(0..4)];
        let max_event_bytes = [16 << 10, 200 << 10, 1 << 20][rng.random_range(0..3)];
        let mut round = Self {
            seed,
            rng,
            server: server.clone(),
            url,
            tables: watch::channel(Arc::new(tables)).0,
            people,
            daemons: Vec::new(),
            mirrors: Vec::new(),
            scripts: Vec::new(),
            proxies: Vec::new(),
            ways: options.ways.clone(),
            with_scripts: options.with_scripts,
            kinds: options.chaos.clone(),
            retention_secs,
            max_event_bytes,
            counts: Arc::clone(counts),
            over: CancellationToken::new(),
            fault: Arc::default(),
            began: Instant::now(),
            history: Vec::new(),
        };
        let configuration = round.configuration();
        round.tell(&configuration.replace('\n', " "));
        for _ in 0..round.rng.random_range(1..=2) {
            round.daemons.push(Daemon::start(configuration.clone()).await);
        }
        round
    }

    pub async fn run(mut self) {
        let mut tasks = JoinSet::new();
        for number in 0..draw::count(&mut self.rng) {
            let mirror = Arc::new(draw::mirror(&mut self, number).await);
            let rng = StdRng::seed_from_u64(self.seed ^ ((1 + number as u64) << 40));
            tasks.spawn(Arc::clone(&mirror).run(rng));
            self.proxies.push(Arc::clone(&mirror.proxy));
            self.mirrors.push(mirror);
        }
        for number in 0..draw::scripts_count(&mut self.rng, self.with_scripts) {
            let script = draw::script(&mut self, number).await;
            self.proxies.push(Arc::clone(&script.proxy));
            self.scripts.push(Arc::new(script));
        }
        let tables = self.tables.subscribe();
        let mut writers = Writers::start(&self.url, &tables, self.seed, &self.counts);
        for _ in 0..self.rng.random_range(1..=3) {
            writers.go_on();
            let secs = self.rng.random_range(2.0..7.0);
            self.disturb(Instant::now() + Duration::from_secs_f64(secs)).await;
            self.stop_if_at_fault().await;
            self.tell("quiet begins");
            writers.pause().await;
            self.calm();
            compare::when_quiet(&self).await;
            self.stop_if_at_fault().await;
            self.tell("was quiet");
        }
        self.note_metrics(&self.daemons).await;
        self.over.cancel();
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        writers.end().await;
        self.end().await;
    }

    async fn end(mut self) {
        for mirror in &self.mirrors {
            for copy in &mirror.copies {
                let copy = copy.lock().unwrap();
                self.counts.events.add(copy.events);
                self.counts.snapshot_rows.add(copy.snapshot_rows);
                self.counts.copies.add(1);
            }
        }
        for daemon in &mut self.daemons {
            daemon.kill();
        }
        let admin = Server::connect(&self.server.url("postgres")).await;
        let drop = format!("drop database round_{} with (force)", self.seed);
        admin.batch_execute(&drop).await.unwrap();
        self.counts.rounds.add(1);
    }

    /// All is as it should be again.
    fn calm(&mut self) {
        for proxy in &self.proxies {
            proxy.flow(Flow::Free);
        }
        for daemon in &mut self.daemons {
            daemon.check();
        }
    }

    pub fn tell(&mut self, what: &str) {
        self.history.push(format!("{:>8} {what}", self.began.elapsed().as_millis()));
    }

    /// All that helps to find out why.
    pub fn told(&self, what: &str) -> String {
        let mut text = format!("ROWCAST_MIRRORS_SEED={}\n{what}\n", self.seed);
        writeln!(text, "what was done:\n  {}", self.history.join("\n  ")).unwrap();
        for daemon in &self.daemons {
            writeln!(text, "the daemon at {} said:\n{}", daemon.address, daemon.last_words())
                .unwrap();
        }
        text
    }

    async fn stop_if_at_fault(&self) {
        let fault = self.fault.lock().unwrap().clone();
        if let Some(fault) = fault {
            panic!("{}\nthe log: {}", self.told(&fault), self.state_of_the_log().await);
        }
    }

    async fn state_of_the_log(&self) -> String {
        let client = Server::connect(&self.url).await;
        let query = "select row_to_json(s)::text from (select m.*, rowcast.log_size(),
              pg_sequence_last_value('rowcast.skipped') as skipped_now, clock_timestamp(),
              (select max(id) from rowcast.life) as life, pg_current_snapshot(),
              (select json_agg(t) from rowcast.truncated t) as truncated,
              (select json_agg(a) from (select pid, state, application_name, query
                 from pg_stat_activity where datname = current_database()) a) as activity
            from rowcast.meta m) s";
        match client.query_one(query, &[]).await {
            Ok(row) => row.get(0),
            Err(error) => format!("{error:?}"),
        }
    }

    fn configuration(&mut self) -> String {
        let retention = self.retention_secs.map_or("24h".to_owned(), |secs| format!("{secs}s"));
        let max_size = ["4MiB", "64MiB", "2GiB"][self.rng.random_range(0..3)];
        let outbox =
            [64 << 10, 1 << 20, 8 << 20][self.rng.random_range(0..3)].max(self.max_event_bytes);
        let mut toml = format!(
            "[database]\nurl = {:?}\n[server]\nlisten = 'LISTEN'\n\
             max_event_bytes = '{}B'\noutbox_max_bytes = '{outbox}B'\n\
             [log]\nretention = '{retention}'\nmax_size = '{max_size}'\n\
             [auth]\nanonymous = true\n[auth.jwt]\nsecret = '{SECRET}'\nalgorithms = ['HS256']\n",
            self.url, self.max_event_bytes
        );
        toml.extend(self.tables.borrow().iter().map(Table::toml));
        toml
    }

    /// What the daemons have counted, before it is gone.
    pub async fn note_metrics(&self, daemons: &[Daemon]) {
        for daemon in daemons {
            let url = format!("http://{}/metrics", daemon.address);
            let Ok(answer) = reqwest::get(url).await else { continue };
            let Ok(text) = answer.text().await else { continue };
            self.counts.add_metrics(&text);
        }
    }
}

async fn database(server: &Server, name: &str, rng: &mut StdRng) -> String {
    let admin = Server::connect(&server.url("postgres")).await;
    let again = format!("drop database if exists {name} with (force)");
    admin.batch_execute(&again).await.unwrap();
    admin.batch_execute(&format!("create database {name}")).await.unwrap();
    let durably = ["on", "on", "off"][rng.random_range(0..3)];
    let sql = format!("alter database {name} set synchronous_commit = {durably}");
    admin.batch_execute(&sql).await.unwrap();
    server.url(name)
}

async fn prepare(client: &Client, tables: &[Table], rng: &mut StdRng) -> Vec<Arc<Identity>> {
    let mut sql = "set TimeZone = 'UTC'; create table sentinel (id bigint);
        create type mood as enum ('new', 'open', 'paid', 'void');"
        .to_owned();
    for table in tables {
        sql += &table.ddl();
        sql += ";";
    }
    sql += &tables::fill();
    client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    let admin = json!({"sub": "u1", "role": "admin"});
    let mut people = vec![Identity::of(admin.as_object().unwrap().clone()), Identity::anonymous()];
    people.extend((0..rng.random_range(2..=4)).map(|_| Identity::random(rng)));
    for person in &mut people {
        ask_about_claims(client, tables, &mut person.claims).await;
    }
    people.into_iter().map(Arc::new).collect()
}
