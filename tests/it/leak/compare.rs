//! What came against what must have come.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::frames::Heard;
use super::model::{Expected, Told, told};
use crate::random::Object;
use crate::random::Table;

/// The log's number of each change of the test's own: the same for everybody.
#[derive(Default)]
pub struct Seqs {
    by_change: HashMap<i64, i64>,
    by_seq: HashMap<i64, i64>,
}

/// What is wrong with what a subscription heard; nothing, if all is as it must be.
pub fn differences(
    table: &Table,
    heard: &Heard,
    expected: &[Expected<'_>],
    seqs: &mut Seqs,
) -> Vec<String> {
    let mut wrong: Vec<String> =
        heard.stray.iter().map(|text| format!("not expected at all: {text}")).collect();
    let mut came: BTreeMap<String, Vec<(usize, &Object)>> = BTreeMap::new();
    for (batch, event) in &heard.events {
        came.entry(event.text("tx")).or_default().push((*batch, event));
    }
    let mut due: BTreeMap<&str, Vec<&Expected<'_>>> = BTreeMap::new();
    for one in expected {
        due.entry(&one.change.tx).or_default().push(one);
    }
    let txs: BTreeSet<&str> = due.keys().copied().chain(came.keys().map(String::as_str)).collect();
    for tx in txs {
        let (came, due) = (came.get(tx), due.get(tx));
        let (came, due) = (came.map_or(&[][..], Vec::as_slice), due.map_or(&[][..], Vec::as_slice));
        wrong.extend(of_transaction(tx, came, due, seqs));
    }
    if wrong.is_empty() && !table.deferrable {
        wrong.extend(out_of_order(heard, seqs));
    }
    wrong
}

fn of_transaction(
    tx: &str,
    came: &[(usize, &Object)],
    due: &[&Expected<'_>],
    seqs: &mut Seqs,
) -> Option<String> {
    let told: Vec<Told> = came.iter().map(|(_, event)| told(event)).collect();
    if !told.iter().eq(due.iter().map(|one| &one.told)) {
        let at = told.iter().zip(due).take_while(|(came, due)| **came == due.told).count();
        let (came, due) = (came.get(at).map(|it| it.1), due.get(at));
        return Some(format!(
            "transaction {tx}, event {at}\n  got      {}\n  expected {}\n  of       {}",
            came.map_or("nothing".to_owned(), |it| format!("{it:?}")),
            due.map_or("nothing".to_owned(), |it| format!("{:?}", it.told)),
            due.map_or(String::new(), |it| format!("{:?}", it.change)),
        ));
    }
    if came.windows(2).any(|two| two[0].0 != two[1].0) {
        return Some(format!("transaction {tx} came in several batches"));
    }
    came.iter().zip(due).find_map(|((_, event), due)| seqs.learn(event, due.change.n))
}

impl Seqs {
    fn learn(&mut self, event: &Object, n: i64) -> Option<String> {
        let seq: i64 = event.get("seq").parse().ok()?;
        let is_time = event.text("at").ends_with('Z');
        let same = *self.by_change.entry(n).or_insert(seq) == seq
            && *self.by_seq.entry(seq).or_insert(n) == n;
        (!same || !is_time).then(|| format!("seq or at are wrong: change {n}, {event:?}"))
    }
}

/// Per key, changes come in the order in which they were made.
fn out_of_order(heard: &Heard, seqs: &Seqs) -> Option<String> {
    let mut last: HashMap<&str, i64> = HashMap::new();
    heard.events.iter().find_map(|(_, event)| {
        let Some(&n) = event.get("seq").parse().ok().and_then(|seq: i64| seqs.by_seq.get(&seq))
        else {
            return Some(format!("an event without a change: {event:?}"));
        };
        let before = last.insert(event.get("key"), n);
        let is_late = event.get("key") != "null" && before.is_some_and(|before| before > n);
        is_late.then(|| format!("out of order: {event:?}"))
    })
}

/// The words of the test's own that are in a text.
pub fn canaries(text: &str) -> BTreeSet<&str> {
    let found = text.match_indices("canary-").map(|(at, word)| {
        let rest = &text[at + word.len()..];
        let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        &text[at..at + word.len() + digits]
    });
    found.collect()
}
