//! Claims that change under open subscriptions: the hub alone, without sockets.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use rowcast::changelog::{Reading, Replays};
use rowcast::event::{Change, Op, RowText, Seq};
use rowcast::identity::Claims;
use rowcast::policy::{Current, Request, current};
use rowcast::shape::{
    Asked, Handle, Hub, Inbox, Observed, Outside, Replayer, Settings, Start, Subscriber, Taken,
};
use rowcast::snapshot::Snapshots;
use rowcast::spool::Budget;
use rowcast::wire::{Delivery, Format};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::fixture::{ORDERS, order, served};
use crate::delivery::fixture::{cursor, in_time};

struct Feed {
    tables: Current,
    hub: Handle,
    readings: mpsc::Sender<Reading>,
    _stop: tokio_util::sync::DropGuard,
}

impl Feed {
    async fn start() -> Self {
        let (_renewal, tables) = current(served());
        let (readings, receiver) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let (hub, handle) = Hub::new(
            tables.clone(),
            Settings::default(),
            Observed::default(),
            outside(),
            receiver,
            stop.clone(),
        );
        tokio::spawn(hub.run());
        let feed = Self { tables, hub: handle, readings, _stop: stop.drop_guard() };
        feed.batch(Vec::new()).await;
        feed
    }

    async fn batch(&self, changes: Vec<Change>) {
        self.readings.send(Reading::Changes(changes)).await.unwrap();
        self.readings.send(Reading::Commit(cursor(1))).await.unwrap();
    }

    async fn reader(&self, format: Format, who: &Value) -> Reader {
        let (subscriber, inbox) = self.hub.connect(format).await.unwrap();
        let request = Arc::new(Request::whole("orders"));
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let place = Arc::new(place);
        let asked = Asked {
            request,
            claims: claims(who),
            with_old: false,
            start: Start::Anew,
            snapshot: false,
            coalesce: Duration::ZERO,
            place,
        };
        let view = self.tables.get().view(&asked.request, &asked.claims).unwrap();
        subscriber.subscribe("a".to_owned(), asked, view).await.unwrap();
        let mut reader = Reader { subscriber, inbox, taken: VecDeque::new() };
        reader.next().await;
        reader
    }
}

/// Without a database: nothing is known but what the hub remembers.
fn outside() -> Outside {
    let (replayer, reports) = Replayer::start(None::<Replays>, Budget::default());
    Outside { replayer, reports, snapshots: Snapshots::unavailable() }
}

fn claims(claims: &Value) -> Claims {
    Claims::new(claims.as_object().unwrap().clone())
}

fn insert(id: i64, customer: i64) -> Change {
    let new = RowText { json: order(id, customer, "open", 1), key_only: false };
    Change {
        seq: Seq(id),
        txid: 1,
        table: ORDERS,
        op: Op::Insert,
        old: None,
        new: Some(new),
        at: std::time::UNIX_EPOCH,
        origin: None,
    }
}

struct Reader {
    subscriber: Subscriber,
    inbox: Inbox,
    taken: VecDeque<Delivery>,
}

