//! Finds the shapes that a change may concern: by the values of single columns where their predicates ask for some,
//! else all of them. Putting a shape in and taking it out costs as much as its predicate has keys.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::policy::Case;
use crate::predicate::{Access, Key};
use crate::wire::Feed;

/// The shapes of one table.
#[derive(Debug, Default)]
pub struct Index {
    all: BTreeSet<Feed>,
    /// Those that have to be asked about every change.
    scan: BTreeSet<Feed>,
    /// The others, by the position of a column and the key it must have. Shapes that can't see a row are in neither.
    by_column: BTreeMap<usize, HashMap<Key, Feeds>>,
}

/// The shapes with one key; most keys have one, which takes no memory of its own.
#[derive(Debug)]
enum Feeds {
    One(Feed),
    Many(BTreeSet<Feed>),
}

impl Index {
    pub fn insert(&mut self, feed: Feed, access: Access) {
        self.all.insert(feed);
        match access {
            Access::Never => {}
            Access::Scan => {
                self.scan.insert(feed);
            }
            Access::Keys(keys) => {
                for (column, key) in keys {
                    let by_key = self.by_column.entry(column).or_default();
                    by_key.entry(key).or_insert(Feeds::One(feed)).insert(feed);
                }
            }
        }
    }

    /// Takes a shape out that was put in with this access.
    pub fn remove(&mut self, feed: Feed, access: Access) {
        self.all.remove(&feed);
        self.scan.remove(&feed);
        let Access::Keys(keys) = access else { return };
        for (column, key) in keys {
            let Some(by_key) = self.by_column.get_mut(&column) else { continue };
            if let Entry::Occupied(mut feeds) = by_key.entry(key)
                && feeds.get_mut().remove(feed)
            {
                feeds.remove();
            }
            if by_key.is_empty() {
                self.by_column.remove(&column);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The shape that came last.
    pub fn newest(&self) -> Option<Feed> {
        self.all.last().copied()
    }

    /// Every shape.
    pub fn all(&self) -> impl Iterator<Item = Feed> {
        self.all.iter().copied()
    }

    /// Adds the shapes that may see the change to `found`, which is empty: each once, the oldest first.
    pub fn find(&self, case: &Case<'_>, found: &mut Vec<Feed>) {
        found.extend(&self.scan);
        let scanned = found.len();
        for (column, by_key) in &self.by_column {
            for key in case.keys(*column) {
                if let Some(feeds) = by_key.get(&key) {
                    feeds.add_to(found);
                }
            }
        }
        if found.len() > scanned {
            found.sort_unstable();
            found.dedup();
        }
    }
}

impl Feeds {
    fn insert(&mut self, feed: Feed) {
        match self {
            Feeds::One(one) if *one == feed => {}
            Feeds::One(one) => *self = Feeds::Many(BTreeSet::from([*one, feed])),
            Feeds::Many(feeds) => {
                feeds.insert(feed);
            }
        }
    }

    /// Whether none is left.
    fn remove(&mut self, feed: Feed) -> bool {
        match self {
            Feeds::One(one) => *one == feed,
            Feeds::Many(feeds) => {
                feeds.remove(&feed);
                feeds.is_empty()
            }
        }
    }

    fn add_to(&self, found: &mut Vec<Feed>) {
        match self {
            Feeds::One(feed) => found.push(*feed),
            Feeds::Many(feeds) => found.extend(feeds),
        }
    }
}
