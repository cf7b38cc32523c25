//! Whatever the transactions, whoever the readers: each gets exactly what its places don't have.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::sync::Notify;

use super::cases::merge;
use super::*;
use crate::cursor::{Cursor, Era, Part};
use crate::shape::command::ReaderId;
use crate::shape::doubt::Beliefs;
use crate::shape::outbox::{Inbox, Outbox, Taken, outbox};
use crate::shape::recent::{Recent, Since};
use crate::shape::replay::{Behind, CatchUp, Outcome, Replayer};
use crate::spool::Budget;
use crate::wire::Delivery;
use crate::wire::poll::{Piece, pieces};

pub const ERA: Era = Era { epoch: 1, timeline: 1 };
const FIRST_TXID: u64 = 10;

/// Transactions in the order in which they committed; their ids are in another one.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub transactions: Vec<Vec<Change>>,
    txids: Vec<u64>,
}

impl History {
    pub fn new(acts: &[Vec<Act>], order: &[u64]) -> Self {
        let txids: Vec<u64> = order.iter().map(|at| FIRST_TXID + at).collect();
        let (mut world, mut seqs) = (World::default(), [10_000, 0]);
        let mut perform = |act: &Act, txid: u64| {
            let table = match act {
                Act::Set(table, _)
                | Act::Remove(table, ..)
                | Act::Move(table, ..)
                | Act::Truncate(table) => *table,
            };
            // Each table's changes ascend, all together don't.
            let seq = &mut seqs[table.0 as usize - 1];
            *seq += 1;
            world.perform(act, *seq, txid)
        };
        let transactions = acts
            .iter()
            .zip(&txids)
            .map(|(acts, txid)| acts.iter().filter_map(|act| perform(act, *txid)).collect())
            .collect();
        Self { transactions, txids }
    }

    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// What was seen when so many had committed.
    pub fn at(&self, committed: usize) -> Arc<Cursor> {
        let mut seen = self.txids[..committed].to_vec();
        seen.sort_unstable();
        let xmax = seen.last().map_or(FIRST_TXID, |last| last + 1);
        let running: Vec<u64> =
            (FIRST_TXID..xmax).filter(|id| seen.binary_search(id).is_err()).collect();
        let xmin = running.first().copied().unwrap_or(xmax);
        let list = running.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let snapshot = format!("{xmin}:{xmax}:{list}").parse().unwrap();
        Arc::new(Cursor::new(ERA, snapshot))
    }

    /// What one read brings that sees what committed in between.
    pub fn between(&self, from: usize, to: usize) -> Vec<Change> {
        let mut changes = self.transactions[from..to].concat();
        changes.sort_by_key(|change| change.seq);
        changes
    }

    pub fn recent(&self, ends: &[usize]) -> Recent {
        let mut recent = Recent::default();
        recent.commit(&self.at(ends[0]));
        for ends in ends.windows(2) {
            let changes = self.between(ends[0], ends[1]);
            for chunk in changes.chunks(3) {
                recent.push(chunk.to_vec().into());
            }
            recent.commit(&self.at(ends[1]));
        }
        recent
    }
}

/// A connection, its outbox and what is taken from it.
pub struct Connection {
    pub outbox: Outbox,
    pub inbox: Inbox,
    pub format: Format,
    read: VecDeque<Came>,
}

/// What is taken from an outbox.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// Of which feed, where the format tells.
    Events(Option<u64>, Vec<Value>),
    Commit(String),
}

impl Connection {
    pub fn open(format: Format, max_bytes: usize) -> Self {
        let (outbox, inbox) = outbox(max_bytes, Arc::new(Notify::new()));
        Self { outbox, inbox, format, read: VecDeque::new() }
    }

