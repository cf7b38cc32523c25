//! The one task that owns shapes and readers: takes what happens, one thing at a time, and handles it at once.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep_until};
use tokio_util::sync::CancellationToken;

use super::command::{Command, MAX_WAITING, ReaderId};
use super::deliver::Readership;
use super::doubt::Doubts;
use super::gather::Gathered;
use super::observed::Observed;
use super::reader::{Reader, State, Subscription};
use super::{Asked, Handle, Readiness, Settings};
use crate::changelog::{Reading, ResetReason};
use crate::cursor::Cursor;
use crate::event::Change;
use crate::policy::{self, Current, Served, Unknown, View};
use crate::wire::{self, Code, Commit, Feed, Refusal, ResetCause};

/// What all feeds together may gather before it is framed.
const GATHERED_MAX_BYTES: usize = 4 << 20;

/// How the hub's work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop, and has told every reader.
    Stopped,
    /// The change log's reader is gone.
    ReaderGone,
}

enum Input {
    Reading(Reading),
    Command(Command),
    /// Tables were altered, or looked at.
    Renewed(policy::State),
    /// There is room in an outbox that the feed waits for, or patience has run out.
    Relief,
    Tick,
    Ended(Ended),
}

/// The hub. Subscriptions become live between batches only.
#[derive(Debug)]
pub struct Hub {
    pub(super) served: Arc<Served>,
    /// Renewed tables, which wait for the end of the batch.
    pub(super) pending: Option<Arc<Served>>,
    tables: Current,
    /// How many doubts have been looked into, and how many were when that was last heeded.
    pub(super) looks: u64,
    pub(super) looks_heeded: u64,
    pub(super) doubts: Doubts,
    settings: Settings,
    pub(super) readership: Readership,
    pub(super) gathered: Gathered,
    /// The end of the last complete batch; none until there has been one.
    pub(super) place: Option<Commit>,
    pub(super) within_batch: bool,
    newest_at: Option<SystemTime>,
    observed: Observed,
    readings: mpsc::Receiver<Reading>,
    commands: mpsc::Receiver<Command>,
    readiness: watch::Sender<Readiness>,
    relief: Arc<Notify>,
    tick: Interval,
    shutdown: CancellationToken,
}

impl Hub {
    /// A hub and the way to connect readers to it.
    pub fn new(
        tables: Current,
        settings: Settings,
        observed: Observed,
        readings: mpsc::Receiver<Reading>,
        shutdown: CancellationToken,
    ) -> (Self, Handle) {
        let (command_sender, commands) = mpsc::channel(MAX_WAITING);
        let (readiness, readiness_seen) = watch::channel(Readiness::Starting);
        let relief = Arc::new(Notify::new());
        let outbox_max_bytes = settings.outbox_max_bytes;
        let handle =
            Handle::new(command_sender, readiness_seen, Arc::clone(&relief), outbox_max_bytes);
        let mut tick = tokio::time::interval(tick_of(&settings));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let hub = Self {
            served: tables.get(),
            pending: None,
            looks: 0,
            looks_heeded: 0,
            doubts: Doubts::new(tables.clone()),
            tables,
            readership: Readership::new(settings.patience, observed.clone()),
            settings,
            gathered: Gathered::default(),
            place: None,
            within_batch: false,
            newest_at: None,
            observed,
            readings,
            commands,
            readiness,
            relief,
            tick,
            shutdown,
        };
        (hub, handle)
    }

    /// Works until told to stop, or until there is nothing more to read.
    pub async fn run(mut self) -> Ended {
        loop {
            match self.next_input().await {
                Input::Ended(ended) => {
                    self.readership.end();
                    return ended;
                }
                input => self.handle(input),
            }
        }
    }

