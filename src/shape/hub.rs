//! The one task that owns shapes and readers: takes what happens, one thing at a time, and handles it at once.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep_until};
use tokio_util::sync::CancellationToken;

use super::away::Span;
use super::command::{Command, MAX_WAITING, ReaderId};
use super::deliver::Readership;
use super::diff::Differences;
use super::doubt::Doubts;
use super::frames::Frames;
use super::gather::Gathered;
use super::observed::Observed;
use super::reader::{Reader, State, Subscription};
use super::recent::Recent;
use super::replay::{Replayer, Report, Reports};
use super::window::Windows;
use super::{Asked, Handle, Readiness, Settings};
use crate::changelog::{Reading, ResetReason};
use crate::cursor::Cursor;
use crate::event::Change;
use crate::policy::{self, Current, Served, View};
use crate::snapshot::Snapshots;
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

pub(super) enum Input {
    Reading(Reading),
    Command(Command),
    /// Tables were altered, or looked at.
    Renewed(policy::State),
    /// There is room in an outbox that was full, or the feed waits no longer.
    Relief,
    /// A catch-up is over.
    Report(Report),
    /// Somebody's window has ended.
    Window,
    Tick,
    Ended(Ended),
}

/// What works for the hub, in tasks of its own.
#[derive(Debug)]
pub struct Outside {
    pub replayer: Replayer,
    pub reports: Reports,
    pub snapshots: Snapshots,
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
    pub(super) span: Span,
    pub(super) recent: Recent,
    /// What was found out between the place and others.
    pub(super) differences: Differences,
    pub(super) windows: Windows,
    pub(super) replayer: Replayer,
    pub(super) reports: Reports,
    pub(super) snapshots: Snapshots,
    /// As long as rows are on their way.
    pub(super) frames: Weak<Frames>,
    /// Numbers catch-ups and snapshots.
    pub(super) last_generation: u64,
    pub(super) own_commands: mpsc::WeakSender<Command>,
    newest_at: Option<SystemTime>,
    observed: Observed,
    readings: mpsc::Receiver<Reading>,
    commands: mpsc::Receiver<Command>,
    readiness: watch::Sender<Readiness>,
    pub(super) relief: Arc<Notify>,
    tick: Interval,
    shutdown: CancellationToken,
}

impl Hub {
    /// A hub and the way to connect readers to it.
    pub fn new(
        tables: Current,
        settings: Settings,
        observed: Observed,
        outside: Outside,
        readings: mpsc::Receiver<Reading>,
        shutdown: CancellationToken,
    ) -> (Self, Handle) {
        let (command_sender, commands) = mpsc::channel(MAX_WAITING);
        let (readiness, readiness_seen) = watch::channel(Readiness::Starting);
        let relief = Arc::new(Notify::new());
        let outbox_max_bytes = settings.outbox_max_bytes;
        let own_commands = command_sender.downgrade();
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
            readership: Readership::new(observed.clone()),
            recent: Recent::new(settings.recent_max_bytes),
            settings,
            gathered: Gathered::default(),
            place: None,
            within_batch: false,
            span: Span::default(),
            differences: Differences::default(),
            windows: Windows::new(Instant::now()),
            replayer: outside.replayer,
            reports: outside.reports,
            snapshots: outside.snapshots,
            frames: Weak::new(),
            last_generation: 0,
            own_commands,
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
        let window_ends_at = self.windows.next_end();
        let may_read = !self.readership.is_pressed();
        let until = |at: Option<Instant>| sleep_until(at.unwrap_or_else(Instant::now));
        tokio::select! {
            reading = self.readings.recv(), if may_read => {
                reading.map_or(Input::Ended(Ended::ReaderGone), Input::Reading)
            }
            Some(command) = self.commands.recv() => Input::Command(command),
            Some(report) = self.reports.recv() => Input::Report(report),
            state = self.tables.renewed() => Input::Renewed(state),
            () = self.relief.notified() => Input::Relief,
            () = until(overdue_at), if overdue_at.is_some() => Input::Relief,
            () = until(window_ends_at), if window_ends_at.is_some() => Input::Window,
            _ = self.tick.tick() => Input::Tick,
            () = self.shutdown.cancelled() => Input::Ended(Ended::Stopped),
        }
    }

    pub(super) fn handle(&mut self, input: Input) {
        match input {
            Input::Reading(Reading::Changes(changes)) => self.gather(changes),
            Input::Reading(Reading::Commit(cursor)) => self.commit(&cursor),
            Input::Reading(Reading::Reset(reason)) => self.reset(reason),
            Input::Reading(Reading::Lost) => self.become_ready(Readiness::Lost),
            Input::Command(command) => self.obey(command),
            Input::Renewed(state) => {
                self.pending = Some(state.served);
                self.looks = state.looks;
                self.renew();
            }
            Input::Relief => self.relieve(Instant::now()),
            Input::Report(report) => self.heed(report),
            Input::Window => self.end_windows(Instant::now()),
            Input::Tick => self.keep_alive(),
            Input::Ended(_) => {}
        }
        self.readership.observe();
    }

