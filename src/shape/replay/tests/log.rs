//! Rounds over a log that is made up: who shares a read, who is refused, and what happens while there is none.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::rounds::{Came, Connection, ERA, History};
use super::*;
use crate::changelog::{ReplayError, ResetReason, Unavailable};
use crate::cursor::{Cursor, Era, Part};
use crate::shape::replay::log::{Log, Read};
use crate::shape::replay::{Behind, Outcome, Replayer, Report, Reports};
use crate::spool::Budget;

/// A log of what has happened; it breaks off after so many pieces, as often as is said.
#[derive(Clone, Debug, Default)]
pub struct Fake(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    history: History,
    failures: VecDeque<usize>,
    /// It reaches back to where so many had committed.
    reaches: usize,
    life: Option<i64>,
    asked: Vec<Cursor>,
}

pub struct FakeRead {
    end: Cursor,
    pieces: VecDeque<Vec<Change>>,
    breaks_after: Option<usize>,
}

impl Fake {
    pub fn of(history: History, failures: Vec<usize>) -> Self {
        let failures = failures.into();
        Self(Arc::new(Mutex::new(Inner { history, failures, ..Inner::default() })))
    }

    fn with(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.0.lock().unwrap());
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }
}

impl Log for Fake {
    type Read = FakeRead;

    async fn after(&self, cursor: &Cursor) -> Result<FakeRead, ReplayError> {
        tokio::task::yield_now().await;
        let mut inner = self.0.lock().unwrap();
        inner.asked.push(cursor.clone());
        if cursor.era != ERA || !cursor.snapshot.includes(&inner.history.at(inner.reaches).snapshot)
        {
            return Err(ReplayError::Expired(ResetReason::CursorExpired));
        }
        if cursor.life.is_some() && cursor.life != inner.life {
            return Err(ReplayError::Expired(ResetReason::Failover));
        }
        let all = inner.history.between(0, inner.history.len()).into_iter();
        let changes: Vec<Change> = all.filter(|of| !cursor.has(of.txid, of.seq.0)).collect();
        let pieces = changes.chunks(3).map(<[Change]>::to_vec).collect();
        let end = Cursor::clone(&inner.history.at(inner.history.len()));
        Ok(FakeRead { end, pieces, breaks_after: inner.failures.pop_front() })
    }
}

impl Read for FakeRead {
    fn end(&self) -> &Cursor {
        &self.end
    }

    async fn next(&mut self) -> Result<Option<Vec<Change>>, ReplayError> {
        tokio::task::yield_now().await;
        if let Some(left) = &mut self.breaks_after {
            if *left == 0 {
                return Err(Unavailable::Stalled.into());
            }
            *left -= 1;
        }
        Ok(self.pieces.pop_front())
    }
}

/// Twelve transactions of one insertion each.
fn twelve() -> History {
    let acts: Vec<Vec<Act>> =
        (0..12).map(|id| vec![Act::Set(ORDERS, Order::new(id, 1, id))]).collect();
    History::new(&acts, &[1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10])
}

fn behind(served: &Served, place: Arc<Cursor>) -> Vec<Behind> {
    vec![Behind { feed: Feed(1), key: shape(served, "orders", None), place, merge: false }]
}

/// Gives readers at these places to the rounds at once.
fn take_all(log: &Fake, places: Vec<Arc<Cursor>>) -> (Replayer, Reports, Vec<Connection>) {
    let served = served();
    let (replayer, reports) = Replayer::start(log.clone(), Budget::default());
    let mut connections = Vec::new();
    for (number, place) in (0..).zip(places) {
        let connection = Connection::open(Format::WebSocket, 1 << 20);
        replayer.take(connection.catch_up(number, behind(&served, place), &served));
        connections.push(connection);
    }
    (replayer, reports, connections)
}

async fn outcomes(reports: &mut Reports, count: usize) -> Vec<Outcome> {
    let mut found: Vec<Report> = Vec::new();
    for _ in 0..count {
        found.push(reports.recv().await.unwrap());
    }
    found.sort_by_key(|report| report.generation);
    found.into_iter().map(|report| report.outcome).collect()
}