    async fn next_input(&mut self) -> Input {
        let overdue_at = self.readership.overdue_at();
        let may_read = !self.readership.is_pressed();
        tokio::select! {
            reading = self.readings.recv(), if may_read => {
                reading.map_or(Input::Ended(Ended::ReaderGone), Input::Reading)
            }
            Some(command) = self.commands.recv() => Input::Command(command),
            state = self.tables.renewed() => Input::Renewed(state),
            () = self.relief.notified(), if !may_read => Input::Relief,
            () = sleep_until(overdue_at.unwrap_or_else(Instant::now)), if !may_read => Input::Relief,
            _ = self.tick.tick() => Input::Tick,
            () = self.shutdown.cancelled() => Input::Ended(Ended::Stopped),
        }
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Reading(Reading::Changes(changes)) => self.gather(&changes),
            Input::Reading(Reading::Commit(cursor)) => self.commit(&cursor),
            Input::Reading(Reading::Reset(reason)) => self.reset(reason),
            Input::Reading(Reading::Lost) => self.become_ready(Readiness::Lost),
            Input::Command(command) => self.obey(command),
            Input::Renewed(state) => {
                self.pending = Some(state.served);
                self.looks = state.looks;
                self.renew();
            }
            Input::Relief => self.readership.relieve(Instant::now()),
            Input::Tick => self.keep_alive(),
            Input::Ended(_) => {}
        }
        self.readership.observe();
    }

    fn gather(&mut self, changes: &[Change]) {
        self.within_batch = true;
        for change in changes {
            let shapes = &mut self.readership.registry.shapes;
            self.gathered.add(change, &self.served, shapes, &mut self.doubts);
            self.newest_at = self.newest_at.max(Some(change.at));
            if !self.gathered.full.is_empty() {
                let full = std::mem::take(&mut self.gathered.full);
                self.deliver_some(full);
            }
            if self.gathered.bytes > GATHERED_MAX_BYTES {
                self.deliver_some(self.gathered.active.clone());
                self.gathered.bytes = 0;
            }
        }
        self.observed.changes.inc_by(changes.len() as u64);
    }

    fn deliver_some(&mut self, feeds: Vec<Feed>) {
        let now = Instant::now();
        for feed in feeds {
            self.readership.deliver_some(feed, now);
        }
    }

    fn commit(&mut self, cursor: &Cursor) {
        let commit = Commit::new(Arc::new(cursor.clone()));
        let gathered = std::mem::take(&mut self.gathered);
        self.readership.deliver_all(&gathered.active, &commit, Instant::now());
        self.place = Some(commit);
        self.within_batch = false;
        self.observed.batches.inc();
        self.observed.events_encoded.inc_by(gathered.events);
        if let Some(at) = self.newest_at.take() {
            let lag = SystemTime::now().duration_since(at).unwrap_or_default();
            self.observed.lag_seconds.set(lag.as_secs_f64());
        }
        self.become_ready(Readiness::Live);
        self.renew();
        for (reader, id) in self.readership.registry.take_waiting() {
            self.make_live(reader, &id);
        }
    }

    fn reset(&mut self, reason: ResetReason) {
        let shapes = &mut self.readership.registry.shapes;
        self.gathered.reset_all(ResetCause::from(reason), shapes);
        self.observed.resets.inc();
        self.place = None;
        self.within_batch = false;
        self.become_ready(Readiness::Starting);
        self.renew();
    }

    fn become_ready(&mut self, readiness: Readiness) {
        self.readiness.send_if_modified(|known| std::mem::replace(known, readiness) != readiness);
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Connect { reader, format, outbox } => {
                let connected = Reader::new(format, outbox, Instant::now());
                self.readership.registry.readers.insert(reader, connected);
            }
            Command::Subscribe { reader, id, asked, view } => {
                self.subscribe(reader, id, asked, view);
            }
            Command::Unsubscribe { reader, id } => self.unsubscribe(reader, &id),
            Command::Rebind { reader, claims } => self.renew_claims(reader, &claims),
        }
    }

    fn subscribe(&mut self, id: ReaderId, subscription: String, asked: Asked, view: Arc<View>) {
        let Some(reader) = self.readership.registry.readers.get_mut(&id) else { return };
        if let Err(refusal) = may_subscribe(reader, &subscription, self.settings.max_subscriptions)
        {
            let error = wire::error(Some(&subscription), &refusal);
            return self.readership.answer(id, error);
        }
        if !self.served.is_current(&view) {
            self.pending = Some(self.tables.get());
        }
        let state = State::Waiting(view);
        reader.subscriptions.push(Subscription { id: subscription.clone(), asked, state });
        self.renew();
        self.live_or_waiting(id, &subscription);
    }

    /// Makes a subscription live, now or at the end of the batch.
    pub(super) fn live_or_waiting(&mut self, id: ReaderId, subscription: &str) {
        if self.place.is_some() && !self.within_batch {
            self.make_live(id, subscription);
        } else {
            self.readership.registry.waiting.insert(id);
        }
    }

    fn make_live(&mut self, id: ReaderId, subscription: &str) {
        if let Err(unknown) = self.look_again(id, subscription) {
            return self.refuse(id, subscription, &unknown.into());
        }
        let Some(feed) = self.readership.registry.attach(id, subscription) else { return };
        let (Some(reader), Some(shape), Some(place)) = (
            self.readership.registry.readers.get(&id),
            self.readership.registry.shapes.get(feed),
            &self.place,
        ) else {
            return;
        };
        let view = &shape.key.view;
        let subscribed =
            wire::subscribed(reader.format, subscription, feed, view, wire::Begin::Now(place));
        self.readership.answer(id, subscribed);
    }

    /// Makes the view of a waiting subscription anew if its table was altered since.
    fn look_again(&mut self, id: ReaderId, subscription: &str) -> Result<(), Unknown> {
        let reader = self.readership.registry.readers.get_mut(&id);
        let found = reader.and_then(|reader| reader.subscription_mut(subscription));
        if let Some(Subscription { asked, state: State::Waiting(view), .. }) = found
            && !self.served.is_current(view)
        {
            *view = Arc::new(self.served.view(&asked.request, &asked.claims)?);
        }
        Ok(())
    }

    fn unsubscribe(&mut self, id: ReaderId, subscription: &str) {
        let answer = match self.readership.registry.unsubscribe(id, subscription) {
            Some(Subscription { state: State::Live(feed), .. }) => {
                wire::unsubscribed(subscription, Some(feed))
            }
            Some(_) => wire::unsubscribed(subscription, None),
            None => {
                let refusal = Refusal::invalid("no subscription has this \"id\"");
                wire::error(Some(subscription), &refusal)
            }
        };
        self.readership.answer(id, answer);
    }

    /// Forgets those who left, and sends a commit to those who have had none for long.
    fn keep_alive(&mut self) {
        self.readership.sweep();
        self.settle_doubts();
        let now = Instant::now();
        let due = self.settings.keepalive.saturating_sub(tick_of(&self.settings));
        if let (Some(place), Some(before)) = (&self.place, now.checked_sub(due)) {
            self.readership.keep_alive(place, before, now, self.within_batch);
        }
    }
}

fn may_subscribe(reader: &Reader, subscription: &str, max: usize) -> Result<(), Refusal> {
    if reader.has_subscription(subscription) {
        return Err(Refusal::invalid("a subscription with this \"id\" exists"));
    }
    if reader.subscriptions.len() >= max {
        let detail = format!("a connection may have {max} subscriptions");
        return Err(Refusal::new(Code::TooManyRequests, detail));
    }
    Ok(())
}

/// How often the hub looks for readers without news.
fn tick_of(settings: &Settings) -> Duration {
    const TICKS: u32 = 15;
    (settings.keepalive / TICKS).max(Duration::from_millis(1))
}
