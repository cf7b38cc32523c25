use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::catalog::{Catalog, Column, Table, TableId};
use crate::changelog::ResetReason;
use crate::cursor::{Cursor, Era};
use crate::event::{Change, Op, RowText, Rows, Seq};
use crate::identity::Claims;
use crate::policy::{Case, Request, Served, TableSettings};

const MAX_ROW_BYTES: usize = 60;

fn served(hide: &[&str], key: &[&str]) -> Served {
    let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let column = |name: &str| Column::built_in(1, name, "text");
    let table = Table {
        id: TableId(1),
        schema: "public".to_owned(),
        name: "t\"t".to_owned(),
        listed_as: "t\"t".to_owned(),
        columns: ["k", "a", "b"].map(column).into(),
        key: strings(key),
    };
    let catalog = Catalog { tables: HashMap::from([(table.id, Arc::new(table))]) };
    let settings = TableSettings { hide: strings(hide), ..TableSettings::open_to_all("t\"t") };
    Served::bind(&catalog, &[settings], MAX_ROW_BYTES).unwrap()
}

/// The JSON of a change's events, without what all of them end with.
fn events(
    served: &Served,
    with_old: bool,
    op: Op,
    old: Option<RowText>,
    new: Option<RowText>,
) -> Vec<String> {
    let change = Change {
        seq: Seq(7),
        txid: 9,
        table: TableId(1),
        op,
        old,
        new,
        at: UNIX_EPOCH + Duration::from_micros(5),
        origin: Some("me \"too\"".to_owned()),
    };
    let view = served.view(&Request::whole("t\"t"), &Claims::default()).unwrap();
    let encoder = event::Encoder::new(&view, with_old);
    let table = served.table(TableId(1)).unwrap();
    let rows = Rows::read(&change, &table.table().columns).unwrap();
    let case = Case::new(&rows, table);
    let common = r#","seq":7,"tx":"9","at":"1970-01-01T00:00:00.000005Z","origin":"me \"too\""}"#;
    view.see(&case)
        .map(|seen| {
            let mut out = Vec::new();
            encoder.write(&mut out, &seen);
            let text = String::from_utf8(out).unwrap();
            text.strip_suffix(common).unwrap_or_else(|| panic!("{text}")).to_owned()
        })
        .collect()
}

fn row(json: &str) -> Option<RowText> {
    Some(RowText { json: json.to_owned(), key_only: false })
}

fn key_only(json: &str) -> Option<RowText> {
    Some(RowText { json: json.to_owned(), key_only: true })
}

const HEAD: &str = r#""table":"t\"t","key":"#;

