//! What several changes of a row come to, as a view of owner 7 sees it.

use serde_json::{Value, json};

use super::*;
use crate::shape::replay::merge::Merger;

pub fn merge(served: &Served, changes: &[Change]) -> Vec<Change> {
    let mut merger = Merger::default();
    for change in changes {
        let table = served.table(change.table).unwrap();
        merger.push(&Rows::read(change, &table.table().columns).unwrap(), table);
    }
    let merged = merger.take();
    assert_eq!((merger.len_bytes(), merger.take().len()), (0, 0));
    merged
}

/// `[event, cause, id, total, changed, total before, seq]`, as far as they are there.
fn told(event: &Value) -> Value {
    let parts = [
        &event["event"],
        &event["cause"],
        &event["key"]["id"],
        &event["data"]["total"],
        &event["changed"],
        &event["old"]["total"],
        &event["seq"],
    ];
    parts.into_iter().filter(|part| !part.is_null()).cloned().collect()
}

fn check(changes: &[(Option<Order>, Option<Order>)], expected: Value) {
    let served = served();
    let view = view(&served, "orders", Some("owner = 7"));
    let changes: Vec<Change> =
        (1..).zip(changes).map(|(seq, (old, new))| orders(seq, *old, *new)).collect();
    let told: Value = seen(&served, &view, &merge(&served, &changes)).iter().map(told).collect();
    assert_eq!(told, expected, "{changes:?}");
}

const fn mine(total: i64) -> Option<Order> {
    Some(Order { id: 1, part: "a", owner: 7, total })
}

const fn theirs(total: i64) -> Option<Order> {
    Some(Order { id: 1, part: "a", owner: 8, total })
}

#[test]
fn changes_of_one_row_become_one() {
    check(&[(None, mine(1)), (mine(1), mine(2))], json!([["created", 1, 2, 2]]));
    check(&[(None, mine(1)), (mine(1), None)], json!([]));
    check(&[(None, mine(1)), (mine(1), mine(2)), (mine(2), None)], json!([]));
    check(&[(mine(1), None), (None, mine(2))], json!([["patched", 1, 2, ["total"], 1, 2]]));
    check(&[(mine(1), None), (None, mine(1))], json!([]));
    check(&[(mine(1), mine(2)), (mine(2), None)], json!([["removed", 1, 1, 1, 2]]));
    check(&[(mine(1), mine(2)), (mine(2), mine(3))], json!([["patched", 1, 3, ["total"], 1, 2]]));
    check(&[(mine(1), mine(2)), (mine(2), mine(1))], json!([]));
    check(&[(None, mine(1)), (mine(1), None), (None, mine(3))], json!([["created", 1, 3, 3]]));
}

#[test]
fn whether_a_row_enters_or_leaves_is_said_of_the_whole() {
    check(&[(theirs(1), mine(1)), (mine(1), mine(2))], json!([["created", "enter", 1, 2, 2]]));
    check(&[(mine(1), mine(2)), (mine(2), theirs(2))], json!([["removed", "leave", 1, 1, 1, 2]]));
    check(
        &[(mine(1), theirs(1)), (theirs(1), mine(4))],
        json!([["patched", 1, 4, ["total"], 1, 2]]),
    );
    check(&[(theirs(1), mine(1)), (mine(1), theirs(2))], json!([]));
    check(&[(None, theirs(1)), (theirs(1), mine(1))], json!([["created", 1, 1, 2]]));
    check(&[(mine(1), theirs(1)), (theirs(1), None)], json!([["removed", 1, 1, 1, 2]]));
}

#[test]
fn a_change_of_the_key_is_a_removal_and_a_creation() {
    let other = |total| Some(Order { id: 2, ..mine(total).unwrap() });
    check(&[(mine(1), other(1))], json!([["removed", 1, 1, 1, 1], ["created", 2, 1, 1]]));
    let both = json!([["created", 2, 3, 2], ["patched", 1, 9, ["total"], 1, 3]]);
    check(&[(mine(1), other(1)), (other(1), other(3)), (None, mine(9))], both);
    check(&[(None, mine(1)), (mine(1), other(1))], json!([["created", 2, 1, 2]]));
    check(&[(mine(1), other(1)), (other(1), mine(5))], json!([["patched", 1, 5, ["total"], 1, 2]]));
}

#[test]
fn what_was_truncated_is_forgotten() {
    let changes = [(None, mine(1)), (None, None), (None, mine(2)), (mine(2), mine(3))];
    check(&changes, json!([["truncated", 2], ["created", 1, 3, 4]]));
    check(&[(mine(1), mine(2)), (None, None), (None, None)], json!([["truncated", 3]]));
}

#[test]
fn a_reset_stays_and_forgets_what_was_before_it() {
    let reset = Change { op: Op::Reset, ..orders(2, None, None) };
    let changes = [orders(1, None, mine(1)), reset, orders(3, mine(1), mine(2))];
    let merged = merge(&served(), &changes);
    let ops: Vec<(i64, Op)> = merged.iter().map(|change| (change.seq.0, change.op)).collect();
    assert_eq!(ops, [(2, Op::Reset), (3, Op::Update)]);
}

#[test]
fn a_table_without_a_key_is_not_merged() {
    let note =
        |seq| change(seq, 1, NOTES, mine(1).map(|of| of.text()), mine(2).map(|of| of.text()));
    let changes = [note(1), orders(2, None, mine(1)), note(3), note(4), orders(5, mine(1), None)];
    let merged = merge(&served(), &changes);
    assert_eq!(merged, [note(1), note(3), note(4)]);
}

#[test]
fn rows_logged_by_their_key_are_merged_and_stay_what_they_are() {
    let key_only = || Some(RowText { json: r#"{"id":1}"#.to_owned(), key_only: true });
    let text = |of: Option<Order>| of.map(|of| of.text());
    let changes = [
        change(1, 1, ORDERS, text(mine(1)), key_only()),
        change(2, 1, ORDERS, key_only(), key_only()),
    ];
    let merged = merge(&served(), &changes);
    assert_eq!(merged, [Change { old: text(mine(1)), ..changes[1].clone() }]);
}

#[test]
fn the_rest_of_a_merged_change_is_the_last_one_s() {
    let changes = [orders(1, None, mine(1)), orders(4, mine(1), mine(2))];
    let expected = Change { op: Op::Insert, old: None, ..changes[1].clone() };
    assert_eq!(merge(&served(), &changes), [expected]);
}
