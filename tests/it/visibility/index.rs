//! The index finds exactly the shapes that see a change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use proptest::sample::select;
use rowcast::cursor::Cursor;
use rowcast::event::{Change, Op, RowText, Rows, Seq};
use rowcast::identity::Claims;
use rowcast::policy::{Case, Request, Served, TableSettings, View, current};
use rowcast::shape::{Router, ShapeKey};
use rowcast::wire::{Commit, Feed};
use serde_json::Value;

use super::fixture::{COLUMNS, ORDERS, catalog};
use crate::delivery::fixture::cursor;

fn served() -> Served {
    let settings = TableSettings::open_to_all("orders");
    Served::bind(&catalog(&COLUMNS), &[settings], 1 << 20).unwrap()
}

/// Small worlds: that values meet is what matters.
fn term() -> impl Strategy<Value = String> {
    let number = || 0..6i64;
    let status = || select(vec!["a", "b", "c", ""]);
    prop_oneof![
        number().prop_map(|n| format!("customer = {n}")),
        number().prop_map(|n| format!("{n} = id")),
        status().prop_map(|s| format!("status = '{s}'")),
        (number(), number()).prop_map(|(a, b)| format!("customer in ({a}, {b})")),
        (number(), number()).prop_map(|(a, b)| format!("customer = any('{{{a},{b},null}}')")),
        number().prop_map(|n| format!("margin > {n}")),
        number().prop_map(|n| format!("margin is not distinct from {n}")),
        Just("status is null".to_owned()),
        Just("customer = null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    term().prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) or ({b})")),
            inner.prop_map(|of| format!("not ({of})")),
        ]
    })
}

fn row() -> impl Strategy<Value = RowText> {
    let number =
        || prop_oneof![9 => (0..6i64).prop_map(|n| n.to_string()), 1 => Just("null".to_owned())];
    let status = select(vec![r#""a""#, r#""b""#, r#""c""#, r#""""#, "null"]);
    (0..4i64, number(), status, number(), 0..12).prop_map(|(id, customer, status, margin, odd)| {
        if odd == 0 {
            return RowText { json: format!(r#"{{"id":{id}}}"#), key_only: true };
        }
        let json = format!(
            r#"{{"id":{id},"customer":{customer},"status":{status},"margin":{margin},"secret":"s"}}"#
        );
        RowText { json, key_only: false }
    })
}

fn change() -> impl Strategy<Value = (Op, Option<RowText>, Option<RowText>)> {
    prop_oneof![
        row().prop_map(|new| (Op::Insert, None, Some(new))),
        row().prop_map(|old| (Op::Delete, Some(old), None)),
        (row(), row()).prop_map(|(old, new)| (Op::Update, Some(old), Some(new))),
        Just((Op::Truncate, None, None)),
    ]
}

fn view(served: &Served, filter: &str) -> Arc<View> {
    let request = Request { filter: Some(filter.to_owned()), ..Request::whole("orders") };
    let view = served.view(&request, &Claims::default());
    Arc::new(view.unwrap_or_else(|error| panic!("{filter}: {error}")))
}

/// How many events each view sees, asked one by one.
fn by_hand(
    served: &Served,
    views: &BTreeMap<Feed, Arc<View>>,
    changes: &[Change],
) -> BTreeMap<Feed, Vec<Seq>> {
    let table = served.table(ORDERS).unwrap();
    let mut found: BTreeMap<Feed, Vec<Seq>> = BTreeMap::new();
    for change in changes {
        let rows = Rows::read(change, &table.table().columns).unwrap();
        let case = Case::new(&rows, table);
        for (feed, view) in views {
            for seen in view.see(&case) {
                found.entry(*feed).or_default().push(seen.change().seq);
            }
        }
    }
    found
}

fn routed(router: &mut Router, served: &Served, changes: &[Change]) -> BTreeMap<Feed, Vec<Seq>> {
    for change in changes {
        router.route(change, served);
    }
    let cursor: Cursor = cursor(1);
    let sealed = router.seal(&Commit::new(Arc::new(cursor)));
    sealed.into_iter().map(|(feed, delivery)| (feed, seqs(&delivery.into_bytes()))).collect()
}

fn seqs(frame: &[u8]) -> Vec<Seq> {
    let opening = br#"{"op""#;
    let start = frame.windows(opening.len()).position(|part| part == opening).unwrap();
    let message: Value = serde_json::from_slice(&frame[start..]).unwrap();
    let events = message["events"].as_array().unwrap();
    events.iter().map(|event| Seq(event["seq"].as_i64().unwrap())).collect()
}

fn numbered(changes: Vec<(Op, Option<RowText>, Option<RowText>)>) -> Vec<Change> {
    let number = |(seq, (op, old, new))| Change {
        seq: Seq(seq),
        txid: 1,
        table: ORDERS,
        op,
        old,
        new,
        at: UNIX_EPOCH,
        origin: None,
    };
    (1..).zip(changes).map(number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_index_finds_is_what_each_shape_sees(
        filters in prop::collection::vec(filter(), 1..24),
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        changes in prop::collection::vec(change(), 1..24),
    ) {
        let served = served();
        let mut router = Router::new(current(served).1);
        let served = self::served();
        let mut views = BTreeMap::new();
        for filter in &filters {
            let view = view(&served, filter);
            let key = ShapeKey { view: Arc::clone(&view), with_old: false, copy: 0 };
            views.insert(router.add(key), view);
        }
        for index in &gone {
            let Some(feed) = views.keys().nth(index.index(filters.len())).copied() else { continue };
            views.remove(&feed);
            router.remove(feed);
        }
        let changes = numbered(changes);
        let found = routed(&mut router, &served, &changes);
        prop_assert_eq!(found, by_hand(&served, &views, &changes));
    }
}
