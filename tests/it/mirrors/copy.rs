//! A copy of what somebody may see of a table, kept by the protocol's rules alone. Whatever they don't allow is said.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem;
use std::time::Instant;

use rowcast::cursor::Cursor;

use super::rules::{self, Rules};
use crate::random::Object;

/// How many of the last things that happened to a copy are shown when it is wrong.
const TRAIL: usize = 80;
const SHOWN_CHARS: usize = 320;

/// What a copy knows of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Known(Object),
    /// It came as `oversize`.
    Large,
}

pub type Rows = BTreeMap<String, Row>;

/// What the protocol doesn't allow.
pub type Fault = String;

pub struct Copy {
    pub name: String,
    pub rules: Rules,
    pub rows: Rows,
    /// Where it is, and since when it knows.
    pub cursor: Option<(String, Cursor, Instant)>,
    /// The columns that came with the last `subscribed`.
    pub columns: Option<String>,
    /// Events whose batch isn't complete.
    pending: Vec<Object>,
    /// A place within a batch, and how many of the pending events are before it.
    part: Option<(String, usize)>,
    /// The rows of a snapshot that isn't complete.
    fresh: Option<Rows>,
    /// What has come since the last rows, by `seq`: the event, its key, and whether there were two.
    seqs: HashMap<i64, (String, String, bool)>,
    pub events: u64,
    pub snapshot_rows: u64,
    trail: VecDeque<String>,
    began: Instant,
}

impl Copy {
    pub fn new(name: String, rules: Rules, began: Instant) -> Self {
        Self {
            name,
            rules,
            rows: Rows::new(),
            cursor: None,
            columns: None,
            pending: Vec::new(),
            part: None,
            fresh: None,
            seqs: HashMap::new(),
            events: 0,
            snapshot_rows: 0,
            trail: VecDeque::new(),
            began,
        }
    }

    /// Where to go on.
    pub fn place(&self) -> Option<String> {
        let committed = self.cursor.as_ref().map(|cursor| cursor.0.clone());
        self.part.as_ref().map(|part| part.0.clone()).or(committed)
    }

    pub fn has_passed(&self, tx: u64, since: Instant) -> bool {
        self.cursor.as_ref().is_some_and(|it| it.2 > since && it.1.snapshot.has_seen(tx))
    }

    pub fn note(&mut self, what: &str) {
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        let what: String = what.chars().take(SHOWN_CHARS).collect();
        self.trail.push_back(format!("{:>8} {what}", self.began.elapsed().as_millis()));
    }

    pub fn trail(&self) -> String {
        let lines: Vec<_> = self.trail.iter().map(String::as_str).collect();
        format!("what happened to {}:\n  {}", self.name, lines.join("\n  "))
    }

    /// The connection is gone: what has no end comes again.
    pub fn broke_off(&mut self, why: &str) {
        self.note(&format!("broke off: {why}"));
        self.pending.truncate(self.part.as_ref().map_or(0, |part| part.1));
        self.fresh = None;
    }

    /// What has come has no continuation.
    pub fn reset(&mut self, reason: &str) {
        self.note(&format!("reset: {reason}"));
        self.forget();
    }

    /// The next rows replace all others.
    pub fn forget(&mut self) {
        (self.cursor, self.part, self.fresh) = (None, None, None);
        self.pending.clear();
    }

    pub fn add_rows(&mut self, rows: Vec<Object>) -> Result<(), Fault> {
        self.note(&format!("{} rows", rows.len()));
        self.snapshot_rows += rows.len() as u64;
        let mut fresh = self.fresh.take().unwrap_or_default();
        for row in rows {
            let key = self.rules.key_of(&row)?;
            if fresh.insert(key, Row::Known(row.clone())).is_some() {
                return Err(format!("a row comes twice in a snapshot: {row:?}"));
            }
        }
        self.fresh = Some(fresh);
        Ok(())
    }

    pub fn synced(&mut self, cursor: &str) -> Result<(), Fault> {
        self.note(&format!("synced {}", shown(cursor)));
        self.rows = self.fresh.take().unwrap_or_default();
        self.seqs.clear();
        self.pending.clear();
        self.part = None;
        self.arrive(cursor)?;
        self.rules.check_state(&self.rows)
    }

    pub fn push(&mut self, event: Object) -> Result<(), Fault> {
        self.note(&format!("event {}", brief(&event)));
        self.rules.check_form(&event)?;
        self.events += 1;
        self.pending.push(event);
        Ok(())
    }

    /// The place of an answer to a poll that ends within a batch.
    pub fn reach_part(&mut self, cursor: &str) {
        self.note(&format!("a part, to {}", shown(cursor)));
        self.part = Some((cursor.to_owned(), self.pending.len()));
    }

    /// All that has come is complete.
    pub fn commit(&mut self, cursor: &str) -> Result<(), Fault> {
        if !self.pending.is_empty() {
            self.note(&format!("commit {}", shown(cursor)));
        }
        self.part = None;
        for event in mem::take(&mut self.pending) {
            self.learn_seq(&event)?;
            rules::apply(&self.rules, &mut self.rows, &event)?;
        }
        self.arrive(cursor)?;
        self.rules.check_state(&self.rows)
    }

    /// A change comes once; one of the key as two events.
    fn learn_seq(&mut self, event: &Object) -> Result<(), Fault> {
        let fault = || format!("the seq is wrong: {}", brief(event));
        let seq: i64 = event.get("seq").parse().map_err(|_| fault())?;
        let kind = event.text("event");
        let key = event.get("key").to_owned();
        let twice = match self.seqs.get(&seq) {
            None => false,
            // Merged with an earlier change of the row that has the new key, the second one may be an update.
            Some((before, of, false))
                if *of != key
                    && (before == "removed" && kind == "created" || self.rules.merges) =>
            {
                true
            }
            Some(_) => return Err(format!("a change comes again: {}", brief(event))),
        };
        self.seqs.insert(seq, (kind, key, twice));
        Ok(())
    }

    fn arrive(&mut self, cursor: &str) -> Result<(), Fault> {
        let place = cursor.parse().map_err(|error| format!("{error}: {cursor}"))?;
        self.cursor = Some((cursor.to_owned(), place, Instant::now()));
        Ok(())
    }
}

/// A cursor as people read it.
fn shown(cursor: &str) -> String {
    match cursor.parse::<Cursor>() {
        Ok(cursor) => format!("{cursor:?}").replace("Snapshot ", "").replace("Cursor ", ""),
        Err(_) => format!("not a cursor: {cursor}"),
    }
}

pub fn brief(event: &Object) -> String {
    let text = event.0.iter().map(|(name, value)| format!("{name}={value}"));
    let mut parts: Vec<_> = text.map(|it| it.chars().take(120).collect::<String>()).collect();
    parts.sort_by_key(|part| !(part.starts_with("event=") || part.starts_with("key=")));
    parts.join(" ")
}
