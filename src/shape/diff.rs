//! What a feed missed between a place that isn't far behind and the hub's: encoded once for all who are at the same place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::hub::Hub;
use super::recent::{Since, Tail};
use crate::catalog::TableId;
use crate::cursor::Cursor;
use crate::event::{Op, Rows};
use crate::policy::Case;
use crate::wire::{Batch, Commit, Feed, Format, Formats, Framed};

/// The most changes that the hub looks at for one feed.
const MAX_CHANGES: usize = 1_000;
/// The most changes that it looks at between two batches, for all.
const MAX_CHANGES_IN_ALL: usize = 20_000;
/// The same, in bytes: what it makes of them is kept until the next batch, and is put into an outbox in one piece.
const MAX_BYTES: usize = 1 << 20;
const MAX_BYTES_IN_ALL: usize = 16 << 20;

/// What lies between a place and the hub's.
#[derive(Debug)]
pub enum Missing {
    Nothing,
    /// These, with the commit behind them.
    Events(Framed),
    /// A row doesn't look like its table.
    TableChanged,
    /// Too much for the hub.
    Far(Tail),
    /// The hub isn't there yet.
    Ahead,
    /// That isn't remembered.
    Unknown,
}

/// What was found out at the hub's place.
#[derive(Debug, Default)]
pub struct Differences {
    known: HashMap<(Feed, Arc<Cursor>, Format), Found>,
    /// The tables of tails, by how many batches those have.
    tables: HashMap<usize, HashSet<TableId>>,
    looked_at: usize,
    looked_at_bytes: usize,
}

impl Differences {
    /// Whether the hub itself looks at what is missing. What is too much for it is brought from outside.
    fn takes(&mut self, tail: &Tail) -> bool {
        let (changes, bytes) = (tail.len(), tail.len_bytes());
        let all = (self.looked_at + changes, self.looked_at_bytes + bytes);
        let fits = changes <= MAX_CHANGES && bytes <= MAX_BYTES;
        let takes = fits && all.0 <= MAX_CHANGES_IN_ALL && all.1 <= MAX_BYTES_IN_ALL;
        if takes {
            (self.looked_at, self.looked_at_bytes) = all;
        }
        takes
    }
}

#[derive(Clone, Debug)]
enum Found {
    Nothing,
    Events(Framed),
    TableChanged,
}

impl From<Found> for Missing {
    fn from(found: Found) -> Self {
        match found {
            Found::Nothing => Self::Nothing,
            Found::Events(framed) => Self::Events(framed),
            Found::TableChanged => Self::TableChanged,
        }
    }
}

impl Hub {
    /// What a feed at this place lacks of what the hub has.
    pub(super) fn missing(
        &mut self,
        feed: Feed,
        format: Format,
        from: &Arc<Cursor>,
        place: &Commit,
    ) -> Missing {
        if from == place.place() {
            return Missing::Nothing;
        }
        let key = (feed, Arc::clone(from), format);
        if let Some(found) = self.differences.known.get(&key) {
            return found.clone().into();
        }
        let tail = match self.unread(from, place) {
            Missing::Far(tail) => tail,
            other => return other,
        };
        if !self.differences.takes(&tail) {
            return Missing::Far(tail);
        }
        let found = self.difference(feed, format, from, &tail, place);
        self.differences.known.insert(key, found.clone());
        found.into()
    }

    /// The same without looking at it.
    pub(super) fn unread(&self, from: &Arc<Cursor>, place: &Commit) -> Missing {
        if Arc::ptr_eq(from, place.place()) {
            return Missing::Nothing;
        }
        match self.recent.since(from) {
            Since::Tail(tail) if tail.is_empty() => Missing::Nothing,
            Since::Tail(tail) => Missing::Far(tail),
            Since::Ahead => Missing::Ahead,
            Since::Unknown => Missing::Unknown,
        }
    }

    fn difference(
        &mut self,
        feed: Feed,
        format: Format,
        from: &Cursor,
        tail: &Tail,
        place: &Commit,
    ) -> Found {
        let beliefs = self.doubts.beliefs();
        let Some(shape) = self.readership.registry.shapes.get(feed) else { return Found::Nothing };
        let view = &shape.key.view;
        let Some(table) = self.served.table(view.table_id()) else { return Found::TableChanged };
        let mut batch: Option<Batch> = None;
        let is_missing = |change: &&crate::event::Change| {
            change.table == view.table_id() && !from.has(change.txid, change.seq.0)
        };
        for change in tail.changes().filter(is_missing) {
            if change.op == Op::Reset {
                return Found::TableChanged;
            }
            let Ok(rows) = Rows::read(change, &table.table().columns) else {
                return Found::TableChanged;
            };
            if !beliefs.fit(&rows) {
                return Found::TableChanged;
            }
            let case = Case::new(&rows, table);
            for seen in view.see(&case) {
                batch.get_or_insert_with(|| shape.batch.another(feed)).push(&seen);
            }
        }
        let sealed = batch.map(|mut batch| batch.seal_all(only(format), place));
        match sealed.and_then(|sealed| sealed.format(format).cloned()) {
            Some(framed) => Found::Events(framed),
            None => Found::Nothing,
        }
    }

    /// Whether anything of this is of one of these tables.
    pub(super) fn concerns(&mut self, tail: &Tail, tables: &[TableId]) -> bool {
        let of_tail = || tail.changes().map(|change| change.table).collect();
        let known = self.differences.tables.entry(tail.batches.len()).or_insert_with(of_tail);
        tables.iter().any(|table| known.contains(table))
    }
}

fn only(format: Format) -> Formats {
    Formats {
        websocket: format == Format::WebSocket,
        event_stream: format == Format::EventStream,
        poll: format == Format::Poll,
    }
}
