//! Whatever comes, in whatever order: each copy is at each commit what the table was there, and in the end all are live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Copy, State, Told};
use super::world::{ORDERS, Rows, World, WorldsLog};
use crate::catalog::{Catalog, Column, Table};
use crate::changelog::{Reading, ResetReason};
use crate::cursor::Cursor;
use crate::event::Seq;
use crate::identity::Claims;
use crate::policy::{Current, Request, Served, TableSettings, current};
use crate::shape::command::{Command, ReaderId};
use crate::shape::hub::{Input, Outside};
use crate::shape::outbox::outbox;
use crate::shape::reader::{At, Subscription};
use crate::shape::replay::Replayer;
use crate::shape::sync::Synced;
use crate::shape::{Asked, Hub, Observed, Settings, Start};
use crate::snapshot::Snapshots;
use crate::spool::Budget;
use crate::wire::Format;

fn served() -> Served {
    let columns = [(1, "id", "bigint"), (2, "customer", "bigint"), (3, "v", "bigint")];
    let columns = columns.iter().map(|&(number, name, kind)| Column::built_in(number, name, kind));
    let table = Table {
        id: ORDERS,
        schema: "public".to_owned(),
        name: "orders".to_owned(),
        listed_as: "orders".to_owned(),
        columns: columns.collect(),
        key: vec!["id".to_owned()],
    };
    let catalog = Catalog { tables: [(ORDERS, Arc::new(table))].into() };
    let rows = "customer = auth.customer or auth.role = 'admin'".to_owned();
    let settings = TableSettings { rows, ..TableSettings::open_to_all("orders") };
    Served::bind(&catalog, &[settings], 1 << 20).unwrap()
}

fn claims(owner: Option<i64>) -> Claims {
    let claims = match owner {
        Some(owner) => json!({"customer": owner}),
        None => json!({"role": "admin"}),
    };
    Claims::new(claims.as_object().unwrap().clone())
}

/// The hub, what it reads, and who reads it.
pub struct Stage {
    rng: StdRng,
    world: Arc<Mutex<World>>,
    pub tables: Current,
    pub hub: Hub,
    pub clients: Vec<Client>,
    /// The chunks of the batch that the hub is to read, and its end.
    to_read: Vec<Reading>,
    /// What it was handed of a batch that broke off.
    handed_on: BTreeSet<Seq>,
    /// Where the hub is, as far as it was told.
    pub place: Arc<Cursor>,
    /// As those are told it who wait.
    now: Instant,
    last_reader: u64,
    last_name: u64,
    _kept: (mpsc::Sender<Reading>, crate::shape::Handle),
}

