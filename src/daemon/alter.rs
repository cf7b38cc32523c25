//! Notices that watched tables were altered, and has them served as they are now.
//!
//! Looks once a second, and when a row doesn't look like its table. A configured name leads to the table that it led to
//! at the start, or to none: one that was renamed or dropped isn't served, nor is another that took its name. A table
//! whose capture doesn't fit any more isn't served before it does: what it logs may depend on the writer's settings.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_util::sync::CancellationToken;

use super::Objects;
use crate::catalog::{self, Catalog, Fault, Found, LoadError, Loaded, Table, TableId};
use crate::changelog::{self, Fit};
use crate::database::{ConnectError, Database};
use crate::policy::{Renewal, Served, TableSettings};

const PERIOD: Duration = Duration::from_secs(1);

/// Between two looks, however much is doubted.
const LEAST_PAUSE: Duration = Duration::from_millis(50);

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest pause between attempts to look.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One snapshot for all. The planner takes catalogs for far larger than they are: to compile such a query costs seconds of
/// a core, each time.
const BEGIN_LOOK: &str = "begin isolation level repeatable read read only; set local jit = off";

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("can't connect")]
    Connect(#[from] ConnectError),
    #[error("the database didn't answer")]
    Database(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the database didn't answer in time")]
    Silent(#[from] tokio::time::error::Elapsed),
}

/// Looks until `shutdown`. Failures are logged and tried again.
pub(super) async fn watch(
    database: Database,
    settings: Vec<TableSettings>,
    objects: Objects,
    renewal: Renewal,
    shutdown: CancellationToken,
) {
    let served = renewal.get();
    let start = served.tables().map(|served| served.table());
    let start: HashMap<TableId, Arc<Table>> =
        start.map(|table| (table.id, Arc::new(table.clone()))).collect();
    let mut watch = Watch {
        settings,
        objects,
        renewal,
        tables: start.keys().copied().collect(),
        last: start.clone(),
        handed_on: start.clone(),
        start,
        seen: None,
        warned: Vec::new(),
        unfit: BTreeSet::new(),
    };
    drop(served);
    let _stopped = shutdown.run_until_cancelled(watch.live(&database)).await;
}

struct Watch {
    settings: Vec<TableSettings>,
    objects: Objects,
    renewal: Renewal,
    tables: Vec<TableId>,
    /// The tables as they were when the daemon started, and as they were last found.
    start: HashMap<TableId, Arc<Table>>,
    last: HashMap<TableId, Arc<Table>>,
    /// The tables that are served.
    handed_on: HashMap<TableId, Arc<Table>>,
    /// The fingerprints of what is served now; none while something is left to do.
    seen: Option<HashMap<u32, String>>,
    /// What was warned of already.
    warned: Vec<Fault>,
    /// The tables whose capture doesn't fit.
    unfit: BTreeSet<TableId>,
}

/// The tables as they were found.
struct Sight {
    fingerprints: HashMap<u32, String>,
    /// The tables' numbers in the log.
    ids: HashMap<u32, TableId>,
    loaded: Loaded,
}

impl Watch {
    async fn live(&mut self, database: &Database) {
        let mut pause = PERIOD;
        loop {
            let (worked, failure) = self.life(database).await;
            tracing::warn!(error = &failure as &dyn std::error::Error, "can't look at the catalog");
            pause = if worked { PERIOD } else { (pause * 2).min(LONGEST_PAUSE) };
            sleep(pause).await;
        }
    }

    /// Looks over one connection until it fails; says whether any look succeeded.
    async fn life(&mut self, database: &Database) -> (bool, Failure) {
        let session = match database.connect("catalog").await {
            Ok(session) => session,
            Err(error) => return (false, error.into()),
        };
        let mut worked = false;
        loop {
            match timeout(PATIENCE, self.look(&session.client)).await {
                Ok(Ok(())) => worked = true,
                Ok(Err(failure)) => return (worked, failure),
                Err(elapsed) => return (worked, elapsed.into()),
            }
            sleep(LEAST_PAUSE).await;
            tokio::select! {
                () = sleep(PERIOD) => {}
                () = self.renewal.doubted() => {}
            }
        }
    }

    async fn look(&mut self, client: &Client) -> Result<(), Failure> {
        let Some(sight) = self.sight(client).await? else { return Ok(()) };
        self.seen = None;
        self.warn(&sight.loaded);
        let id = |found: &Found| sight.ids.get(&found.oid).copied();
        let found = sight.loaded.found.into_iter().filter_map(|found| Some((id(&found)?, found)));
        self.renew(client, found.collect()).await?;
        if self.unfit.is_empty() {
            self.seen = Some(sight.fingerprints);
        }
        Ok(())
    }

    /// What there is to see, in one snapshot: else an alteration that is taken back might go unnoticed. Nothing, if it is
    /// what was seen last.
    async fn sight(&self, client: &Client) -> Result<Option<Sight>, Failure> {
        client.batch_execute(BEGIN_LOOK).await?;
        let relations = changelog::relations(client, &self.tables).await?;
        let oids: Vec<u32> = relations.iter().map(|&(_, oid)| oid).collect();
        let fingerprints = catalog::fingerprints(client, &oids).await?;
        let is_new = self.seen.as_ref() != Some(&fingerprints);
        let loaded = match is_new {
            true => Some(catalog::look(client, &self.settings).await?),
            false => None,
        };
        client.batch_execute("commit").await?;
        let ids = relations.into_iter().map(|(id, oid)| (oid, id)).collect();
        Ok(loaded.map(|loaded| Sight { fingerprints, ids, loaded }))
    }

    /// Logs what is wrong with the tables and wasn't before. What was so at the start, the start has said.
    fn warn(&mut self, loaded: &Loaded) {
        for fault in loaded.faults.iter().filter(|fault| !self.warned.contains(fault)) {
            let (table, problem) = (&self.settings[fault.table].name, &fault.problem);
            let help = problem.help();
            match problem.is_warning() {
                true => tracing::debug!(table, help, "{problem}"),
                false => tracing::error!(table, help, "{problem}"),
            }
        }
        self.warned.clone_from(&loaded.faults);
    }

    /// Has the tables served as they are; those whose capture has to be adapted when that is done.
    async fn renew(
        &mut self,
        client: &Client,
        found: Vec<(TableId, Found)>,
    ) -> Result<(), Failure> {
        let (mut fitting, mut others) = (HashMap::new(), Vec::new());
        for (id, found) in found {
            let table = Arc::new(found.clone().into_table(id));
            match self.fit(client, &table, found.oid).await? {
                Fit::Fits => drop(fitting.insert(id, table)),
                Fit::Partial => {
                    fitting.insert(id, Arc::clone(&table));
                    others.push((Fit::Partial, table, found));
                }
                fit => others.push((fit, table, found)),
            }
        }
        self.unfit.retain(|id| others.iter().any(|(_, table, _)| table.id == *id));
        self.serve(&fitting, &others);
        for (fit, table, found) in others {
            if self.adapt(client, &found, fit, &table).await {
                fitting.insert(table.id, table);
                self.serve(&fitting, &[]);
            }
        }
        Ok(())
    }

    /// How the capture fits. Where the role may not ask, it does as long as no column is of a type that the table hadn't
    /// at the start.
    async fn fit(&self, client: &Client, table: &Table, relation: u32) -> Result<Fit, Failure> {
        let has_new_key = self.last.get(&table.id).is_some_and(|last| last.key != table.key);
        match changelog::fit(client, table.id, relation).await {
            Ok(Fit::Fits) if has_new_key => Ok(Fit::Narrow),
            Ok(fit) => Ok(fit),
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                Ok(if self.has_new_types(table) { Fit::Narrow } else { Fit::Fits })
            }
            // A type may be cast to JSON by somebody's function, which the capture doesn't run.
            Err(error) if error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) => Ok(Fit::Narrow),
            Err(error) => Err(error.into()),
        }
    }

    fn has_new_types(&self, table: &Table) -> bool {
        let types = |table: &Table| -> BTreeSet<String> {
            table.columns.iter().map(|column| column.type_name.clone()).collect()
        };
        let start = self.start.get(&table.id).map(|start| types(start)).unwrap_or_default();
        !types(table).is_subset(&start)
    }

    /// Watches the table again; says so, or once why not.
    async fn adapt(&mut self, client: &Client, found: &Found, fit: Fit, table: &Table) -> bool {
        let name = &table.listed_as;
        let done = match self.objects {
            Objects::Verify => Err("the daemon runs with --no-install".to_owned()),
            Objects::Install => match changelog::adapt(client, found, fit).await {
                Ok(()) => self.is_fitting(client, table.id, found.oid).await,
                Err(error) => Err(error
                    .as_db_error()
                    .map_or_else(|| error.to_string(), |refused| refused.message().to_owned())),
            },
        };
        match done {
            Ok(()) => {
                tracing::info!(table = name, "the capture was adapted to the altered table");
                self.unfit.remove(&table.id);
                true
            }
            Err(reason) if fit == Fit::Partial => {
                tracing::warn!(table = name, reason, "TRUNCATE of a new partition isn't captured");
                false
            }
            Err(reason) => {
                if self.unfit.insert(table.id) {
                    tracing::error!(
                        table = name,
                        reason,
                        help = "run `rowcast install` as the table's owner",
                        "the capture doesn't fit the altered table, which isn't served until it does"
                    );
                }
                false
            }
        }
    }

    async fn is_fitting(&self, client: &Client, id: TableId, relation: u32) -> Result<(), String> {
        match changelog::fit(client, id, relation).await {
            Ok(Fit::Fits) => Ok(()),
            Ok(_) => Err("only the table's owner can adapt its triggers".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Hands the tables on, if they differ from those handed on last, and says how.
    fn serve(
        &mut self,
        tables: &HashMap<TableId, Arc<Table>>,
        pending: &[(Fit, Arc<Table>, Found)],
    ) {
        let pending = pending.iter().map(|(_, table, _)| (table.id, table));
        let is = tables.iter().map(|(id, table)| (*id, table)).chain(pending);
        for (id, table) in is {
            if let Some(was) = self.last.insert(id, Arc::clone(table)) {
                for what in catalog::differences(&was, table) {
                    tracing::info!(table = table.listed_as, "the table was altered: {what}");
                }
            }
        }
        if self.handed_on == *tables {
            return;
        }
        self.handed_on.clone_from(tables);
        let served = self.renewal.get();
        let rebound = served.rebind(&Catalog { tables: tables.clone() });
        self.renewal.renew(rebound);
        report(&served, &self.renewal.get());
    }
}

/// Says which tables can't be served any more, or can again.
fn report(was: &Served, is: &Served) {
    for (table, reason) in is.altered() {
        if !was.altered().any(|known| known == (table, reason)) {
            tracing::error!(table, "the table isn't served any more: {reason}");
        }
    }
    for (table, _) in was.altered() {
        if !is.altered().any(|(other, _)| other == table) {
            tracing::info!(table, "the table is served again");
        }
    }
}