fn events_in(came: &[Came]) -> usize {
    came.iter().map(|came| if let Came::Events(_, events) = came { events.len() } else { 0 }).sum()
}

#[tokio::test]
async fn all_who_wait_share_one_read() {
    let log = Fake::of(twelve(), vec![]);
    let places = (0..=12).map(|at| twelve().at(at)).collect();
    let (_replayer, mut reports, mut connections) = take_all(&log, places);
    for (at, connection) in connections.iter_mut().enumerate() {
        assert_eq!(events_in(&connection.until_commit().await), 12 - at);
    }
    assert!(outcomes(&mut reports, 13).await.iter().all(|of| matches!(of, Outcome::Arrived(_))));
    assert_eq!(log.asked(), 1);
}

#[tokio::test]
async fn the_log_is_asked_little_for_those_it_does_not_reach() {
    for (reaches, most) in [(5, 7), (12, 7), (0, 1)] {
        let log = Fake::of(twelve(), vec![]);
        log.with(|inner| inner.reaches = reaches);
        let places = (0..=12).map(|at| twelve().at(at)).collect();
        let (_replayer, mut reports, _connections) = take_all(&log, places);
        for (at, outcome) in outcomes(&mut reports, 13).await.into_iter().enumerate() {
            let expired = matches!(outcome, Outcome::Expired(ResetReason::CursorExpired));
            assert_eq!(expired, at < reaches, "{at} {reaches} {outcome:?}");
        }
        assert!(log.asked() <= most, "{reaches}: {}", log.asked());
    }
}

#[tokio::test]
async fn places_of_other_histories_are_refused_alone() {
    let history = twelve();
    let log = Fake::of(history.clone(), vec![]);
    log.with(|inner| inner.life = Some(2));
    let of = |change: fn(&mut Cursor)| {
        let mut place = Cursor::clone(&history.at(4));
        change(&mut place);
        Arc::new(place)
    };
    let ahead: fn(&mut Cursor) = |place| {
        place.part = Some(Part { snapshot: "99:99:".parse().unwrap(), last: 1 });
    };
    let places = vec![
        of(|_| {}),
        of(|place| place.era = Era { epoch: 9, timeline: 1 }),
        of(|place| place.life = Some(1)),
        of(|place| place.life = Some(2)),
        of(ahead),
    ];
    let (_replayer, mut reports, mut connections) = take_all(&log, places);
    let outcomes = outcomes(&mut reports, 5).await;
    assert!(
        matches!(
            &outcomes[..],
            [
                Outcome::Arrived(_),
                Outcome::Expired(ResetReason::CursorExpired),
                Outcome::Expired(ResetReason::Failover),
                Outcome::Arrived(_),
                Outcome::Expired(ResetReason::Failover),
            ]
        ),
        "{outcomes:?}"
    );
    for at in [0, 3] {
        assert_eq!(events_in(&connections[at].until_commit().await), 8);
    }
}

#[tokio::test]
async fn a_read_that_breaks_off_is_begun_again_for_those_who_are_left() {
    let log = Fake::of(twelve(), vec![1, 2, 0, 1]);
    let places = vec![twelve().at(0), twelve().at(3)];
    let (_replayer, mut reports, mut connections) = take_all(&log, places);
    drop(connections.pop());
    assert_eq!(events_in(&connections[0].until_commit().await), 12);
    assert!(matches!(reports.recv().await.unwrap().outcome, Outcome::Arrived(_)));
    assert_eq!(log.asked(), 5);
}

#[tokio::test]
async fn who_is_sent_anew_is_served_once() {
    let log = Fake::of(twelve(), vec![]);
    let served = served();
    let (replayer, mut reports) = Replayer::start(log.clone(), Budget::default());
    let mut connection = Connection::open(Format::WebSocket, 1 << 20);
    replayer.take(connection.catch_up(1, behind(&served, twelve().at(0)), &served));
    assert_eq!(connection.outbox.void_couriers().arrived, None);
    let mut again = connection.catch_up(1, behind(&served, twelve().at(10)), &served);
    again.generation = 2;
    replayer.take(again);
    assert_eq!(events_in(&connection.until_commit().await), 2);
    assert_eq!(reports.recv().await.unwrap().generation, 2);
}
