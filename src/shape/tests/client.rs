//! A connection's other end: it applies what comes, and knows what it must come to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::Value;

use super::world::{Rows, World};
use crate::cursor::Cursor;
use crate::shape::command::ReaderId;
use crate::shape::outbox::{Inbox, Taken};

/// A copy of what one subscription sees.
#[derive(Clone, Debug)]
pub struct Copy {
    pub feed: Option<u64>,
    pub with_rows: bool,
    pub is_merged: bool,
    /// Whose rows it sees; all, if nobody's.
    pub owner: Option<i64>,
    pub state: State,
    pub rows: Rows,
    /// Where it is, if it is somewhere.
    place: Option<Arc<Cursor>>,
    pending: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// `subscribed` hasn't come; it was asked for after this place, at which it is already.
    Asked(Option<Arc<Cursor>>),
    Good,
    /// Rows are to come.
    Syncing,
    /// It starts anew at the next commit.
    Void,
}

impl Copy {
    pub fn new(with_rows: bool, is_merged: bool, from: Option<(Arc<Cursor>, Rows)>) -> Self {
        let (from, rows) = from.map(|(from, rows)| (Some(from), rows)).unwrap_or_default();
        let state = State::Asked(from);
        Self {
            feed: None,
            with_rows,
            is_merged,
            owner: None,
            state,
            rows,
            place: None,
            pending: Vec::new(),
        }
    }

    fn seen_of(&self, rows: &Rows) -> Rows {
        let is_seen = |owner: i64| self.owner.is_none_or(|of| of == owner);
        rows.iter().filter(|(_, row)| is_seen(row.0)).map(|(id, row)| (*id, *row)).collect()
    }

    fn go_on_to(&mut self, place: &Arc<Cursor>) {
        if let Some(before) = self.place.replace(Arc::clone(place)) {
            assert!(place.snapshot.includes(&before.snapshot), "back from {before:?} to {place:?}");
        }
    }

    fn apply(&mut self, event: &Value) {
        let id = event["key"]["id"].as_i64().unwrap();
        let data = &event["data"];
        let row = (data["customer"].as_i64().unwrap(), data["v"].as_i64().unwrap());
        let before = self.rows.get(&id).copied();
        let is_right = match event["event"].as_str().unwrap() {
            "created" => before.is_none(),
            "patched" | "removed" => before.is_some(),
            other => panic!("{other}"),
        };
        assert!(is_right, "{event} where there was {before:?}");
        match event["event"] == "removed" {
            true => self.rows.remove(&id),
            false => self.rows.insert(id, row),
        };
    }
}

/// A connection.
pub struct Client {
    pub id: ReaderId,
    pub inbox: Inbox,
    pub copies: BTreeMap<String, Copy>,
    /// The claims that it has been told it has, and those that it asked for since.
    pub owner: Option<i64>,
    pub renewed: VecDeque<Option<i64>>,
    /// The newest commit's, and its era's.
    pub place: Option<Arc<Cursor>>,
    pub heard: Vec<String>,
    ready: VecDeque<crate::wire::Delivery>,
}