#[test]
fn rows_are_copied_as_they_are_written() {
    let all = served(&[], &["k"]);
    let text = "{\"k\":1,\n \"a\":{\"x\":1,\"x\":1.10},\"b\":null}";
    let expected = format!(r#"{{"event":"created",{HEAD}{{"k":1}},"data":{text}"#);
    assert_eq!(events(&all, false, Op::Insert, None, row(text)), [expected]);
}

#[test]
fn updates_tell_what_changed_and_what_was() {
    let all = served(&[], &["k"]);
    let (old, new) = (r#"{"k":1,"a":1,"b":2}"#, r#"{"k":1,"a":1.0,"b":2}"#);
    let patched = format!(r#"{{"event":"patched",{HEAD}{{"k":1}},"data":{new},"changed":["a"]"#);
    let with_old = format!(r#"{patched},"old":{old}"#);
    assert_eq!(events(&all, false, Op::Update, row(old), row(new)), [patched]);
    assert_eq!(events(&all, true, Op::Update, row(old), row(new)), [with_old]);
    assert_eq!(events(&all, true, Op::Update, row(old), row(old)), [""; 0]);
}

#[test]
fn a_key_change_removes_and_creates() {
    let all = served(&[], &["k"]);
    let (old, new) = (r#"{"k":1,"a":1,"b":2}"#, r#"{"k":2,"a":1,"b":2}"#);
    let removed = format!(r#"{{"event":"removed",{HEAD}{{"k":1}},"data":{old}"#);
    let created = format!(r#"{{"event":"created",{HEAD}{{"k":2}},"data":{new}"#);
    assert_eq!(events(&all, false, Op::Update, row(old), row(new)), [removed, created]);
}

#[test]
fn what_is_hidden_is_nowhere() {
    let some = served(&["b"], &["k"]);
    let rows = [r#"{"k":1,"a":1,"b":2}"#, r#"{"k":1,"a":1,"b":3}"#, r#"{"k":1,"a":2,"b":4}"#];
    assert_eq!(events(&some, true, Op::Update, row(rows[0]), row(rows[1])), [""; 0]);
    let expected = format!(
        r#"{{"event":"patched",{HEAD}{{"k":1}},"data":{{"k":1,"a":2}},"changed":["a"],"old":{{"k":1,"a":1}}"#
    );
    assert_eq!(events(&some, true, Op::Update, row(rows[1]), row(rows[2])), [expected]);
}

#[test]
fn a_column_that_the_catalog_does_not_know_is_not_shown() {
    let all = served(&[], &["k"]);
    let new = row(r#"{"k":1,"a":1,"b":2,"added":3}"#);
    let expected = format!(r#"{{"event":"created",{HEAD}{{"k":1}},"data":{{"k":1,"a":1,"b":2}}"#);
    assert_eq!(events(&all, false, Op::Insert, None, new), [expected]);
}

#[test]
fn rows_without_a_key_have_none() {
    let keyless = served(&[], &[]);
    let expected = format!(r#"{{"event":"removed",{HEAD}null,"data":{{"a":1}}"#);
    assert_eq!(events(&keyless, false, Op::Delete, row(r#"{"a":1}"#), None), [expected]);
    let truncated = format!(r#"{{"event":"truncated",{HEAD}null"#);
    assert_eq!(events(&keyless, true, Op::Truncate, None, None), [truncated]);
}

#[test]
fn what_is_too_large_comes_by_its_key() {
    let all = served(&[], &["k"]);
    let small = r#"{"k":1,"a":1,"b":1}"#;
    let large = format!(r#"{{"k":1,"a":"{}","b":1}}"#, "x".repeat(MAX_ROW_BYTES));
    let by_key = |event: &str| format!(r#"{{"event":"{event}",{HEAD}{{"k":1}},"oversize":true"#);
    let insert = |new| events(&all, true, Op::Insert, None, new);
    let update = |old, new| events(&all, true, Op::Update, old, new);
    assert_eq!(insert(row(&large)), [by_key("created")]);
    assert_eq!(insert(key_only(r#"{"k":1}"#)), [by_key("created")]);
    let changed = format!(r#"{},"changed":["a"],"old":{small}"#, by_key("patched"));
    assert_eq!(update(row(small), row(&large)), [changed]);
    let unknown = format!(r#"{},"old":{small}"#, by_key("patched"));
    assert_eq!(update(row(small), key_only(r#"{"k":1}"#)), [unknown]);
    assert_eq!(update(key_only(r#"{"k":1}"#), key_only(r#"{"k":1}"#)), [by_key("patched")]);
    let shrunk = format!(r#"{{"event":"patched",{HEAD}{{"k":1}},"data":{small},"changed":["a"]"#);
    assert_eq!(update(row(&large), row(small)), [shrunk]);
    let narrow = served(&["a"], &["k"]);
    let seen = events(&narrow, false, Op::Insert, None, row(&large));
    assert_eq!(seen, [format!(r#"{{"event":"created",{HEAD}{{"k":1}},"data":{{"k":1,"b":1}}"#)]);
}

fn batch_of(ids: std::ops::Range<usize>) -> Batch {
    let served = served(&[], &["k"]);
    let view = served.view(&Request::whole("t\"t"), &Claims::default()).unwrap();
    let mut batch = Batch::new(Feed(3), &view, false);
    add(&mut batch, ids);
    batch
}

fn add(batch: &mut Batch, ids: std::ops::Range<usize>) {
    let served = served(&[], &["k"]);
    let view = served.view(&Request::whole("t\"t"), &Claims::default()).unwrap();
    for id in ids {
        let change = Change {
            seq: Seq(id as i64),
            txid: 9,
            table: TableId(1),
            op: Op::Insert,
            old: None,
            new: row(&format!(r#"{{"k":{id}}}"#)),
            at: UNIX_EPOCH,
            origin: None,
        };
        let table = served.table(TableId(1)).unwrap();
        let rows = Rows::read(&change, &table.table().columns).unwrap();
        view.see(&Case::new(&rows, table)).for_each(|seen| batch.push(&seen));
    }
}

fn commit() -> Commit {
    let era = Era { epoch: 1, timeline: 1 };
    Commit::new(Arc::new(Cursor::new(era, "5:5:".parse().unwrap())))
}

/// Unframes text frames: header and payload by RFC 6455, section 5.2.
fn payloads(mut bytes: &[u8]) -> Vec<serde_json::Value> {
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
    assert!(bytes.is_empty(), "{bytes:?}");
    found
}

const BOTH: Formats = Formats { websocket: true, event_stream: true, poll: false };
const POLL: Formats = Formats { websocket: false, event_stream: false, poll: true };

/// A change of the key, which is two events of one `seq`.
fn move_row(batch: &mut Batch, seq: i64) {
    let served = served(&[], &["k"]);
    let view = served.view(&Request::whole("t\"t"), &Claims::default()).unwrap();
    let change = Change {
        seq: Seq(seq),
        txid: 9,
        table: TableId(1),
        op: Op::Update,
        old: row(&format!(r#"{{"k":{seq}}}"#)),
        new: row(&format!(r#"{{"k":-{seq}}}"#)),
        at: UNIX_EPOCH,
        origin: None,
    };
    let table = served.table(TableId(1)).unwrap();
    let rows = Rows::read(&change, &table.table().columns).unwrap();
    view.see(&Case::new(&rows, table)).for_each(|seen| batch.push(&seen));
}

/// The `seq`s of the pieces' events.
fn seqs_of(delivery: Delivery) -> Vec<i64> {
    let seqs = |piece| match piece {
        poll::Piece::Events(events) => {
            let json = format!("[{}]", std::str::from_utf8(&events.json).unwrap());
            let listed: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
            let each: Vec<serde_json::Value> =
                events.each().map(|(_, event)| serde_json::from_slice(&event).unwrap()).collect();
            assert_eq!((each, events.count()), (listed.clone(), listed.len()));
            let seqs: Vec<i64> = events.each().map(|(seq, _)| seq.0).collect();
            let told: Vec<i64> = listed.iter().map(|of| of["seq"].as_i64().unwrap()).collect();
            assert_eq!(seqs, told);
            seqs
        }
        _ => Vec::new(),
    };
    poll::pieces(delivery).flat_map(seqs).collect()
}

#[test]
fn a_polls_pieces_are_taken_apart_as_they_were_put_together() {
    let sealed = batch_of(1..2_501).seal_all(POLL, &commit());
    let framed = sealed.format(Format::Poll).unwrap();
    assert_eq!(seqs_of(framed.without_commit()), (1..2_501).collect::<Vec<_>>());
    let last = poll::pieces(framed.with_commit()).last().unwrap();
    assert_eq!(last, poll::Piece::Commit(commit().cursor().to_owned().into()));
    let pieces = |delivery| poll::pieces(delivery).collect::<Vec<_>>();
    for cause in [ResetCause::CursorExpired, ResetCause::Failover, ResetCause::TableChanged] {
        assert_eq!(pieces(reset(Format::Poll, Feed(1), cause)), [poll::Piece::Reset(cause)]);
    }
    for code in Code::ALL {
        let refusal = Refusal { position: Some(3), ..Refusal::new(code, "no \u{e4}") };
        assert_eq!(pieces(poll::refused(&refusal)), [poll::Piece::Refused(refusal)]);
    }
    let cut = Delivery::from(framed.without_commit().into_bytes()[..100].to_vec());
    assert_eq!(pieces(cut), []);
}

#[test]
fn the_events_of_one_change_are_never_parted() {
    let mut batch = batch_of(0..0);
    move_row(&mut batch, 1);
    assert!(batch.seal_some(POLL).is_none());
    move_row(&mut batch, 2);
    let some = batch.seal_some(POLL).unwrap();
    assert_eq!(seqs_of(some.format(Format::Poll).unwrap().without_commit()), [1, 1]);
    let rest = batch.seal_all(POLL, &commit());
    assert_eq!(seqs_of(rest.format(Format::Poll).unwrap().without_commit()), [2, 2]);
}

#[test]
fn rows_are_framed_as_they_are() {
    let served = served(&[], &["k"]);
    let view = served.view(&Request::whole("t\"t"), &Claims::default()).unwrap();
    let chunk = Bytes::from_static(b"{\"k\":1.10},\n{\"k\":2}");
    let frame = rows(Format::WebSocket, Feed(17), &chunk).into_bytes();
    let text = String::from_utf8_lossy(&frame[2..]).into_owned();
    let expected = "{\"op\":\"rows\",\"feed\":17,\"rows\":[{\"k\":1.10},\n{\"k\":2}]}";
    assert_eq!((text.as_str(), usize::from(frame[1])), (expected, expected.len()));
    let block = rows(Format::EventStream, Feed(17), &chunk).into_bytes();
    let expected = "event: snapshot\ndata: {\"rows\":[{\"k\":1.10}, {\"k\":2}]}\n\n";
    assert_eq!(String::from_utf8_lossy(&block), expected);
    let frame = synced(Format::WebSocket, Feed(17), &view, "abc").into_bytes();
    let expected = serde_json::json!({"op": "synced", "feed": 17, "cursor": "abc"});
    assert_eq!(payloads(&frame), [expected]);
    let block = synced(Format::EventStream, Feed(17), &view, "abc").into_bytes();
    let expected = "event: synced\nid: abc\ndata: {\"key\":[\"k\"],\"cursor\":\"abc\"}\n\n";
    assert_eq!(String::from_utf8_lossy(&block), expected);
    let large = Bytes::from(format!("\"{}\"", "x".repeat(70_000)));
    let frame = rows(Format::WebSocket, Feed(1), &large).into_bytes();
    assert_eq!(payloads(&frame)[0]["rows"][0].as_str().map(str::len), Some(70_000));
}

fn keys(message: &serde_json::Value) -> Vec<u64> {
    let events = message["events"].as_array().unwrap();
    events.iter().map(|event| event["key"]["k"].as_u64().unwrap()).collect()
}

#[test]
fn frames_of_every_length_are_well_formed() {
    for count in [1, 2, 500, 5_000] {
        let sealed = batch_of(0..count).seal_all(BOTH, &commit());
        let framed = sealed.format(Format::WebSocket).unwrap();
        let messages = payloads(&framed.with_commit().into_bytes());
        assert_eq!((&messages[0]["op"], &messages[0]["feed"]), (&"events".into(), &3.into()));
        assert_eq!(keys(&messages[0]).len(), count);
        assert_eq!(messages[1], serde_json::json!({"op": "commit", "cursor": commit().cursor()}));
        assert_eq!(payloads(&framed.without_commit().into_bytes()), messages[..1]);
    }
}

#[test]
fn the_newest_change_is_held_back_until_the_end() {
    let mut batch = batch_of(0..1);
    assert!(batch.seal_some(BOTH).is_none());
    add(&mut batch, 1..4);
    let some = batch.seal_some(BOTH).unwrap();
    let bytes = some.format(Format::WebSocket).unwrap().with_commit().into_bytes();
    assert_eq!(keys(&payloads(&bytes)[0]), [0, 1, 2]);
    let stream = some.format(Format::EventStream).unwrap().with_commit().into_bytes();
    assert!(!String::from_utf8_lossy(&stream).contains("id: "));
    add(&mut batch, 4..5);
    let rest = batch.seal_all(BOTH, &commit());
    let bytes = rest.format(Format::WebSocket).unwrap().with_commit().into_bytes();
    assert_eq!(keys(&payloads(&bytes)[0]), [3, 4]);
    let stream = rest.format(Format::EventStream).unwrap().with_commit().into_bytes();
    let text = String::from_utf8(stream.to_vec()).unwrap();
    let blocks: Vec<_> = text.split_terminator("\n\n").collect();
    assert!(blocks[0].starts_with("event: created\ndata: {"), "{text}");
    assert!(blocks[1].starts_with(&format!("event: created\nid: {}\ndata: {{", commit().cursor())));
    assert!(batch.is_empty());
}

#[test]
fn a_reset_forgets_what_was_gathered() {
    let mut batch = batch_of(0..3);
    batch.reset(ResetReason::Failover.into());
    add(&mut batch, 7..8);
    let sealed = batch.seal_all(BOTH, &commit());
    let messages = payloads(&sealed.format(Format::WebSocket).unwrap().with_commit().into_bytes());
    assert_eq!(messages[0], serde_json::json!({"op": "reset", "feed": 3, "reason": "failover"}));
    assert_eq!(keys(&messages[1]), [7]);
    batch.reset(ResetReason::CursorExpired.into());
    let sealed = batch.seal_all(BOTH, &commit());
    let stream = sealed.format(Format::EventStream).unwrap().with_commit().into_bytes();
    let expected = format!(
        "event: reset\ndata: {{\"reason\":\"cursor_expired\"}}\n\n\
         event: cursor\nid: {0}\ndata: {{\"cursor\":\"{0}\"}}\n\n",
        commit().cursor()
    );
    assert_eq!(String::from_utf8_lossy(&stream), expected);
}

#[test]
fn a_reason_that_is_too_long_is_cut_between_characters() {
    let frame = close(1008, &"ä".repeat(100)).into_bytes();
    assert_eq!((frame[0], usize::from(frame[1])), (0x88, frame.len() - 2));
    assert!(frame.len() <= 127 && std::str::from_utf8(&frame[4..]).is_ok());
}

#[test]
fn times_beyond_what_can_be_printed_do_not_panic() {
    for at in [UNIX_EPOCH - Duration::from_secs(1), UNIX_EPOCH + Duration::from_secs(u64::MAX >> 2)]
    {
        assert!(event::printable(at) >= UNIX_EPOCH);
    }
}
