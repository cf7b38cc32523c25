//! Tables whose rows don't look as the catalog said: altered, most likely, and not yet noticed. By their names, such
//! rows' columns may be others than those that are visible, so nothing of the table is shown until somebody has
//! looked at the catalog; then its feeds start anew.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::catalog::TableId;
use crate::event::{Row, Rows};
use crate::policy::{Current, Served, ServedTable};

/// How long a table is held back if nobody looks.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the catalog must be found unchanged until an order of columns is believed to be a partition's. The first
/// look may have been under way when the row came.
const LOOKS: u8 = 2;
/// The most orders of columns that are remembered of a table, and the most former ones.
const MAX_ORDERS: usize = 64;

/// Whether a change may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fits,
    HeldBack,
}

/// What is doubted, and what no longer is.
#[derive(Debug)]
pub struct Doubts {
    current: Current,
    open: BTreeMap<TableId, Doubt>,
    known: HashMap<TableId, Known>,
    /// What was last told of them; none if that has changed.
    beliefs: Option<Arc<Beliefs>>,
}

/// What was believed of rows at some time.
#[derive(Debug, Default)]
pub struct Beliefs {
    held_back: HashSet<TableId>,
    orders: HashMap<TableId, HashSet<Vec<String>>>,
}

impl Beliefs {
    /// What cursors are told to have been served. While something is held back, that is what nobody serves: who had a live feed
    /// lacks what was held back, which is before the cursor, and mustn't go on after it.
    pub fn sight_of(&self, served: &Served) -> u32 {
        if self.held_back.is_empty() { served.sight() } else { !served.sight() }
    }

    /// Whether the change may be shown. If not, its table's feeds start anew.
    pub fn fit(&self, rows: &Rows<'_>) -> bool {
        let table = rows.change().table;
        let believed = |row: &&Row<'_>| {
            row.is_complete()
                && self.orders.get(&table).is_some_and(|orders| orders.contains(&row.names()))
        };
        let mut odd =
            [rows.before(), rows.after()].into_iter().flatten().filter(|row| !row.is_regular());
        !self.held_back.contains(&table) && odd.all(|row| believed(&row))
    }
}

#[derive(Debug)]
struct Doubt {
    since: Instant,
    /// The orders of columns that were met. None is remembered of a row that lacks columns.
    orders: Vec<Vec<String>>,
}

#[derive(Debug, Default)]
struct Known {
    /// How often the catalog was found unchanged after a row with this order of columns.
    looks: HashMap<Vec<String>, u8>,
    /// The table's own orders before it was altered: what has them is from then.
    former: HashSet<Vec<String>>,
}

impl Doubts {
    pub fn new(current: Current) -> Self {
        Self { current, open: BTreeMap::new(), known: HashMap::new(), beliefs: None }
    }

    /// Whether the change may be shown; if it looks wrong, asks for a look at the catalog.
    pub fn judge(&mut self, rows: &Rows<'_>) -> Verdict {
        let table = rows.change().table;
        if self.open.is_empty() && rows.are_regular() {
            return Verdict::Fits;
        }
        if self.open.contains_key(&table) {
            return Verdict::HeldBack;
        }
        let odd: Vec<&Row<'_>> = [rows.before(), rows.after()]
            .into_iter()
            .flatten()
            .filter(|row| !row.is_regular())
            .collect();
        if odd.iter().all(|row| self.is_believed(table, row)) {
            return Verdict::Fits;
        }
        let seq = rows.change().seq.0;
        tracing::warn!(
            seq,
            table = table.0,
            "a row doesn't look like its table, which is held back"
        );
        let complete = odd.into_iter().filter(|row| row.is_complete());
        let orders = complete.map(Row::names).collect();
        self.beliefs = None;
        self.open.insert(table, Doubt { since: Instant::now(), orders });
        self.current.doubt();
        Verdict::HeldBack
    }

    /// What is believed now, to judge what is read again.
    pub fn beliefs(&mut self) -> Arc<Beliefs> {
        let beliefs = self.beliefs.take().unwrap_or_else(|| Arc::new(self.believed()));
        self.beliefs = Some(Arc::clone(&beliefs));
        beliefs
    }

    fn believed(&self) -> Beliefs {
        let orders = |known: &Known| {
            let looks = known.looks.iter().filter(|(_, looks)| **looks >= LOOKS);
            looks.map(|(order, _)| order.clone()).collect()
        };
        let orders = self.known.iter().map(|(table, known)| (*table, orders(known)));
        Beliefs { held_back: self.open.keys().copied().collect(), orders: orders.collect() }
    }

    fn is_believed(&self, table: TableId, row: &Row<'_>) -> bool {
        let Some(known) = self.known.get(&table).filter(|_| row.is_complete()) else {
            return false;
        };
        known.looks.get(&row.names()).is_some_and(|looks| *looks >= LOOKS)
    }

    /// Tables were renewed, or looked at because of a doubt: those that were held back until then.
    pub fn settle(&mut self, has_looked: bool) -> Vec<TableId> {
        self.beliefs = None;
        let open = std::mem::take(&mut self.open);
        for (table, doubt) in open.iter().filter(|_| has_looked) {
            let Known { looks, former } = self.known.entry(*table).or_default();
            for order in doubt.orders.iter().filter(|order| !former.contains(*order)) {
                if looks.len() >= MAX_ORDERS {
                    looks.clear();
                }
                let looks = looks.entry(order.clone()).or_default();
                *looks = looks.saturating_add(1);
            }
        }
        open.into_keys().collect()
    }

    /// The table is another now: what is known of its rows no longer holds.
    pub fn altered(&mut self, before: &ServedTable) {
        self.beliefs = None;
        let table = before.table();
        let Known { looks, former } = self.known.entry(table.id).or_default();
        looks.clear();
        if former.len() >= MAX_ORDERS {
            former.clear();
        }
        former.insert(table.columns.iter().map(|column| column.name.clone()).collect());
    }

    /// Gives up waiting for those that nobody has looked at.
    pub fn overdue(&mut self, now: Instant) -> Vec<TableId> {
        let is_due = |doubt: &Doubt| now >= doubt.since + PATIENCE;
        let due: Vec<TableId> =
            self.open.iter().filter(|(_, doubt)| is_due(doubt)).map(|(table, _)| *table).collect();
        self.open.retain(|_, doubt| !is_due(doubt));
        self.beliefs = None;
        due
    }
}
