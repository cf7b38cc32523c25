//! Who asks for the same shares a read.

use std::sync::Arc;

use super::registry::{Joined, Registry, includes};
use super::turns::Turns;
use super::{Observed, OrderBy, Rows, Settings, SnapshotError, Want, task};
use crate::cursor::Cursor;
use crate::database::Database;
use crate::policy::View;
use crate::spool::Budget;

/// First reads of tables. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshots(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    /// None: there is no database to read from.
    pub turns: Option<Turns>,
    pub settings: Settings,
    pub registry: Registry,
    pub budget: Budget,
    pub observed: Observed,
}

impl Snapshots {
    pub fn new(database: Database, settings: Settings, budget: Budget) -> Self {
        Self::of(Some(Turns::new(database)), settings, budget)
    }

    /// Without a database: every read is unavailable.
    pub fn unavailable() -> Self {
        Self::of(None, Settings::default(), Budget::default())
    }

    fn of(turns: Option<Turns>, settings: Settings, budget: Budget) -> Self {
        let (registry, observed) = (Registry::default(), Observed::default());
        Self(Arc::new(Shared { turns, settings, registry, budget, observed }))
    }

    pub fn observed(&self) -> &Observed {
        &self.0.observed
    }

    /// For a subscription: takes part in an equal read that is under way or was finished less than
    /// [`SHARED_FOR`](super::SHARED_FOR) ago, if its snapshot has seen all that this cursor has. Where the server's
    /// history is another one since, what comes is of that.
    pub async fn share(
        &self,
        view: Arc<View>,
        not_older_than: Option<&Cursor>,
    ) -> Result<Rows, SnapshotError> {
        let want = Want { view, order: Vec::new(), limit: None };
        loop {
            let joined = self.0.registry.share(&want, not_older_than)?;
            let is_new = joined.to_run.is_some();
            let rows = self.rows(joined, want.clone()).await?;
            if is_new || not_older_than.is_none_or(|cursor| includes(rows.cursor(), cursor)) {
                return Ok(rows);
            }
        }
    }

    /// A read whose snapshot is taken after this was asked for: who has written before sees it.
    pub async fn fresh(
        &self,
        view: Arc<View>,
        order: Vec<OrderBy>,
        limit: Option<u64>,
    ) -> Result<Rows, SnapshotError> {
        let want = Want { view, order, limit };
        self.rows(self.0.registry.fresh(&want)?, want).await
    }

    async fn rows(&self, joined: Joined, want: Want) -> Result<Rows, SnapshotError> {
        match joined.to_run {
            Some(to_run) => drop(tokio::spawn(task::run(Arc::clone(&self.0), want, to_run))),
            None => drop(self.0.observed.shared.inc()),
        }
        joined.part.rows().await
    }
}
