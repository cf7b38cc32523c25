//! A read's own task: waits for its turn, reads, and stays to be found for a while.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::read::{self, Left};
use super::registry::{Progress, ToRun};
use super::rows::Opened;
use super::service::Shared;
use super::turns::{Turn, Turns};
use super::{SHARED_FOR, SnapshotError, Want};

/// How much longer than PostgreSQL's own limit a read may take, should that not work.
const GRACE: Duration = Duration::from_secs(15);

/// Connections that nobody has used for about this long are closed.
const IDLE_FOR: Duration = Duration::from_secs(5);

/// Runs a read to its end, or until nobody wants it.
pub async fn run(shared: Arc<Shared>, want: Want, to_run: ToRun) {
    let ToRun { progress, place } = to_run;
    let task = Task { shared: Arc::clone(&shared), want, progress };
    let Some(turns) = &shared.turns else {
        return task.tell(SnapshotError::Unavailable);
    };
    tokio::select! {
        biased;
        end = task.read(turns, place) => task.end(end).await,
        () = shared.registry.unwanted(&task.want, &task.progress) => drop(task),
    }
    sleep(IDLE_FOR).await;
    turns.close_idle();
}

struct Task {
    shared: Arc<Shared>,
    want: Want,
    progress: Arc<watch::Sender<Progress>>,
}

impl Task {
    async fn read(&self, turns: &Turns, place: impl Send) -> Result<(), SnapshotError> {
        let mut turn = turns.next().await?;
        drop(place);
        self.shared.registry.begins(&self.want, &self.progress);
        self.shared.observed.reads.inc();
        let limit = self.shared.settings.timeout + GRACE;
        let left = timeout(limit, self.read_in(&mut turn)).await;
        if let Left::Clean = left.unwrap_or(Err(SnapshotError::Timeout))? {
            turn.keep();
        }
        Ok(())
    }

    async fn read_in(&self, turn: &mut Turn<'_>) -> Result<Left, SnapshotError> {
        let (want, settings) = (&self.want, &self.shared.settings);
        let mut cursor = read::open(&turn.session.client, want, settings).await;
        if cursor.is_err() && turn.is_used && turn.session.client.is_closed() {
            turn.reconnect().await?;
            cursor = read::open(&turn.session.client, want, settings).await;
        }
        let (mut writer, spool) = self.shared.budget.open();
        let failure = Arc::new(OnceLock::new());
        let opened = Opened { cursor: Arc::new(cursor?), spool, failure: Arc::clone(&failure) };
        self.progress.send_replace(Progress::Open(opened));
        let read = read::rows(&turn.session.client, want, &mut writer).await;
        match &read {
            Ok(_) => writer.finish(),
            // Before the writer goes away: who then finds the spool broken looks here.
            Err(error) => drop(failure.set(error.clone())),
        }
        read
    }

    /// Stays to be found for a while, if that is of use to anybody.
    async fn end(self, end: Result<(), SnapshotError>) {
        match end {
            Ok(()) if self.want.is_whole() => {
                self.shared.registry.finished(&self.want, &self.progress);
                sleep(SHARED_FOR).await;
            }
            Ok(()) => {}
            Err(error) => {
                self.shared.observed.failed.inc();
                self.tell(error);
            }
        }
    }

    /// Tells those who wait for the snapshot that there will be none.
    fn tell(&self, error: SnapshotError) {
        self.progress.send_if_modified(|progress| {
            let waits = matches!(progress, Progress::Waiting);
            if waits {
                *progress = Progress::Failed(error);
            }
            waits
        });
    }
}

impl Drop for Task {
    /// Also where it was cancelled.
    fn drop(&mut self) {
        self.shared.registry.forget(&self.want, &self.progress);
        self.tell(SnapshotError::Unavailable);
    }
}
