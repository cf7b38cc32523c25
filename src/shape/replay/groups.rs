//! The shapes of one round, and what they see of its changes: readers of the same feed that come from the same place are one
//! group, for which everything is judged and encoded once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::merge::Merger;
use super::{Behind, CatchUp};
use crate::catalog::TableId;
use crate::cursor::Cursor;
use crate::event::{Change, Op, Rows};
use crate::policy::{Case, Served, ServedTable};
use crate::shape::ShapeKey;
use crate::shape::doubt::Beliefs;
use crate::shape::index::Index;
use crate::shape::recent::has_all_of;
use crate::wire::{Batch, Commit, Feed, Format, Formats, Sealed};

/// A group's events are framed when there are this many bytes of them. A buffer doubles as it grows, and is kept as it is until the
/// frame has been taken: a little more than a power of two would take twice the memory.
const FRAME_BYTES: usize = 240 << 10;
/// What all groups together may gather before it is framed.
const MAX_GATHERED_BYTES: usize = 4 << 20;
/// A commit may come between batches when a group has this many bytes of events since the last.
const COMMIT_BYTES: usize = if cfg!(test) { 256 } else { 64 << 10 };
/// What all sections together may hold back to be merged, in bytes. Past it, what was held back so far goes out, within the same
/// commit.
const MAX_MERGED_BYTES: usize = 16 << 20;

/// A round's groups.
#[derive(Debug)]
pub struct Groups {
    served: Arc<Served>,
    beliefs: Arc<Beliefs>,
    groups: Vec<Group>,
    by_key: HashMap<GroupKey, GroupId>,
    sections: Vec<Section>,
    /// Bytes gathered since all were last framed.
    gathered: usize,
    /// Bytes held back to be merged.
    merged: usize,
    full: Vec<GroupId>,
    /// Those that have enough for a commit, once the batch is complete.
    due: Vec<GroupId>,
    /// The groups that may see the change at hand; kept for its memory.
    candidates: Vec<Feed>,
}

/// Which group, of a round's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupId(pub usize);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct GroupKey {
    feed: Feed,
    shape: ShapeKey,
    place: Arc<Cursor>,
    merge: bool,
}

#[derive(Debug)]
struct Group {
    key: GroupKey,
    batch: Batch,
    formats: Formats,
    /// Rows of its table don't look like it any more: it gets nothing.
    table_changed: bool,
}

/// Groups that look at the same changes: all that aren't merged, or those that are merged from one place on.
#[derive(Debug, Default)]
struct Section {
    merging: Option<Merging>,
    by_table: HashMap<TableId, Index>,
}

#[derive(Debug)]
struct Merging {
    place: Arc<Cursor>,
    merger: Merger,
    /// Merged, and still to be looked at.
    ready: VecDeque<Change>,
}

impl Groups {
    /// What the readers are told that they were served.
    pub fn sight(&self) -> u32 {
        self.beliefs.sight_of(&self.served)
    }

