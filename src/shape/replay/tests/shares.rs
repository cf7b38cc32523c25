//! How shares reach those they are for.

use std::time::Duration;

use super::log::Fake;
use super::rounds::{Came, Connection, History};
use super::*;
use crate::shape::recent::{Recent, Since, Tail};
use crate::shape::replay::{Behind, CatchUp, Outcome, Replayer};
use crate::spool::Budget;

fn behind(served: &Served, feed: u64, table: &str, place: &Arc<crate::cursor::Cursor>) -> Behind {
    let (key, place) = (shape(served, table, None), Arc::clone(place));
    Behind { feed: Feed(feed), key, place, merge: false }
}

/// So many insertions in one transaction, remembered.
fn many(count: i64) -> (History, Recent) {
    let acts = (0..count).map(|id| Act::Set(ORDERS, Order::new(id, 1, id))).collect::<Vec<_>>();
    let history = History::new(&[acts], &[0]);
    let recent = history.recent(&[0, 1]);
    (history, recent)
}

fn tail(recent: &Recent, place: &crate::cursor::Cursor) -> Tail {
    let Since::Tail(tail) = recent.since(place) else { panic!() };
    tail
}

#[tokio::test]
async fn a_slow_reader_s_share_waits_in_a_spool_and_no_one_waits_for_it() {
    let (history, recent) = many(20_000);
    let (served, place) = (served(), history.at(0));
    let budget = Budget::default();
    let (replayer, mut reports) = Replayer::start(Fake::default(), budget.clone());
    let mut slow = Connection::open(Format::WebSocket, 64 << 10);
    let mut quick = Connection::open(Format::EventStream, 64 << 10);
    for (number, connection) in [(0, &slow), (1, &quick)] {
        let feeds = vec![behind(&served, 1, "orders", &place)];
        let tail = Some(tail(&recent, &place));
        replayer.take(CatchUp { tail, ..connection.catch_up(number, feeds, &served) });
    }
    let count = |came: Vec<Came>| {
        came.iter().map(|of| if let Came::Events(_, of) = of { of.len() } else { 0 }).sum::<usize>()
    };
    assert_eq!(count(quick.until_commit().await), 20_000);
    assert_eq!(reports.recv().await.unwrap().generation, 1);
    assert!(slow.outbox.waiting_bytes() > 0 && budget.memory_bytes() > 1 << 20);
    assert_eq!(count(slow.until_commit().await), 20_000);
    assert_eq!(reports.recv().await.unwrap().generation, 0);
    assert_eq!(budget.memory_bytes(), 0);
}

#[tokio::test]
async fn a_void_share_ends_where_it_is() {
    let (history, recent) = many(5_000);
    let (served, place) = (served(), history.at(0));
    let (replayer, mut reports) = Replayer::start(Fake::default(), Budget::default());
    let mut connection = Connection::open(Format::WebSocket, 64 << 10);
    let feeds = vec![behind(&served, 1, "orders", &place)];
    let tail = Some(tail(&recent, &place));
    replayer.take(CatchUp { tail, ..connection.catch_up(3, feeds, &served) });
    connection.take().await;
    let voided = connection.outbox.void_couriers();
    assert!(voided.is_within && voided.arrived.is_none());
    assert!(matches!(reports.recv().await.unwrap().outcome, Outcome::Over));
}

#[tokio::test]
async fn rows_that_do_not_look_like_their_table_send_nothing() {
    let served = served();
    let history = History::new(&[vec![], vec![], vec![]], &[0, 1, 2]);
    let odd =
        RowText { json: r#"{"part":"a","id":1,"owner":1,"total":1}"#.to_owned(), key_only: false };
    let bad = |seq, txid, op| Change { op, ..change(seq, txid, ORDERS, None, Some(odd.clone())) };
    for bad in [bad(1, 11, Op::Insert), bad(1, 11, Op::Reset)] {
        let line = change(2, 11, LINES, None, Some(Order::new(1, 1, 1).text()));
        let mut recent = Recent::default();
        recent.commit(&history.at(0));
        recent.push(vec![bad, line].into());
        recent.commit(&history.at(2));
        let (replayer, mut reports) = Replayer::start(Fake::default(), Budget::default());
        let mut connection = Connection::open(Format::WebSocket, 64 << 10);
        let place = history.at(0);
        for feeds in [vec![1, 2], vec![2]] {
            let behind = |feed: &u64| {
                behind(&served, *feed, ["orders", "lines"][*feed as usize - 1], &place)
            };
            let of = connection.catch_up(1, feeds.iter().map(behind).collect(), &served);
            replayer.take(CatchUp { tail: Some(tail(&recent, &place)), ..of });
            let outcome = reports.recv().await.unwrap().outcome;
            match feeds.len() {
                2 => assert!(
                    matches!(&outcome, Outcome::TableChanged(of) if *of == [Feed(1)]),
                    "{outcome:?}"
                ),
                _ => assert!(matches!(outcome, Outcome::Arrived(_)), "{outcome:?}"),
            }
        }
        let came = connection.until_commit().await;
        assert!(
            matches!(&came[..], [Came::Events(Some(2), of), Came::Commit(_)] if of.len() == 1),
            "{came:?}"
        );
        // Who has it already is not concerned.
        let feeds = vec![behind(&served, 1, "orders", &history.at(2))];
        let of = connection.catch_up(1, feeds, &served);
        replayer.take(CatchUp { tail: Some(tail(&recent, &place)), ..of });
        assert!(matches!(reports.recv().await.unwrap().outcome, Outcome::Arrived(_)));
    }
}

#[tokio::test]
async fn rounds_end_with_those_who_need_them() {
    let (replayer, mut reports) = Replayer::start(Fake::default(), Budget::default());
    drop(replayer.clone());
    assert!(tokio::time::timeout(Duration::from_millis(20), reports.recv()).await.is_err());
    drop(replayer);
    assert!(reports.recv().await.is_none());
}

#[tokio::test]
async fn a_long_tail_is_committed_in_parts_to_who_has_one_feed() {
    let acts = |at: i64| (0..10).map(|id| Act::Set(ORDERS, Order::new(id, 1, at))).collect();
    let history = History::new(&(0..20).map(acts).collect::<Vec<_>>(), &Vec::from_iter(0..20));
    let recent = history.recent(&Vec::from_iter(0..=20));
    let (served, place) = (served(), history.at(3));
    for (format, tables, merge, several) in [
        (Format::WebSocket, vec!["orders"], false, true),
        (Format::EventStream, vec!["orders"], false, true),
        (Format::Poll, vec!["orders"], false, true),
        (Format::Poll, vec!["orders"], true, false),
        (Format::WebSocket, vec!["orders", "lines"], false, false),
    ] {
        let (replayer, mut reports) = Replayer::start(Fake::default(), Budget::default());
        let mut connection = Connection::open(format, 1 << 20);
        let feeds = (1..)
            .zip(tables)
            .map(|(feed, table)| Behind { merge, ..behind(&served, feed, table, &place) });
        let of = connection.catch_up(1, feeds.collect(), &served);
        replayer.take(CatchUp { tail: Some(tail(&recent, &place)), ..of });
        let end = Came::Commit(history.at(20).to_string());
        let mut commits = 0;
        while connection.until_commit().await.last() != Some(&end) {
            commits += 1;
        }
        assert_eq!(commits > 3, several, "{format:?} {commits}");
        assert!(matches!(reports.recv().await.unwrap().outcome, Outcome::Arrived(_)));
        assert_eq!(connection.outbox.void_couriers().arrived, Some(history.at(20)));
    }
}