impl Reader {
    /// The next delivery's text; none once the hub has ended the connection.
    async fn next(&mut self) -> Option<String> {
        if self.taken.is_empty() {
            let take = poll_fn(|cx| self.inbox.poll_take(cx, &mut self.taken));
            if let Taken::Ended(_) = in_time("a delivery", take).await {
                return None;
            }
        }
        let bytes = self.taken.pop_front().unwrap().into_bytes();
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[tokio::test]
async fn the_same_view_under_other_claims_is_no_news() {
    let feed = Feed::start().await;
    let mut reader = feed.reader(Format::WebSocket, &json!({"customer": 7, "exp": 1})).await;
    reader.subscriber.rebind(claims(&json!({"customer": 7, "exp": 2}))).await.unwrap();
    assert!(reader.next().await.unwrap().contains(r#""op":"hello""#));
    reader.subscriber.unsubscribe("nothing".to_owned()).await.unwrap();
    assert!(reader.next().await.unwrap().contains("error"), "only the answer to that");
    feed.batch(vec![insert(1, 7)]).await;
    assert!(reader.next().await.unwrap().contains(r#""event":"created""#));
}

#[tokio::test]
async fn who_sees_something_else_starts_anew() {
    let feed = Feed::start().await;
    let mut reader = feed.reader(Format::WebSocket, &json!({"customer": 7})).await;
    let mut other = feed.reader(Format::WebSocket, &json!({"customer": 7})).await;
    reader.subscriber.rebind(claims(&json!({"customer": 8}))).await.unwrap();
    assert!(reader.next().await.unwrap().contains(r#""op":"hello""#));
    assert!(
        reader.next().await.unwrap().contains(r#""op":"reset","feed":1,"reason":"table_changed""#)
    );
    assert!(reader.next().await.unwrap().contains(r#""op":"subscribed","id":"a","feed":2"#));
    feed.batch(vec![insert(1, 7), insert(2, 8)]).await;
    let seen = reader.next().await.unwrap();
    assert!(seen.contains(r#""key":{"id":2}"#) && !seen.contains(r#""key":{"id":1}"#), "{seen}");
    let seen = other.next().await.unwrap();
    assert!(seen.contains(r#""key":{"id":1}"#) && !seen.contains(r#""key":{"id":2}"#), "{seen}");
}

#[tokio::test]
async fn behind_hello_nothing_comes_that_the_claims_before_gave() {
    let feed = Feed::start().await;
    let mut reader = feed.reader(Format::WebSocket, &json!({"customer": 7})).await;
    let mut other = feed.reader(Format::WebSocket, &json!({"customer": 7})).await;
    feed.batch(vec![insert(1, 7)]).await;
    assert!(other.next().await.unwrap().contains(r#""key":{"id":1}"#), "it waits for both");
    reader.subscriber.rebind(claims(&json!({"customer": 8}))).await.unwrap();
    for part in [r#""key":{"id":1}"#, r#""identity":{"customer":8}"#, r#""op":"reset""#] {
        let next = reader.next().await.unwrap();
        assert!(next.contains(part), "{part}: {next}");
    }
}

#[tokio::test]
async fn within_a_batch_nothing_more_comes_under_the_old_claims() {
    let feed = Feed::start().await;
    let mut reader = feed.reader(Format::WebSocket, &json!({"customer": 7})).await;
    let many = (1..3_000).map(|id| insert(id, 7)).collect();
    feed.readings.send(Reading::Changes(many)).await.unwrap();
    assert!(
        reader.next().await.unwrap().contains(r#""op":"events""#),
        "the batch goes out already"
    );
    reader.subscriber.rebind(claims(&json!({"customer": 8}))).await.unwrap();
    assert!(reader.next().await.unwrap().contains(r#""op":"hello""#));
    assert!(reader.next().await.unwrap().contains(r#""op":"reset""#));
    feed.batch(vec![insert(3_001, 7), insert(3_002, 8)]).await;
    assert!(reader.next().await.unwrap().contains(r#""op":"subscribed""#));
    feed.batch(vec![insert(4, 8)]).await;
    let seen = reader.next().await.unwrap();
    assert!(seen.contains(r#""key":{"id":4}"#) && !seen.contains("300"), "{seen}");
}

#[tokio::test]
async fn an_event_stream_starts_anew_too() {
    let feed = Feed::start().await;
    let mut reader = feed.reader(Format::EventStream, &json!({"customer": 7})).await;
    reader.subscriber.rebind(claims(&json!({"role": "admin"}))).await.unwrap();
    assert!(reader.next().await.unwrap().starts_with("event: reset\n"));
    assert!(reader.next().await.unwrap().starts_with("event: cursor\n"));
    feed.batch(vec![insert(1, 3)]).await;
    assert!(reader.next().await.unwrap().contains(r#""margin":1"#));
}
