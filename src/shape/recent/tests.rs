use std::time::UNIX_EPOCH;

use super::*;
use crate::catalog::TableId;
use crate::cursor::{Era, Part};
use crate::event::{Op, Seq};

const ERA: Era = Era { epoch: 1, timeline: 1 };

fn at(snapshot: &str) -> Arc<Cursor> {
    Arc::new(Cursor::new(ERA, snapshot.parse().unwrap()))
}

fn living(snapshot: &str, life: i64) -> Arc<Cursor> {
    Arc::new(Cursor { life: Some(life), ..Cursor::clone(&at(snapshot)) })
}

fn change(seq: i64, txid: u64, bytes: usize) -> Change {
    let new = Some(RowText { json: "x".repeat(bytes), key_only: false });
    let (op, old, table) = (Op::Insert, None, TableId(1));
    Change { seq: Seq(seq), txid, table, op, old, new, at: UNIX_EPOCH, origin: None }
}

fn batch(recent: &mut Recent, seqs: std::ops::RangeInclusive<i64>, txid: u64, end: &str) {
    recent.push(seqs.map(|seq| change(seq, txid, 100)).collect());
    recent.commit(&at(end));
}

/// The `seq`s of what comes after a place.
fn seqs(since: Since) -> Vec<i64> {
    let Since::Tail(tail) = since else { panic!("{since:?}") };
    assert_eq!(tail.len(), tail.changes().count());
    tail.changes().map(|change| change.seq.0).collect()
}

/// 5 commits before 4: `4:6:4` has seen 5 alone.
fn interleaved() -> Recent {
    let mut recent = Recent::default();
    recent.commit(&at("4:4:"));
    batch(&mut recent, 10..=11, 5, "4:6:4");
    batch(&mut recent, 8..=9, 4, "6:6:");
    batch(&mut recent, 12..=12, 6, "7:8:7");
    recent
}

#[test]
fn what_comes_after_a_place_is_all_batches_that_it_has_not_wholly() {
    let recent = interleaved();
    for (place, after) in [
        ("4:4:", vec![10, 11, 8, 9, 12]),
        ("4:6:4", vec![8, 9, 12]),
        ("4:5:4", vec![10, 11, 8, 9, 12]),
        ("4:7:4", vec![8, 9, 12]),
        ("6:6:", vec![12]),
        ("6:7:6", vec![12]),
        ("7:7:", vec![]),
        ("7:8:7", vec![]),
    ] {
        assert_eq!(seqs(recent.since(&at(place))), after, "{place}");
    }
}

#[test]
fn what_is_older_than_what_is_remembered_is_unknown() {
    let recent = interleaved();
    for place in ["3:3:", "3:9:3,7,8", "2:4:2"] {
        assert!(matches!(recent.since(&at(place)), Since::Unknown | Since::Ahead), "{place}");
    }
    assert!(matches!(recent.since(&at("3:4:3")), Since::Unknown));
    assert!(matches!(Recent::default().since(&at("4:4:")), Since::Unknown));
}

#[test]
fn a_place_that_has_more_is_ahead() {
    let recent = interleaved();
    for place in ["8:8:", "9:9:", "7:10:7,8"] {
        assert!(matches!(recent.since(&at(place)), Since::Ahead), "{place}");
    }
    let part = |snapshot: &str| Part { snapshot: snapshot.parse().unwrap(), last: 3 };
    let within = |snapshot| Cursor { part: Some(part(snapshot)), ..Cursor::clone(&at("6:6:")) };
    assert!(matches!(recent.since(&within("8:8:")), Since::Ahead));
    assert_eq!(seqs(recent.since(&within("7:7:"))), [12]);
}

#[test]
fn another_era_is_unknown() {
    let era = Era { epoch: 2, timeline: 1 };
    let other = Cursor { era, ..Cursor::clone(&at("6:6:")) };
    assert!(matches!(interleaved().since(&other), Since::Unknown));
}

#[test]
fn what_may_be_lost_in_a_crash_is_known_only_within_the_same_life() {
    let mut recent = Recent::default();
    recent.commit(&living("4:4:", 1));
    recent.push([change(1, 4, 1)].into());
    recent.commit(&living("5:5:", 1));
    recent.push([change(2, 5, 1)].into());
    recent.commit(&living("6:6:", 2));
    recent.push([change(3, 6, 1)].into());
    recent.commit(&at("7:7:"));
    assert_eq!(seqs(recent.since(&living("4:4:", 1))), [1, 2, 3]);
    assert_eq!(seqs(recent.since(&living("5:5:", 1))), [2, 3]);
    assert!(matches!(recent.since(&living("6:6:", 1)), Since::Unknown));
    assert_eq!(seqs(recent.since(&living("6:6:", 2))), [3]);
    assert!(matches!(recent.since(&living("7:7:", 2)), Since::Unknown));
    assert_eq!(seqs(recent.since(&at("7:7:"))), [0; 0]);
}

#[test]
fn commits_without_changes_move_the_end_alone() {
    let mut recent = interleaved();
    recent.commit(&at("9:9:"));
    let Since::Tail(tail) = recent.since(&at("6:6:")) else { panic!() };
    assert_eq!((tail.batches.len(), &tail.end), (1, &at("9:9:")));
    let Since::Tail(tail) = recent.since(&at("8:8:")) else { panic!() };
    assert!(tail.is_empty());
}

#[test]
fn the_oldest_batches_go_first_and_whole() {
    let cost = cost_bytes(&change(1, 1, 100));
    let mut recent = Recent::new(4 * cost);
    recent.commit(&at("4:4:"));
    batch(&mut recent, 1..=2, 4, "5:5:");
    batch(&mut recent, 3..=4, 5, "6:6:");
    assert_eq!(seqs(recent.since(&at("4:4:"))), [1, 2, 3, 4]);
    batch(&mut recent, 5..=5, 6, "7:7:");
    assert!(matches!(recent.since(&at("4:4:")), Since::Unknown));
    assert_eq!(seqs(recent.since(&at("5:5:"))), [3, 4, 5]);
}

#[test]
fn a_batch_that_is_too_large_is_forgotten_with_all_before_it() {
    let cost = cost_bytes(&change(1, 1, 100));
    let mut recent = Recent::new(4 * cost);
    recent.commit(&at("4:4:"));
    batch(&mut recent, 1..=1, 4, "5:5:");
    for seq in 2..=6 {
        recent.push([change(seq, 5, 100)].into());
    }
    assert!(recent.open.chunks.is_empty());
    recent.commit(&at("6:6:"));
    assert!(matches!(recent.since(&at("5:5:")), Since::Unknown));
    batch(&mut recent, 7..=7, 6, "7:7:");
    assert_eq!(seqs(recent.since(&at("6:6:"))), [7]);
}

#[test]
fn nothing_is_remembered_over_a_reset() {
    let mut recent = interleaved();
    recent.push([change(20, 8, 1)].into());
    recent.clear();
    assert!(matches!(recent.since(&at("6:6:")), Since::Unknown));
    recent.commit(&at("9:9:"));
    assert_eq!(seqs(recent.since(&at("9:9:"))), [0; 0]);
}