    pub fn catch_up(&self, reader: u64, feeds: Vec<Behind>, served: &Arc<Served>) -> CatchUp {
        CatchUp {
            reader: ReaderId(reader),
            generation: reader,
            format: self.format,
            courier: self.outbox.courier(),
            feeds,
            tail: None,
            served: Arc::clone(served),
            beliefs: Arc::new(Beliefs::default()),
        }
    }

    pub async fn take(&mut self) -> Vec<Delivery> {
        let mut into = VecDeque::new();
        let taken = std::future::poll_fn(|cx| self.inbox.poll_take(cx, &mut into)).await;
        assert_eq!(taken, Taken::Deliveries);
        into.into()
    }

    /// What comes up to the next commit.
    pub async fn until_commit(&mut self) -> Vec<Came> {
        let mut came = Vec::new();
        while !matches!(came.last(), Some(Came::Commit(_))) {
            while self.read.is_empty() {
                let deliveries = self.take().await;
                let read = deliveries.into_iter().flat_map(|of| read(self.format, of));
                self.read.extend(read);
            }
            came.extend(self.read.pop_front());
        }
        came
    }
}

pub fn events(format: Format, delivery: Delivery) -> Vec<Value> {
    let events = |came| if let Came::Events(_, events) = came { events } else { Vec::new() };
    read(format, delivery).into_iter().flat_map(events).collect()
}

pub fn read(format: Format, delivery: Delivery) -> Vec<Came> {
    let mut came = read_as(format, delivery);
    for came in &mut came {
        // What was served to whom is told with a place, and isn't part of it.
        if let Came::Commit(told) = came {
            let place = Cursor { sight: None, ..told.parse().unwrap() };
            *told = place.to_string();
        }
    }
    came
}

fn read_as(format: Format, delivery: Delivery) -> Vec<Came> {
    match format {
        Format::WebSocket => frames(&delivery.into_bytes()),
        Format::EventStream => blocks(std::str::from_utf8(&delivery.into_bytes()).unwrap()),
        Format::Poll => pieces(delivery).map(piece).collect(),
    }
}

fn frames(mut bytes: &[u8]) -> Vec<Came> {
    let mut came = Vec::new();
    while let [0x81, len, rest @ ..] = bytes {
        let (len, rest) = match len {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
            len => (usize::from(*len), rest),
        };
        let message: Value = serde_json::from_slice(&rest[..len]).unwrap();
        came.push(match message["op"].as_str().unwrap() {
            "events" => {
                let events = message["events"].as_array().unwrap().clone();
                Came::Events(message["feed"].as_u64(), events)
            }
            _ => Came::Commit(message["cursor"].as_str().unwrap().to_owned()),
        });
        bytes = &rest[len..];
    }
    assert!(bytes.is_empty());
    came
}

fn blocks(text: &str) -> Vec<Came> {
    let mut came = Vec::new();
    for block in text.split_terminator("\n\n") {
        let field =
            |name: &str| block.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        if field("event: ").unwrap() != "cursor" {
            let event = serde_json::from_str(&field("data: ").unwrap()).unwrap();
            came.push(Came::Events(None, vec![event]));
        }
        came.extend(field("id: ").map(Came::Commit));
    }
    came
}

