//! One round: a database, a daemon beside it, identities and their subscriptions, writers, and the comparison.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::clients::{Socket, Stream};
use super::compare::{Seqs, canaries, differences};
use super::frames::{self, Heard};
use super::model::{Change, Expected};
use super::{audit, judge, workload};
use crate::random::{
    Asked, Claims, Expr, GROWN, Identity, SECRET, Table, View, ask, ask_about_claims,
};
use crate::support::program::{Place, Running};
use crate::support::{self, eventually};

/// What was looked at.
#[derive(Debug, Default)]
pub struct Counts {
    pub rounds: u64,
    pub changes: usize,
    pub identities: usize,
    pub subscriptions: usize,
    pub refused: usize,
    pub events: usize,
}

pub struct Round {
    seed: u64,
    rng: StdRng,
    tables: Arc<Vec<Table>>,
    people: Vec<Identity>,
}

/// A subscription, and what came of it.
struct Subscription {
    person: usize,
    table: usize,
    asked: Asked,
    filter: Option<Expr>,
    way: Way,
}

enum Way {
    /// By this id.
    Socket(String),
    Stream(Stream),
}

/// What is open at the time.
struct Open {
    address: String,
    sockets: Vec<Socket>,
    subscriptions: Vec<Subscription>,
    refused: usize,
}

