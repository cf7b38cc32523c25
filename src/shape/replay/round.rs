//! One round: changes in, each reader's share of them out.
//!
//! Nothing is pushed before all has been read. So a read that breaks off can be begun again as if it hadn't been, rows that
//! don't look like their table are found before anything of it was sent, and how fast readers take their share has no influence
//! on how long the log is read. What that costs, the room for the whole share, is a spool's.

use std::sync::Arc;

use super::groups::{GroupId, Groups};
use super::output::{Output, Written};
use super::{CatchUp, Outcome};
use crate::cursor::Cursor;
use crate::event::Change;
use crate::spool::{Budget, SpoolError};
use crate::wire::{Commit, Feed, Format};

/// How many changes are looked at before others have their turn: who is live must not wait for a round.
const MAX_AT_ONCE: usize = 64;
const FORMATS: [Format; 3] = [Format::WebSocket, Format::EventStream, Format::Poll];

/// A round under way.
#[derive(Debug)]
pub struct Round {
    groups: Groups,
    /// Of each group, by format.
    outputs: Vec<[Option<Result<Output, SpoolError>>; 3]>,
    readers: Vec<(CatchUp, Vec<GroupId>)>,
    budget: Budget,
}

/// What a reader is to get, feed by feed, and then the commit.
#[derive(Debug)]
pub struct Share {
    pub catch_up: CatchUp,
    pub feeds: Vec<(Feed, Written)>,
    pub commit: Commit,
}

/// What became of a reader in a round.
pub type Ended = Result<Share, Box<(CatchUp, Outcome)>>;

impl Round {
    /// A round for readers whose views are of the same state of the tables.
    pub fn new(readers: Vec<CatchUp>, budget: Budget) -> Option<Self> {
        // What is believed of a state of the tables only grows.
        let newest = readers.last()?;
        let mut groups = Groups::new(Arc::clone(&newest.served), Arc::clone(&newest.beliefs));
        let enter = |reader: CatchUp| {
            let ids = groups.enter(&reader);
            (reader, ids)
        };
        let readers: Vec<_> = readers.into_iter().map(enter).collect();
        let mut outputs: Vec<[Option<_>; 3]> = Vec::new();
        outputs.resize_with(groups.len(), Default::default);
        for (reader, ids) in &readers {
            for id in ids {
                outputs[id.0][at(reader.format)].get_or_insert_with(|| Ok(Output::new()));
            }
        }
        Some(Self { groups, outputs, readers, budget })
    }

    /// Takes the next changes.
    pub async fn add(&mut self, changes: &[Change]) {
        for few in changes.chunks(MAX_AT_ONCE) {
            for change in few {
                self.groups.add(change);
                self.write().await;
            }
            self.see_merged().await;
            tokio::task::yield_now().await;
        }
    }

    /// A batch is complete; there are more.
    pub async fn commit_between(&mut self, end: &Arc<Cursor>) {
        let due = self.groups.take_due(end);
        if due.is_empty() {
            return;
        }
        let commit = Commit::told(Arc::clone(end), self.groups.sight());
        for id in due {
            self.write_last(id, &commit).await;
            let writing = self.outputs[id.0].iter_mut().flatten().flatten();
            writing.for_each(|output| output.commit(&commit));
        }
    }

    /// There are no more changes: what each reader is to get.
    pub async fn finish(mut self, end: Arc<Cursor>) -> Vec<Ended> {
        self.groups.finish();
        self.see_merged().await;
        let commit = Commit::told(end, self.groups.sight());
        for id in (0..self.groups.len()).map(GroupId) {
            self.write_last(id, &commit).await;
            if id.0 % MAX_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        let finish = |output: Option<Result<Output, SpoolError>>| Some(output?.map(Output::finish));
        let written: Vec<[Option<Result<Written, SpoolError>>; 3]> =
            self.outputs.into_iter().map(|of| of.map(finish)).collect();
        let groups = self.groups;
        let end = |(reader, ids)| share(reader, ids, &groups, &written, &commit);
        self.readers.into_iter().map(end).collect()
    }

    /// Whether there is somebody who waits for it. What was written for those alone who don't any more is given up.
    pub fn is_wanted(&mut self) -> bool {
        let mut wanted = vec![[false; FORMATS.len()]; self.outputs.len()];
        for (reader, ids) in self.readers.iter().filter(|(reader, _)| reader.courier.is_wanted()) {
            ids.iter().for_each(|id| wanted[id.0][at(reader.format)] = true);
        }
        let wanted = wanted.into_iter().flatten();
        let mut is_wanted = false;
        for (output, wanted) in self.outputs.iter_mut().flatten().zip(wanted) {
            is_wanted |= wanted;
            if !wanted {
                *output = None;
            }
        }
        is_wanted
    }

    /// Those for whom it was begun.
    pub fn into_readers(self) -> Vec<CatchUp> {
        self.readers.into_iter().map(|(reader, _)| reader).collect()
    }

    async fn see_merged(&mut self) {
        while self.groups.see_merged(MAX_AT_ONCE) {
            self.write().await;
            tokio::task::yield_now().await;
        }
    }

    async fn write(&mut self) {
        if !self.groups.has_frames() {
            return;
        }
        for (id, sealed) in self.groups.take_frames() {
            for format in FORMATS {
                if let Some(framed) = sealed.format(format) {
                    push(&mut self.outputs[id.0][at(format)], framed, &self.budget).await;
                }
            }
        }
    }

    async fn write_last(&mut self, id: GroupId, commit: &Commit) {
        let sealed = self.groups.take_last(id, commit);
        for format in FORMATS {
            if let Some(framed) = sealed.format(format) {
                push(&mut self.outputs[id.0][at(format)], framed, &self.budget).await;
            }
        }
    }
}

async fn push(
    output: &mut Option<Result<Output, SpoolError>>,
    framed: &crate::wire::Framed,
    budget: &Budget,
) {
    let Some(of) = output else { return };
    if let Ok(writing) = of
        && let Err(error) = writing.push(framed, budget).await
    {
        *of = Err(error);
    }
}

fn at(format: Format) -> usize {
    match format {
        Format::WebSocket => 0,
        Format::EventStream => 1,
        Format::Poll => 2,
    }
}

fn share(
    catch_up: CatchUp,
    ids: Vec<GroupId>,
    groups: &Groups,
    written: &[[Option<Result<Written, SpoolError>>; 3]],
    commit: &Commit,
) -> Ended {
    let of_feeds = || catch_up.feeds.iter().zip(&ids);
    let is_changed = |(_, id): &(_, &GroupId)| groups.is_table_changed(**id);
    let changed: Vec<Feed> = of_feeds().filter(is_changed).map(|(behind, _)| behind.feed).collect();
    if !changed.is_empty() {
        return Err(Box::new((catch_up, Outcome::TableChanged(changed))));
    }
    let mut feeds = Vec::with_capacity(ids.len());
    for (behind, id) in of_feeds() {
        match &written[id.0][at(catch_up.format)] {
            Some(Ok(written)) => feeds.push((behind.feed, written.clone())),
            Some(Err(error)) => {
                tracing::warn!(%error, "what a reader has missed can't be kept for it");
                return Err(Box::new((catch_up, Outcome::Broken)));
            }
            None => {}
        }
    }
    Ok(Share { feeds, commit: commit.clone(), catch_up })
}
