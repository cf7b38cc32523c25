//! Which places are told, and as what.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, UNIX_EPOCH};

use super::at_random::Stage;
use super::world::ORDERS;
use crate::changelog::Reading;
use crate::cursor::Cursor;
use crate::event::{Change, Op, RowText, Seq};
use crate::policy;
use crate::shape::hub::Input;
use crate::shape::reader::At;
use crate::wire::Format;

/// A stage with one connection, which has heard what there was to hear.
fn joined(is_merged: bool) -> Stage {
    let mut stage = Stage::new(1);
    let at = stage.connect_as(None);
    stage.subscribe_with(at, false, is_merged, None);
    heard(&mut stage);
    stage
}

/// What it is sent.
fn heard(stage: &mut Stage) -> String {
    let (mut cx, mut taken) = (Context::from_waker(std::task::Waker::noop()), VecDeque::new());
    while stage.clients[0].inbox.poll_take(&mut cx, &mut taken).is_ready() {}
    let texts = taken.into_iter().map(|delivery| delivery.into_bytes().to_vec());
    texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

fn sight(stage: &Stage) -> Option<u32> {
    let told: Cursor = stage.hub.place.as_ref().unwrap().cursor().parse().unwrap();
    told.sight
}

/// A row that doesn't look like its table.
fn odd() -> Change {
    let json = r#"{"v":1,"id":1,"customer":7}"#.to_owned();
    let new = Some(RowText { json, key_only: false });
    let (seq, table, op) = (Seq(1), ORDERS, Op::Insert);
    Change { seq, txid: 1, table, op, old: None, new, at: UNIX_EPOCH, origin: None }
}

#[tokio::test]
async fn a_place_behind_what_is_held_back_isnt_to_be_gone_on_from() {
    let mut stage = joined(false);
    let (served, place) = (Some(stage.tables.get().sight()), Arc::clone(&stage.place));
    assert_eq!(sight(&stage), served);
    stage.hub.handle(Input::Reading(Reading::Changes(vec![odd()])));
    stage.hub.handle(Input::Reading(Reading::Commit(Cursor::clone(&place))));
    assert!(sight(&stage).is_some() && sight(&stage) != served);
    // It falls behind before somebody has looked.
    let reader = stage.clients[0].id;
    stage.hub.readership.registry.move_to(reader, 0, At::Behind(place));
    let state = policy::State { served: stage.tables.get(), looks: 1 };
    stage.hub.handle(Input::Renewed(state));
    assert_eq!(sight(&stage), served);
    let heard = heard(&mut stage);
    assert!(heard.contains("\"op\":\"reset\""), "{heard}");
}

#[tokio::test]
async fn who_wants_few_deliveries_is_told_the_place_too_when_there_is_no_news() {
    let mut stage = joined(true);
    stage.hub.handle(Input::Tick);
    assert_eq!(heard(&mut stage), "");
    let reader = stage.clients[0].id;
    let reader = stage.hub.readership.registry.readers.get_mut(&reader).unwrap();
    reader.last_commit = reader.last_commit.checked_sub(Duration::from_secs(60)).unwrap();
    stage.hub.handle(Input::Tick);
    assert!(heard(&mut stage).contains("\"op\":\"commit\""));
    stage.hub.handle(Input::Tick);
    assert_eq!(heard(&mut stage), "");
}

#[tokio::test]
async fn an_event_stream_that_lacks_rows_is_told_no_place() {
    let mut stage = Stage::new(1);
    let at = stage.connect_as(None);
    stage.subscribe_with(at, true, false, None);
    heard(&mut stage);
    let id = stage.clients[0].id;
    let reader = stage.hub.readership.registry.readers.get_mut(&id).unwrap();
    (reader.format, reader.owes_commit) = (Format::EventStream, true);
    stage.hub.bring_on(id);
    assert_eq!(heard(&mut stage), "");
    assert!(stage.hub.readership.registry.readers[&id].owes_commit);
}