impl Round {
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let count = rng.random_range(2..=3);
        let tables = (0..count).map(|at| Table::random(&mut rng, format!("t{at}"))).collect();
        let mut people: Vec<_> =
            (0..rng.random_range(3..=7)).map(|_| Identity::random(&mut rng)).collect();
        people.push(Identity::anonymous());
        Self { seed, rng, tables: Arc::new(tables), people }
    }

    pub async fn run(mut self, counts: &mut Counts) {
        let url = support::fresh_database().await;
        let client = support::connect(&url).await;
        self.prepare(&client).await;
        let place = Place::with(&self.configuration(&url));
        let mut daemon: Running = place.start(&["serve"]);
        let address = daemon.address().await.trim_start_matches("http://").to_owned();
        let mut open = Open { address, sockets: Vec::new(), subscriptions: Vec::new(), refused: 0 };
        self.connect(&mut open).await;
        self.list(&open.address).await;
        self.subscribe(&mut open, 3).await;
        let transactions = self.rng.random_range(100..400);
        let tables = Arc::clone(&self.tables);
        let working = workload::run(&url, &tables, self.seed, transactions);
        let during = async {
            grow(&client, &tables).await;
            self.subscribe(&mut open, 1).await;
        };
        tokio::join!(working, during);
        self.finish(&client, &open).await;
        self.compare(&client, &open, counts).await;
        counts.rounds += 1;
        counts.identities += self.people.len();
        counts.subscriptions += open.subscriptions.len();
        counts.refused += open.refused;
        drop(open);
        daemon.signal(nix::sys::signal::Signal::SIGTERM);
        let (code, log) = daemon.end().await;
        assert_eq!(code, Some(0), "{log}");
    }

    async fn prepare(&mut self, client: &Client) {
        client
            .batch_execute(
                "set TimeZone = 'UTC'; create sequence audit_seq; create table sentinel (id int primary key);
                 create type mood as enum ('new', 'open', 'paid', 'void')",
            )
            .await
            .unwrap();
        for table in self.tables.iter() {
            let sql = format!("{};{}", table.ddl(), audit::ddl(table));
            client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{error:?}"));
        }
        for person in &mut self.people {
            ask_about_claims(client, &self.tables, &mut person.claims).await;
        }
    }

    fn configuration(&self, url: &str) -> String {
        let mut toml = format!(
            "[database]\nurl = {url:?}\n[server]\nlisten = '127.0.0.1:0'\nmax_event_bytes = '4KiB'\n\
             [auth]\nanonymous = true\n[auth.jwt]\nsecret = '{SECRET}'\nalgorithms = ['HS256']\n\
             [[table]]\nname = 'sentinel'\nrows = 'true'\n"
        );
        toml.extend(self.tables.iter().map(Table::toml));
        toml
    }

    async fn connect(&self, open: &mut Open) {
        for person in &self.people {
            let mut socket = Socket::open(&open.address, person.token.as_deref()).await;
            let whole = Asked {
                table: "sentinel".to_owned(),
                filter: None,
                params: Vec::new(),
                columns: None,
                old: false,
            };
            assert_eq!(socket.subscribe("sentinel", &whole).await["op"], "subscribed");
            open.sockets.push(socket);
        }
    }

    /// `/v1/tables` lists what is there for each, and nothing else.
    async fn list(&self, address: &str) {
        for person in &self.people {
            let mut request = reqwest::Client::new().get(format!("http://{address}/v1/tables"));
            if let Some(token) = &person.token {
                request = request.bearer_auth(token);
            }
            let listed: Value = request.send().await.unwrap().json().await.unwrap();
            let mut expected = vec![json!({"name": "sentinel", "schema": "public", "key": ["id"],
                "columns": [{"name": "id", "type": "integer"}]})];
            for table in self.tables.iter() {
                let Some(view) = View::whole(table, &person.claims) else { continue };
                expected.push(json!({"name": table.name, "schema": "public", "key": table.key,
                    "columns": columns(table, &view)}));
            }
            let policies: String = self.tables.iter().map(Table::toml).collect();
            assert_eq!(listed, json!({ "tables": expected }), "{}\n{policies}", self.of(person));
        }
    }

    async fn subscribe(&mut self, open: &mut Open, times: usize) {
        for person in 0..self.people.len() {
            for table in 0..self.tables.len() {
                for _ in 0..self.rng.random_range(0..=times) {
                    self.subscribe_to(open, person, table).await;
                }
            }
        }
    }

    async fn subscribe_to(&mut self, open: &mut Open, person: usize, table: usize) {
        let tables = Arc::clone(&self.tables);
        let (of, claims) = (&tables[table], &self.people[person].claims);
        let (asked, filter) = ask(&mut self.rng, of, claims);
        let by_socket = self.rng.random_bool(0.6);
        let view = View::new(of, claims, &asked, filter.as_ref());
        let told = format!("{asked:?}, {}\n{}", self.of(&self.people[person]), of.toml());
        let (answer, way) = if by_socket {
            let id = format!("s{}", open.subscriptions.len() + 1000 * open.refused);
            let answer = open.sockets[person].subscribe(&id, &asked).await;
            (answer, Some(Way::Socket(id)))
        } else {
            let token = self.people[person].token.as_deref();
            match Stream::open(&open.address, token, &asked).await {
                Ok(stream) => (json!({"op": "subscribed"}), Some(Way::Stream(stream))),
                Err(answer) => (answer, None),
            }
        };
        match (view, way) {
            (Ok(view), Some(way)) => {
                assert_ne!(answer["op"], "error", "{answer}: {told}");
                if let Way::Socket(_) = &way {
                    assert_eq!(answer["columns"], json!(columns(of, &view)), "{told}");
                    assert_eq!(answer["key"], json!(of.key), "{told}");
                }
                open.subscriptions.push(Subscription { person, table, asked, filter, way });
            }
            (view, _) => {
                assert_eq!(
                    Some(&answer["code"]),
                    view.err().map(Value::from).as_ref(),
                    "{answer}: {told}"
                );
                open.refused += 1;
            }
        }
    }

    /// The last transaction empties all tables, which nearly everybody hears of; waits until they have.
    async fn finish(&self, client: &Client, open: &Open) {
        let names: Vec<_> = self.tables.iter().map(|table| table.name.as_str()).collect();
        let last = "with t as (insert into sentinel values (1)) select pg_current_xact_id()::text";
        client.batch_execute(&format!("begin; truncate {}", names.join(", "))).await.unwrap();
        let tx: String = client.query_one(last, &[]).await.unwrap().get(0);
        client.batch_execute("commit").await.unwrap();
        for socket in &open.sockets {
            eventually("a socket's last batch", async || socket.has_ended(&tx).then_some(())).await;
        }
        for one in &open.subscriptions {
            let Way::Stream(stream) = &one.way else { continue };
            let view = self.view(one);
            if !view.is_never {
                eventually(&self.described(one), async || stream.has_ended(&tx).then_some(()))
                    .await;
            }
        }
    }

    fn view(&self, one: &Subscription) -> View<'_> {
        let claims = &self.people[one.person].claims;
        View::new(&self.tables[one.table], claims, &one.asked, one.filter.as_ref()).unwrap()
    }

    async fn compare(&self, client: &Client, open: &Open, counts: &mut Counts) {
        let mut changes = Vec::new();
        for table in self.tables.iter() {
            changes.push(judge::changes(client, table).await);
        }
        counts.changes += changes.iter().map(Vec::len).sum::<usize>();
        let logs: Vec<Vec<String>> =
            open.sockets.iter().map(|socket| socket.log.lock().unwrap().clone()).collect();
        let mut heard: Vec<_> = logs.iter().map(|log| frames::of_socket(log)).collect();
        let mut may_see: Vec<BTreeSet<String>> = vec![BTreeSet::new(); logs.len()];
        let mut seqs = Seqs::default();
        for one in &open.subscriptions {
            let changes = &changes[one.table];
            let mut visible = BTreeSet::new();
            let expected = self.expected(client, one, changes, &mut visible).await;
            let (heard, text) = match &one.way {
                Way::Socket(id) => {
                    let mut heard = heard[one.person].remove(id).unwrap_or_default();
                    heard.stray.extend(heard_by_nobody(&logs[one.person]));
                    (heard, String::new())
                }
                Way::Stream(stream) => {
                    let log = stream.log.lock().unwrap();
                    (frames::of_stream(&log), log.concat())
                }
            };
            let expected: Vec<_> = expected.into_iter().filter(|it| is_after(&heard, it)).collect();
            let table = &self.tables[one.table];
            let wrong = differences(table, &heard, &expected, &mut seqs);
            assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), self.described(one));
            let leaked: Vec<_> =
                canaries(&text).into_iter().filter(|word| !visible.contains(*word)).collect();
            assert!(leaked.is_empty(), "leaked: {leaked:?}\n{}", self.described(one));
            if let Way::Socket(_) = one.way {
                may_see[one.person].extend(visible);
            }
            counts.events += expected.len();
        }
        for ((log, may_see), person) in logs.iter().zip(&may_see).zip(&self.people) {
            let text = log.concat();
            let leaked: Vec<_> =
                canaries(&text).into_iter().filter(|word| !may_see.contains(*word)).collect();
            assert!(leaked.is_empty(), "leaked: {leaked:?}\n{}", self.of(person));
        }
        self.hidden_from_all(&changes, open, &logs);
    }

    /// What must come, and the words that are in visible values.
    async fn expected<'c>(
        &self,
        client: &Client,
        one: &Subscription,
        changes: &'c [Change],
        visible: &mut BTreeSet<String>,
    ) -> Vec<Expected<'c>> {
        let (table, claims) = (&self.tables[one.table], &self.people[one.person].claims);
        let view = self.view(one);
        let filter = one.filter.as_ref().map_or("true".to_owned(), |filter| {
            filter.sql(&Claims::default()).replace("$1", "'2'")
        });
        let verdicts = judge::verdicts(client, table, claims, &view, &filter).await;
        let mut expected = Vec::new();
        for change in changes {
            let verdict = &verdicts[&change.n];
            expected.extend(view.tell(&one.asked, change, verdict));
            for (row, verdict) in [(&change.old, &verdict.old), (&change.new, &verdict.new)] {
                if verdict[0] && !row.0.is_empty() {
                    let seen = format!("{:?}", view.seen(row, verdict));
                    visible.extend(canaries(&seen).into_iter().map(str::to_owned));
                }
            }
        }
        expected
    }

    /// What is in columns that are served to nobody has come to nobody.
    fn hidden_from_all(&self, changes: &[Vec<Change>], open: &Open, logs: &[Vec<String>]) {
        let mut came = logs.concat();
        for one in &open.subscriptions {
            if let Way::Stream(stream) = &one.way {
                came.extend(stream.log.lock().unwrap().iter().cloned());
            }
        }
        let came = came.concat();
        let came = canaries(&came);
        for (table, changes) in self.tables.iter().zip(changes) {
            let served = table.served();
            let rows = changes.iter().flat_map(|change| [&change.old, &change.new]);
            for (name, value) in rows.flat_map(|row| &row.0) {
                let is_hidden = !served.contains(&name.as_str());
                let leaked = is_hidden && canaries(value).iter().any(|word| came.contains(word));
                assert!(!leaked, "{name} of {} is served to nobody: {value}", table.name);
            }
        }
    }

    fn described(&self, one: &Subscription) -> String {
        let way = if let Way::Socket(id) = &one.way { id } else { "an event stream" };
        let table = &self.tables[one.table];
        format!(
            "{way}, {:?}\n{}\n{}\n{}",
            one.asked,
            self.of(&self.people[one.person]),
            table.ddl(),
            table.toml()
        )
    }

    fn of(&self, person: &Identity) -> String {
        let mut text = format!("ROWCAST_LEAK_SEED={}, ", self.seed);
        write!(text, "claims {}", Value::from(person.claims.given.clone())).unwrap();
        text
    }
}

/// Adds columns that nobody must see, as they weren't there when the daemon started.
async fn grow(client: &Client, tables: &[Table]) {
    for table in tables.iter().filter(|table| table.grows) {
        let sql =
            format!("set lock_timeout = '200ms'; alter table {} add {GROWN} text", table.name);
        eventually("a new column", async || client.batch_execute(&sql).await.ok()).await;
    }
    client.batch_execute("reset lock_timeout").await.unwrap();
}

fn heard_by_nobody(log: &[String]) -> Vec<String> {
    frames::of_socket(log).remove("").map(|heard| heard.stray).unwrap_or_default()
}

fn is_after(heard: &Heard, expected: &Expected<'_>) -> bool {
    let tx: u64 = expected.change.tx.parse().unwrap();
    heard.from.as_ref().is_none_or(|from| !from.snapshot.has_seen(tx))
}

fn columns(table: &Table, view: &View<'_>) -> Vec<Value> {
    let kind = |name: &str| table.column(name).unwrap().1;
    view.columns.iter().map(|(name, _)| json!({"name": name, "type": kind(name)})).collect()
}
