//! Which reads are waiting, under way, or finished a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::rows::Opened;
use super::{MAX_WAITING, Rows, SHARED_FOR, SnapshotError, Want};
use crate::cursor::Cursor;

/// The newest read of each want.
#[derive(Debug)]
pub struct Registry {
    reads: Mutex<HashMap<Want, Read>>,
    waiting: Arc<Semaphore>,
}

/// A read as others find it.
#[derive(Debug)]
struct Read {
    progress: Arc<watch::Sender<Progress>>,
    /// Its snapshot may have been taken.
    has_begun: bool,
    finished_at: Option<Instant>,
}

/// How far a read is.
#[derive(Clone, Debug)]
pub enum Progress {
    Waiting,
    Open(Opened),
    Failed(SnapshotError),
}

/// A part in a read.
pub struct Part(watch::Receiver<Progress>);

/// A part in a read, and the read itself where somebody has to run it.
pub struct Joined {
    pub part: Part,
    pub to_run: Option<ToRun>,
}

/// A read that is to be run.
pub struct ToRun {
    pub progress: Arc<watch::Sender<Progress>>,
    /// Given back when it begins.
    pub place: OwnedSemaphorePermit,
}

impl Default for Registry {
    fn default() -> Self {
        Self { reads: Mutex::default(), waiting: Arc::new(Semaphore::new(MAX_WAITING)) }
    }
}

impl Registry {
    pub fn share(&self, want: &Want, after: Option<&Cursor>) -> Result<Joined, SnapshotError> {
        self.join(want, |read| read.is_recent() && read.is_after(after))
    }

    pub fn fresh(&self, want: &Want) -> Result<Joined, SnapshotError> {
        self.join(want, |read| !read.has_begun)
    }

    fn join(&self, want: &Want, suits: impl Fn(&Read) -> bool) -> Result<Joined, SnapshotError> {
        let mut reads = self.lock();
        if let Some(read) = reads.get(want).filter(|read| suits(read)) {
            return Ok(Joined { part: Part(read.progress.subscribe()), to_run: None });
        }
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        let place = place.map_err(|_| SnapshotError::Unavailable)?;
        let (progress, part) = watch::channel(Progress::Waiting);
        let progress = Arc::new(progress);
        let read = Read { progress: Arc::clone(&progress), has_begun: false, finished_at: None };
        reads.insert(want.clone(), read);
        Ok(Joined { part: Part(part), to_run: Some(ToRun { progress, place }) })
    }

    /// From now on nobody takes part in it who must see what was written before.
    pub fn begins(&self, want: &Want, progress: &Arc<watch::Sender<Progress>>) {
        self.update(want, progress, |read| read.has_begun = true);
    }

    pub fn finished(&self, want: &Want, progress: &Arc<watch::Sender<Progress>>) {
        self.update(want, progress, |read| read.finished_at = Some(Instant::now()));
    }

    /// Nobody finds it any more.
    pub fn forget(&self, want: &Want, progress: &Arc<watch::Sender<Progress>>) {
        let mut reads = self.lock();
        if reads.get(want).is_some_and(|read| Arc::ptr_eq(&read.progress, progress)) {
            reads.remove(want);
        }
    }

    /// Waits until nobody has a part in it any more, and forgets it. Safe to cancel.
    pub async fn unwanted(&self, want: &Want, progress: &Arc<watch::Sender<Progress>>) {
        loop {
            progress.closed().await;
            let mut reads = self.lock();
            if progress.receiver_count() == 0 {
                if reads.get(want).is_some_and(|read| Arc::ptr_eq(&read.progress, progress)) {
                    reads.remove(want);
                }
                return;
            }
        }
    }

    fn update(
        &self,
        want: &Want,
        progress: &Arc<watch::Sender<Progress>>,
        update: impl FnOnce(&mut Read),
    ) {
        let mut reads = self.lock();
        let read = reads.get_mut(want).filter(|read| Arc::ptr_eq(&read.progress, progress));
        if let Some(read) = read {
            update(read);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Want, Read>> {
        self.reads.lock().expect("nothing panics while it holds the lock")
    }
}

impl Read {
    fn is_recent(&self) -> bool {
        self.finished_at.is_none_or(|at| at.elapsed() < SHARED_FOR)
    }

    /// Whether its snapshot has seen all that this cursor has, or may turn out to.
    fn is_after(&self, cursor: Option<&Cursor>) -> bool {
        match (&*self.progress.borrow(), cursor) {
            (Progress::Failed(_), _) => false,
            (Progress::Open(opened), Some(cursor)) => includes(&opened.cursor, cursor),
            (Progress::Open(_), None) | (Progress::Waiting, _) => true,
        }
    }
}

/// Whether all that the earlier cursor has is before the later one.
pub fn includes(later: &Cursor, earlier: &Cursor) -> bool {
    let same_life = later.life.is_none() || earlier.life.is_none() || later.life == earlier.life;
    let part = earlier.part.as_ref().map(|part| &part.snapshot);
    same_life
        && later.era == earlier.era
        && later.snapshot.includes(&earlier.snapshot)
        && part.is_none_or(|part| later.snapshot.includes(part))
}

impl Part {
    /// The rows, as soon as the read has its snapshot.
    pub async fn rows(mut self) -> Result<Rows, SnapshotError> {
        let is_told = |progress: &Progress| !matches!(progress, Progress::Waiting);
        let progress = self.0.wait_for(is_told).await.map(|progress| progress.clone());
        match progress {
            Ok(Progress::Open(opened)) => Ok(Rows::new(&opened, self.0)),
            Ok(Progress::Failed(error)) => Err(error),
            Ok(Progress::Waiting) | Err(_) => Err(SnapshotError::Unavailable),
        }
    }
}