    fn gather(&mut self, changes: Vec<Change>) {
        if !self.within_batch {
            let begin = self.place.as_ref().map(|place| Arc::clone(place.place()));
            self.span = Span::after(begin);
            self.within_batch = true;
        }
        let changes: Arc<[Change]> = changes.into();
        for change in changes.iter() {
            let shapes = &mut self.readership.registry.shapes;
            self.gathered.add(change, &self.served, shapes, &mut self.doubts);
            self.span.push(change.seq);
            self.newest_at = self.newest_at.max(Some(change.at));
            if !self.gathered.reset.is_empty() {
                self.reset_with_rows();
            }
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
        self.recent.push(changes);
    }

    fn deliver_some(&mut self, feeds: Vec<Feed>) {
        let now = Instant::now();
        for feed in feeds {
            self.readership.deliver_some(feed, now);
        }
    }

    fn commit(&mut self, cursor: &Cursor) {
        let end = Arc::new(cursor.clone());
        if !self.within_batch {
            self.span = Span::after(Some(Arc::clone(&end)));
        }
        self.span.end = Some(Arc::clone(&end));
        self.recent.commit(&end);
        self.differences = Differences::default();
        let commit = Commit::told(end, self.doubts.beliefs().sight_of(&self.served));
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
        self.bring_on_waiting();
    }

    /// Brings those on who waited for the end of a batch.
    pub(super) fn bring_on_waiting(&mut self) {
        if self.place.is_none() || self.within_batch {
            return;
        }
        for id in std::mem::take(&mut self.readership.registry.waiting) {
            self.bring_on(id);
        }
    }

    pub(super) fn relieve(&mut self, now: Instant) {
        let (relieved, overdue) = self.readership.relieve(now);
        for id in overdue {
            self.fall_behind(id);
        }
        for id in relieved {
            let reader = self.readership.registry.readers.get(&id);
            if reader.is_some_and(|reader| !reader.is_settled()) {
                self.bring_on(id);
            }
        }
    }

    /// What is known has no continuation: everything starts anew, once there is a place again.
    fn reset(&mut self, reason: ResetReason) {
        let cause = ResetCause::from(reason);
        self.observed.resets.inc();
        self.gathered = Gathered::default();
        self.recent.clear();
        self.differences = Differences::default();
        self.place = None;
        self.within_batch = false;
        let ids: Vec<ReaderId> = self.readership.registry.readers.keys().copied().collect();
        for id in ids {
            self.reset_reader(id, cause);
        }
        self.become_ready(Readiness::Starting);
        self.renew();
    }

    fn reset_reader(&mut self, id: ReaderId, cause: ResetCause) {
        self.void_catch_up(id);
        let registry = &self.readership.registry;
        let count = registry.readers.get(&id).map_or(0, |reader| reader.subscriptions.len());
        for index in 0..count {
            self.start_anew(id, index, cause);
        }
        if let Some(reader) = self.readership.registry.readers.get_mut(&id) {
            reader.within_batch = false;
        }
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
            Command::Leave { reader } => drop(self.readership.registry.remove(reader)),
            Command::Synced { reader, number, synced } => self.synced(reader, number, synced),
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
        reader.subscriptions.push(Subscription { id: subscription, asked, state });
        self.set_window(id);
        self.renew();
        self.bring_on(id);
    }

    fn unsubscribe(&mut self, id: ReaderId, subscription: &str) {
        let registry = &mut self.readership.registry;
        let index = registry.readers.get(&id).and_then(|reader| reader.position(subscription));
        let answer = match index.and_then(|index| registry.unsubscribe(id, index)) {
            Some(ended) => wire::unsubscribed(subscription, ended.feed()),
            None => {
                let refusal = Refusal::invalid("no subscription has this \"id\"");
                wire::error(Some(subscription), &refusal)
            }
        };
        self.readership.answer(id, answer);
        self.set_window(id);
        self.bring_on(id);
    }

    /// Forgets those who left, and sends a commit to those who have had none for long.
    fn keep_alive(&mut self) {
        self.readership.sweep();
        self.observed.readers_behind.set(self.count_behind());
        self.settle_doubts();
        let now = Instant::now();
        let Some(before) = self.quiet_since(now) else { return };
        let Some(place) = &self.place else { return };
        for id in self.readership.keep_alive(place, before, now, self.within_batch) {
            self.bring_on(id);
        }
    }

    /// Who has had no commit since then is to have one.
    pub(super) fn quiet_since(&self, now: Instant) -> Option<Instant> {
        now.checked_sub(self.settings.keepalive.saturating_sub(tick_of(&self.settings)))
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