impl Stage {
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let world = Arc::new(Mutex::new(World::new()));
        let (_renewal, tables) = current(served());
        let (replayer, reports) = Replayer::start(WorldsLog(Arc::clone(&world)), Budget::default());
        let outside = Outside { replayer, reports, snapshots: Snapshots::unavailable() };
        let recent_max_bytes = [0, 2_000, 20_000, 1 << 20][rng.random_range(0..4)];
        let settings = Settings { recent_max_bytes, ..Settings::default() };
        let (sender, readings) = mpsc::channel(1);
        let (observed, stop) = (Observed::default(), CancellationToken::new());
        let (hub, handle) = Hub::new(tables.clone(), settings, observed, outside, readings, stop);
        let place = world.lock().unwrap().place();
        let mut stage = Self {
            rng,
            world,
            tables,
            hub,
            clients: Vec::new(),
            to_read: Vec::new(),
            handed_on: BTreeSet::new(),
            place: Arc::clone(&place),
            now: Instant::now(),
            last_reader: 0,
            last_name: 0,
            _kept: (sender, handle),
        };
        stage.hub.handle(Input::Reading(Reading::Commit(Cursor::clone(&place))));
        stage
    }

    async fn step(&mut self) {
        match self.rng.random_range(0..32) {
            0..6 => self.world.lock().unwrap().act(&mut self.rng, 12),
            6..12 => self.read(),
            12..14 => self.connect(),
            14..16 => self.subscribe(),
            16 => self.unsubscribe(),
            17 => self.leave(),
            18 => self.renew(),
            19..24 => self.take(),
            24..26 => self.bring_rows(),
            26 => self.wait(Duration::from_millis(7)),
            27 => self.wait(Duration::from_secs(2)),
            28 if self.rng.random_bool(0.1) => self.reset(),
            _ => self.work().await,
        }
    }

    /// Lets rounds go on, and tells the hub what became of them.
    async fn work(&mut self) {
        for _ in 0..self.rng.random_range(1..20) {
            tokio::task::yield_now().await;
        }
        while let Ok(report) = self.hub.reports.try_recv() {
            self.hub.handle(Input::Report(report));
        }
    }

    /// The hub reads a piece of a batch, if it waits for nobody.
    fn read(&mut self) {
        if self.hub.readership.is_pressed() {
            return self.hub.handle(Input::Relief);
        }
        if self.to_read.is_empty() {
            self.look();
        }
        let reading = self.to_read.remove(0);
        self.hub.handle(Input::Reading(reading));
    }

    /// One read of the log; it may break off, and then more has come when it goes on.
    fn look(&mut self) {
        let mut world = self.world.lock().unwrap();
        let end = world.place();
        let mut changes = world.after(&self.place);
        drop(world);
        changes.retain(|change| !self.handed_on.contains(&change.seq));
        let breaks_off = self.rng.random_bool(0.15) && !changes.is_empty();
        if breaks_off {
            changes.truncate(self.rng.random_range(1..=changes.len()));
            self.handed_on.extend(changes.iter().map(|change| change.seq));
        }
        while !changes.is_empty() {
            let most = self.rng.random_range(1..=changes.len());
            let rest = changes.split_off(most);
            self.to_read.push(Reading::Changes(std::mem::replace(&mut changes, rest)));
        }
        if !breaks_off {
            self.to_read.push(Reading::Commit(Cursor::clone(&end)));
            self.handed_on.clear();
            self.place = end;
        }
    }

    fn reset(&mut self) {
        self.to_read.clear();
        self.handed_on.clear();
        let mut world = self.world.lock().unwrap();
        world.era.epoch += 1;
        self.place = world.place();
        drop(world);
        self.to_read = vec![Reading::Commit(Cursor::clone(&self.place))];
        self.hub.handle(Input::Reading(Reading::Reset(ResetReason::CursorExpired)));
    }

    fn connect(&mut self) {
        if self.clients.len() >= 6 {
            return;
        }
        let owner = self.some_owner();
        self.connect_as(owner);
    }

    fn some_owner(&mut self) -> Option<i64> {
        [Some(7), Some(8), None][self.rng.random_range(0..3)]
    }

    pub fn connect_as(&mut self, owner: Option<i64>) -> usize {
        self.last_reader += 1;
        let id = ReaderId(self.last_reader);
        let room = [300, 1_000, 4_000, 1 << 20][self.rng.random_range(0..4)];
        let (outbox, inbox) = outbox(room, Arc::clone(&self.hub.relief));
        let format = Format::WebSocket;
        self.hub.handle(Input::Command(Command::Connect { reader: id, format, outbox }));
        self.clients.push(Client::new(id, inbox, owner));
        self.clients.len() - 1
    }

    fn some_client(&mut self) -> Option<usize> {
        let count = self.clients.len();
        (count > 0).then(|| self.rng.random_range(0..count))
    }

    fn subscribe(&mut self) {
        let Some(at) = self.some_client() else { return };
        if self.clients[at].copies.len() >= 4 {
            return;
        }
        let from = match self.rng.random_range(0..4) {
            // A place that another daemon told somebody.
            0 if self.clients[at].renewed.is_empty() => {
                let mut world = self.world.lock().unwrap();
                let place = world.place();
                Some((Arc::clone(&place), world.rows_at(&place).clone()))
            }
            _ => None,
        };
        let with_rows = self.rng.random_bool(0.5);
        let is_merged = self.rng.random_bool(0.1);
        self.subscribe_with(at, with_rows, is_merged, from);
    }

    pub fn subscribe_with(
        &mut self,
        at: usize,
        with_rows: bool,
        is_merged: bool,
        from: Option<(Arc<Cursor>, Rows)>,
    ) {
        self.last_name += 1;
        let name = self.last_name.to_string();
        let client = &mut self.clients[at];
        let owner = client.renewed.back().copied().unwrap_or(client.owner);
        let sight = self.tables.get().sight();
        let start = match &from {
            Some((place, _)) => Start::After(Arc::new(place.told(sight))),
            None => Start::Anew,
        };
        let asked = Asked {
            request: Arc::new(Request::whole("orders")),
            claims: claims(owner),
            with_old: false,
            start,
            snapshot: with_rows,
            coalesce: Duration::from_millis(if is_merged { 10 } else { 0 }),
            place: Arc::new(Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap()),
        };
        let view = Arc::new(self.tables.get().view(&asked.request, &asked.claims).unwrap());
        client.copies.insert(name.clone(), Copy::new(with_rows, is_merged, from));
        let reader = client.id;
        let command = Command::Subscribe { reader, id: name, asked, view };
        self.hub.handle(Input::Command(command));
    }

    fn unsubscribe(&mut self) {
        let Some(at) = self.some_client() else { return };
        let client = &mut self.clients[at];
        let Some(name) = client.copies.keys().next().cloned() else { return };
        // What it hasn't taken yet may still be of that feed.
        let world = Arc::clone(&self.world);
        while client.take(1, &world.lock().unwrap()) {}
        let reader = client.id;
        client.copies.remove(&name);
        self.hub.handle(Input::Command(Command::Unsubscribe { reader, id: name }));
    }

    /// Leaves, and mostly comes back with the place that it had got to.
    fn leave(&mut self) {
        let Some(at) = self.some_client() else { return };
        let mut client = self.clients.swap_remove(at);
        let copies = std::mem::take(&mut client.copies);
        if !client.renewed.is_empty() || self.rng.random_bool(0.2) {
            return;
        }
        let again = self.connect_as(client.owner);
        for copy in copies.values() {
            let place = client.place.clone().filter(|_| copy.state == State::Good);
            let from = place.map(|place| {
                let rows = self.world.lock().unwrap().rows_at(&place).clone();
                (place, rows)
            });
            self.subscribe_with(again, copy.with_rows, copy.is_merged, from);
        }
    }

    fn renew(&mut self) {
        let owner = self.some_owner();
        let Some(at) = self.some_client() else { return };
        let client = &mut self.clients[at];
        client.renewed.push_back(owner);
        let command = Command::Rebind { reader: client.id, claims: claims(owner) };
        self.hub.handle(Input::Command(command));
    }

    fn take(&mut self) {
        let Some(at) = self.some_client() else { return };
        let most = self.rng.random_range(1..8);
        self.clients[at].take(most, &self.world.lock().unwrap());
        if self.rng.random_bool(0.7) {
            self.hub.handle(Input::Relief);
        }
    }

    /// Rows come for some feed that waits for them.
    fn bring_rows(&mut self) {
        let number = |of: &Subscription| match of.at()? {
            At::Syncing { number, .. } => Some(*number),
            _ => None,
        };
        let readers = &self.hub.readership.registry.readers;
        let waiting: BTreeMap<u64, ReaderId> = readers
            .iter()
            .flat_map(|(id, reader)| reader.subscriptions.iter().filter_map(number).zip([*id]))
            .collect();
        for (number, reader) in waiting {
            let synced = match self.rng.random_range(0..4) {
                0 => Synced::BrokenOff,
                1 => Synced::At(Arc::clone(&self.place)),
                _ => Synced::At(self.world.lock().unwrap().place()),
            };
            self.hub.handle(Input::Command(Command::Synced { reader, number, synced }));
        }
    }

    /// Time passes for those for whom the hub waits.
    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.hub.relieve(self.now);
        self.hub.end_windows(self.now);
        self.hub.handle(Input::Tick);
    }

    /// Everybody takes everything.
    async fn settle(&mut self) {
        for _ in 0..200 {
            self.work().await;
            self.bring_rows();
            for at in 0..self.clients.len() {
                while self.clients[at].take(8, &self.world.lock().unwrap()) {}
            }
            self.hub.handle(Input::Relief);
            self.wait(Duration::from_millis(50));
            self.read();
        }
        for client in &self.clients {
            for (name, copy) in &client.copies {
                let reader = &self.hub.readership.registry.readers[&client.id];
                assert_eq!(copy.state, State::Good, "{name} of {:?}: {reader:?}", client.id);
            }
        }
    }
}

async fn run(seed: u64) {
    let _told = Told(format!("seed {seed}"));
    let mut stage = Stage::new(seed);
    let steps = stage.rng.random_range(50..600);
    for _ in 0..steps {
        stage.step().await;
    }
    // A last change that everybody must hear of.
    stage.settle().await;
}

/// With `ROWCAST_HUB_SEEDS=from..to` others.
#[tokio::test]
async fn copies_are_at_each_commit_what_the_table_was() {
    let asked = std::env::var("ROWCAST_HUB_SEEDS").ok();
    let bounds = asked.as_deref().and_then(|text| text.split_once(".."));
    let seeds = match bounds {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..150_u64,
    };
    for seed in seeds {
        run(seed).await;
    }
}