impl Client {
    pub fn new(id: ReaderId, inbox: Inbox, owner: Option<i64>) -> Self {
        Self {
            id,
            inbox,
            copies: BTreeMap::new(),
            owner,
            renewed: VecDeque::new(),
            place: None,
            heard: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// Takes what there is, up to so many deliveries, and applies it. Says whether there was something.
    pub fn take(&mut self, most: usize, world: &World) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        if self.ready.is_empty() {
            match self.inbox.poll_take(&mut cx, &mut self.ready) {
                Poll::Ready(Taken::Deliveries) => {}
                Poll::Ready(Taken::Ended(end)) => panic!("{end:?}"),
                Poll::Pending => return false,
            }
        }
        for _ in 0..most {
            let Some(delivery) = self.ready.pop_front() else { break };
            let bytes = delivery.into_bytes();
            for message in messages(&bytes) {
                self.heard.push(message.to_string());
                self.hear(&message, world);
            }
        }
        true
    }

    fn hear(&mut self, message: &Value, world: &World) {
        match message["op"].as_str().unwrap() {
            "hello" => self.owner = self.renewed.pop_front().unwrap(),
            "subscribed" => self.begin(message, world),
            "events" => {
                let Some(copy) = self.of_feed(message) else { return };
                assert_ne!(copy.state, State::Syncing, "{message}");
                copy.pending.extend(message["events"].as_array().unwrap().iter().cloned());
            }
            "synced" => {
                let place = place_of(message);
                let Some(copy) = self.of_feed(message) else { return };
                assert_eq!(copy.state, State::Syncing);
                copy.rows = copy.seen_of(world.rows_at(&place));
                copy.state = State::Good;
                copy.place = Some(place);
            }
            "reset" => {
                if let Some(copy) = self.of_feed(message) {
                    copy.place = None;
                    copy.pending.clear();
                    copy.state = if copy.with_rows { State::Syncing } else { State::Void };
                }
            }
            "commit" => self.commit(message, world),
            "unsubscribed" => {
                let id = message["id"].as_str().unwrap();
                self.copies.retain(|name, copy| name != id || copy.feed.is_none());
            }
            other => panic!("{other}: {message}"),
        }
    }

    fn begin(&mut self, message: &Value, world: &World) {
        let owner = self.owner;
        let place = place_of(message);
        let Some(copy) = self.copies.get_mut(message["id"].as_str().unwrap()) else { return };
        copy.feed = message["feed"].as_u64();
        copy.owner = owner;
        copy.pending.clear();
        copy.state = match &copy.state {
            State::Asked(Some(from)) if **from == *place => State::Good,
            _ if copy.with_rows => State::Syncing,
            _ => State::Good,
        };
        copy.place = None;
        if copy.state == State::Good {
            copy.rows = copy.seen_of(world.rows_at(&place));
            copy.place = Some(place);
        }
    }

    fn commit(&mut self, message: &Value, world: &World) {
        let place = place_of(message);
        for (name, copy) in &mut self.copies {
            match copy.state {
                State::Asked(_) | State::Syncing => {
                    assert_eq!(copy.pending, [] as [Value; 0]);
                }
                State::Void => {
                    copy.pending.clear();
                    copy.rows = copy.seen_of(world.rows_at(&place));
                    copy.state = State::Good;
                }
                State::Good => {
                    copy.go_on_to(&place);
                    for event in std::mem::take(&mut copy.pending) {
                        copy.apply(&event);
                    }
                    let expected = copy.seen_of(world.rows_at(&place));
                    assert_eq!(copy.rows, expected, "{name} at {place:?}");
                }
            }
        }
        self.place = Some(place);
    }

    fn of_feed(&mut self, message: &Value) -> Option<&mut Copy> {
        let feed = message["feed"].as_u64();
        self.copies.values_mut().find(|copy| copy.feed == feed)
    }
}

fn place_of(message: &Value) -> Arc<Cursor> {
    let told: Cursor = message["cursor"].as_str().unwrap().parse().unwrap();
    Arc::new(Cursor { sight: None, ..told })
}

fn messages(mut bytes: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    while let [0x81, len, rest @ ..] = bytes {
        let (len, rest) = match len {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
            len => (usize::from(*len), rest),
        };
        found.push(serde_json::from_slice(&rest[..len]).unwrap());
        bytes = &rest[len..];
    }
    assert!(bytes.is_empty());
    found
}

/// What is printed should the test fail.
pub struct Told(pub String);

#[expect(clippy::print_stderr, reason = "the test's output")]
impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let first = self.heard.len().saturating_sub(30);
        drop(Told(format!("{:?}\n{}", self.id, self.heard[first..].join("\n"))));
    }
}