    pub fn new(served: Arc<Served>, beliefs: Arc<Beliefs>) -> Self {
        Self {
            served,
            beliefs,
            groups: Vec::new(),
            by_key: HashMap::new(),
            sections: vec![Section::default()],
            gathered: 0,
            merged: 0,
            full: Vec::new(),
            due: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// The groups of a reader's feeds, in their order.
    pub fn enter(&mut self, catch_up: &CatchUp) -> Vec<GroupId> {
        catch_up.feeds.iter().map(|behind| self.group(behind, catch_up.format)).collect()
    }

    fn group(&mut self, behind: &Behind, format: Format) -> GroupId {
        let Behind { feed, key, place, merge } = behind.clone();
        let key = GroupKey { feed, shape: key, place, merge };
        let id = match self.by_key.get(&key) {
            Some(id) => *id,
            None => self.open(key),
        };
        let formats = &mut self.groups[id.0].formats;
        match format {
            Format::WebSocket => formats.websocket = true,
            Format::EventStream => formats.event_stream = true,
            Format::Poll => formats.poll = true,
        }
        id
    }

    fn open(&mut self, key: GroupKey) -> GroupId {
        let id = GroupId(self.groups.len());
        let (view, section) = (Arc::clone(&key.shape.view), self.section_of(&key));
        let index = self.sections[section].by_table.entry(view.table_id()).or_default();
        index.insert(id.into(), view.access());
        let batch = Batch::new(key.feed, &view, key.shape.with_old);
        self.by_key.insert(key.clone(), id);
        let formats = Formats::default();
        self.groups.push(Group { key, batch, formats, table_changed: false });
        id
    }

    fn section_of(&mut self, key: &GroupKey) -> usize {
        if !key.merge {
            return 0;
        }
        let merges_from =
            |of: &Section| of.merging.as_ref().is_some_and(|of| of.place == key.place);
        self.sections.iter().position(merges_from).unwrap_or_else(|| {
            let place = Arc::clone(&key.place);
            let (merger, ready) = (Merger::default(), VecDeque::new());
            let merging = Some(Merging { place, merger, ready });
            self.sections.push(Section { merging, ..Section::default() });
            self.sections.len() - 1
        })
    }

    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Passes the next change to those who don't have it.
    pub fn add(&mut self, change: &Change) {
        let mut sections = std::mem::take(&mut self.sections);
        for section in &mut sections {
            if section.wants(change) {
                self.add_to(section, change);
            }
        }
        self.sections = sections;
        if self.merged >= MAX_MERGED_BYTES {
            self.finish();
        }
    }

    fn add_to(&mut self, section: &mut Section, change: &Change) {
        let served = Arc::clone(&self.served);
        let table = served.table(change.table).filter(|_| change.op != Op::Reset);
        let rows = table.and_then(|table| Rows::read(change, &table.table().columns).ok());
        let (Some(table), Some(rows)) = (table, rows.filter(|rows| self.beliefs.fit(rows))) else {
            return self.table_changed(section, change);
        };
        match &mut section.merging {
            Some(Merging { merger, .. }) => {
                self.merged -= merger.len_bytes();
                merger.push(&rows, table);
                self.merged += merger.len_bytes();
            }
            None => self.see(section, &rows, table),
        }
    }

    /// Those who don't have the change start anew.
    fn table_changed(&mut self, section: &Section, change: &Change) {
        for feed in section.by_table.get(&change.table).into_iter().flat_map(Index::all) {
            let group = &mut self.groups[GroupId::from(feed).0];
            group.table_changed |= !group.has(change);
        }
    }

    fn see(&mut self, section: &Section, rows: &Rows<'_>, table: &ServedTable) {
        let Some(index) = section.by_table.get(&rows.change().table) else { return };
        let case = Case::new(rows, table);
        let mut candidates = std::mem::take(&mut self.candidates);
        match rows.change().op {
            Op::Truncate => candidates.extend(index.all()),
            _ => index.find(&case, &mut candidates),
        }
        for id in candidates.drain(..).map(GroupId::from) {
            let group = &mut self.groups[id.0];
            if group.table_changed || (section.merging.is_none() && group.has(rows.change())) {
                continue;
            }
            let before = group.batch.len_bytes();
            let view = Arc::clone(&group.key.shape.view);
            view.see(&case).for_each(|seen| group.batch.push(&seen));
            let after = group.batch.len_bytes();
            if after >= FRAME_BYTES && before < FRAME_BYTES {
                self.full.push(id);
            }
            if after >= COMMIT_BYTES && before < COMMIT_BYTES {
                self.due.push(id);
            }
            self.gathered += after - before;
        }
        self.candidates = candidates;
    }

    /// Looks at merged changes, at most so many of each section. False if there are none.
    pub fn see_merged(&mut self, most: usize) -> bool {
        let mut sections = std::mem::take(&mut self.sections);
        let served = Arc::clone(&self.served);
        let mut any = false;
        for section in &mut sections {
            for _ in 0..most {
                let next = section.merging.as_mut().and_then(|of| of.ready.pop_front());
                let Some(change) = next else { break };
                any = true;
                let Some(table) = served.table(change.table) else { continue };
                match Rows::read(&change, &table.table().columns) {
                    Ok(rows) => self.see(section, &rows, table),
                    Err(_) => self.table_changed(section, &change),
                }
            }
        }
        self.sections = sections;
        any
    }

    /// Whether there is something to be framed by now.
    pub fn has_frames(&self) -> bool {
        !self.full.is_empty() || self.gathered >= MAX_GATHERED_BYTES
    }

    /// Frames what is to be framed by now; the newest change of each group is held back.
    pub fn take_frames(&mut self) -> Vec<(GroupId, Sealed)> {
        let mut ids = std::mem::take(&mut self.full);
        if self.gathered >= MAX_GATHERED_BYTES {
            ids = (0..self.groups.len()).map(GroupId).collect();
            self.gathered = 0;
        }
        let seal = |id: GroupId| {
            let group = &mut self.groups[id.0];
            Some((id, group.batch.seal_some(group.formats)?))
        };
        ids.into_iter().filter_map(seal).collect()
    }

    /// A batch is complete, at this place. The groups for which a commit is due there, but for those that are merged, and
    /// those whose place is within a later batch.
    pub fn take_due(&mut self, end: &Cursor) -> Vec<GroupId> {
        let mut due = std::mem::take(&mut self.due);
        due.sort_unstable_by_key(|id| id.0);
        due.dedup();
        due.retain(|id| {
            let key = &self.groups[id.0].key;
            !key.merge && has_all_of(end, &key.place)
        });
        due
    }

    /// What was held back to be merged is ready: there are no more changes, or it has become too much.
    pub fn finish(&mut self) {
        self.merged = 0;
        self.sections.iter_mut().filter_map(|of| of.merging.as_mut()).for_each(Merging::finish);
    }

    /// Frames the rest of a group's events, ended by the commit.
    pub fn take_last(&mut self, id: GroupId, commit: &Commit) -> Sealed {
        let group = &mut self.groups[id.0];
        group.batch.seal_all(group.formats, commit)
    }

    /// Whether the group's feed has to start anew.
    pub fn is_table_changed(&self, id: GroupId) -> bool {
        self.groups[id.0].table_changed
    }
}

impl Group {
    fn has(&self, change: &Change) -> bool {
        self.key.place.has(change.txid, change.seq.0)
    }
}

impl Section {
    fn wants(&self, change: &Change) -> bool {
        let had = |of: &Merging| of.place.has(change.txid, change.seq.0);
        self.by_table.contains_key(&change.table) && !self.merging.as_ref().is_some_and(had)
    }
}

impl Merging {
    fn finish(&mut self) {
        self.ready.extend(self.merger.take());
    }
}

/// In the index, groups stand where the hub has feeds.
impl From<GroupId> for Feed {
    fn from(GroupId(at): GroupId) -> Self {
        Feed(at as u64)
    }
}

impl From<Feed> for GroupId {
    fn from(Feed(at): Feed) -> Self {
        GroupId(at as usize)
    }
}