fn piece(piece: Piece) -> Came {
    match piece {
        Piece::Events(events) => {
            let json = format!("[{}]", std::str::from_utf8(&events.json).unwrap());
            Came::Events(None, serde_json::from_str(&json).unwrap())
        }
        Piece::Commit(cursor) => Came::Commit(String::from_utf8(cursor.to_vec()).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// One of a made-up reader's feeds.
#[derive(Clone, Debug)]
pub struct Wanted {
    view: usize,
    /// Among the transactions; and of a part, how far and up to which of its changes.
    place: prop::sample::Index,
    part: Option<(prop::sample::Index, prop::sample::Index)>,
    merge: bool,
}

const VIEWS: [(&str, Option<&str>); 5] = [
    ("orders", None),
    ("orders", Some("owner = 1")),
    ("orders", Some("total < 50 or owner = 2")),
    ("lines", None),
    ("lines", Some("part = 'a' and owner in (0, 1)")),
];

fn wanted() -> impl Strategy<Value = Wanted> {
    let index = any::<prop::sample::Index>;
    (0..VIEWS.len(), index(), prop::option::weighted(0.3, (index(), index())), any::<bool>())
        .prop_map(|(view, place, part, merge)| Wanted { view, place, part, merge })
}

fn reader() -> impl Strategy<Value = (Format, Vec<Wanted>)> {
    prop_oneof![
        prop::collection::vec(wanted(), 1..5).prop_map(|feeds| (Format::WebSocket, feeds)),
        wanted().prop_map(|feed| (Format::EventStream, vec![feed])),
        wanted().prop_map(|feed| (Format::Poll, vec![feed])),
    ]
}

/// Transactions of few acts, and the order of their ids: not far from the one in which they commit.
pub fn history() -> impl Strategy<Value = History> {
    let transaction = prop::collection::vec(act(), 1..6);
    prop::collection::vec((transaction, 0..6_u64), 1..16).prop_map(|transactions| {
        let begun = transactions
            .iter()
            .enumerate()
            .map(|(at, (_, early))| (at as u64 * 2).saturating_sub(*early));
        let mut order: Vec<(u64, usize)> = begun.zip(0..).collect();
        order.sort_unstable();
        let mut txids = vec![0; order.len()];
        (0..).zip(&order).for_each(|(txid, (_, at))| txids[*at] = txid);
        let acts: Vec<Vec<Act>> = transactions.into_iter().map(|(acts, _)| acts).collect();
        History::new(&acts, &txids)
    })
}

impl Wanted {
    /// Where it begins, and what comes after that, in the order of these ends of batches.
    fn begin(&self, history: &History, ends: &[usize], from: usize) -> (Arc<Cursor>, Vec<Change>) {
        let at = from + self.place.index(history.len() + 1 - from);
        let mut place = Cursor::clone(&history.at(at));
        if let Some((to, last)) = &self.part {
            let to = at + to.index(history.len() + 1 - at);
            let within = history.between(at, to);
            if !within.is_empty() {
                let last = within[last.index(within.len())].seq.0;
                place.part = Some(Part { snapshot: history.at(to).snapshot.clone(), last });
            }
        }
        let all = ends.windows(2).flat_map(|ends| history.between(ends[0], ends[1]));
        let missing = all.filter(|change| !place.has(change.txid, change.seq.0)).collect();
        (Arc::new(place), missing)
    }
}

/// What a reader's feed is to get.
fn expected(served: &Served, wanted: &Wanted, missing: &[Change]) -> Vec<Value> {
    let (table, filter) = VIEWS[wanted.view];
    let view = view(served, table, filter);
    let of_table: Vec<Change> =
        missing.iter().filter(|change| change.table == view.table_id()).cloned().collect();
    match wanted.merge {
        true => seen(served, &view, &merge(served, &of_table)),
        false => seen(served, &view, &of_table),
    }
}

/// A commit before the last is one feed's, and true of what came before it.
fn check_between(
    commit: &str,
    got: &[Vec<Value>],
    expected: &[Vec<Value>],
    missing: &[Vec<Change>],
) -> Result<(), TestCaseError> {
    let place: Cursor = commit.parse().unwrap();
    prop_assert_eq!(got.len(), 1);
    let had = |seq: i64| {
        let found = missing[0].iter().find(|change| change.seq.0 == seq).unwrap();
        place.has(found.txid, seq)
    };
    let before: Vec<Value> =
        expected[0].iter().filter(|of| had(of["seq"].as_i64().unwrap())).cloned().collect();
    prop_assert_eq!(&got[0], &before);
    Ok(())
}

/// Each reader is given to the rounds, and gets what is expected, then one commit.
pub async fn serve(
    replayer: Replayer,
    mut reports: crate::shape::replay::Reports,
    history: &History,
    ends: &[usize],
    from: usize,
    readers: &[(Format, Vec<Wanted>)],
    recent: Option<&Recent>,
) -> Result<(), TestCaseError> {
    let served = served();
    let views: Vec<ShapeKey> = VIEWS.iter().map(|(table, of)| shape(&served, table, *of)).collect();
    let mut open = Vec::new();
    for (number, (format, wanted)) in (0..).zip(readers) {
        let connection = Connection::open(*format, 2_000);
        let (mut feeds, mut all_expected, mut places) = (Vec::new(), Vec::new(), Vec::new());
        let mut all_missing = Vec::new();
        for (feed, wanted) in (1..).zip(wanted) {
            let (place, missing) = wanted.begin(history, ends, from);
            all_expected.push(expected(&served, wanted, &missing));
            places.push(Arc::clone(&place));
            all_missing.push(missing);
            let key = ShapeKey { copy: feed as u32, ..views[wanted.view].clone() };
            feeds.push(Behind { feed: Feed(feed), key, place, merge: wanted.merge });
        }
        let mut catch_up = connection.catch_up(number, feeds, &served);
        if let Some(recent) = recent {
            let tails = places.iter().map(|place| match recent.since(place) {
                Since::Tail(tail) => tail,
                other => panic!("{other:?}"),
            });
            catch_up.tail = tails.max_by_key(|tail| tail.batches.len());
        }
        replayer.take(catch_up);
        open.push((connection, all_expected, all_missing));
    }
    let end = history.at(history.len());
    for (mut connection, expected, missing) in open {
        let mut got = vec![Vec::new(); expected.len()];
        loop {
            let came = connection.until_commit().await;
            let Some((Came::Commit(commit), before)) = came.split_last() else {
                panic!("{came:?}")
            };
            for came in before {
                let Came::Events(feed, events) = came else { panic!("{came:?}") };
                got[feed.map_or(0, |feed| feed as usize - 1)].extend(events.clone());
            }
            if *commit == end.to_string() {
                break;
            }
            check_between(commit, &got, &expected, &missing)?;
        }
        prop_assert_eq!(got, expected);
    }
    let mut arrived: Vec<u64> = Vec::new();
    for _ in readers {
        let report = reports.recv().await.unwrap();
        prop_assert!(
            matches!(&report.outcome, Outcome::Arrived(at) if **at == *end),
            "{:?}",
            report
        );
        arrived.push(report.generation);
    }
    arrived.sort_unstable();
    prop_assert!(arrived.into_iter().eq(0..readers.len() as u64));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn everybody_gets_from_memory_what_their_places_do_not_have(
        history in history(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        readers in prop::collection::vec(reader(), 1..6),
    ) {
        let mut ends: Vec<usize> = cuts.iter().map(|at| at.index(history.len() + 1)).collect();
        ends.push(history.len());
        ends.sort_unstable();
        let recent = history.recent(&ends);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (replayer, reports) = Replayer::start(super::log::Fake::default(), Budget::default());
            let served = serve(replayer, reports, &history, &ends, ends[0], &readers, Some(&recent));
            let deadline = std::time::Duration::from_secs(20);
            tokio::time::timeout(deadline, served).await.expect("the round ends")
        })?;
    }

    #[test]
    fn everybody_gets_from_the_log_what_their_places_do_not_have(
        history in history(),
        readers in prop::collection::vec(reader(), 1..6),
        failures in prop::option::weighted(0.1, 0..4_usize),
    ) {
        let ends = [0, history.len()];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let log = super::log::Fake::of(history.clone(), failures.into_iter().collect());
            let (replayer, reports) = Replayer::start(log, Budget::default());
            let served = serve(replayer, reports, &history, &ends, 0, &readers, None);
            let deadline = std::time::Duration::from_secs(60);
            tokio::time::timeout(deadline, served).await.expect("the round ends")
        })?;
    }
}
