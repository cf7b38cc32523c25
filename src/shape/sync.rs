//! Snapshots on their way to readers: each is brought by a task of its own, at the reader's pace.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::command::{Command, ReaderId};
use super::frames::Frames;
use super::hub::Hub;
use super::outbox::{Courier, Parcel, Refused};
use super::reader::{At, State};
use super::registry::Registry;
use crate::cursor::Cursor;
use crate::policy::View;
use crate::snapshot::{Rows, SnapshotError, Snapshots};
use crate::wire::{Code, Feed, Format, Refusal, ResetCause};

/// The pauses between attempts to read rows.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The pause before rows that broke off are read from their beginning.
const BROKEN_OFF_PAUSE: Duration = Duration::from_secs(1);

/// What became of a snapshot.
#[derive(Debug)]
pub enum Synced {
    /// All its rows are in the outbox: they are as of this place.
    At(Arc<Cursor>),
    /// Some of its rows are in the outbox, and no more will come.
    BrokenOff,
    /// The table isn't what the view is of; no rows have come.
    Altered,
    /// There won't be any.
    Refused(SnapshotError),
}

/// A snapshot that is to be brought.
struct Sync {
    reader: ReaderId,
    number: u64,
    format: Format,
    feed: Feed,
    view: Arc<View>,
    after: Option<Arc<Cursor>>,
    courier: Courier,
    frames: Arc<Frames>,
}

/// Why bringing it ended early.
enum Stop {
    Unwanted,
    Failed { error: SnapshotError, has_begun: bool },
}

impl From<Refused> for Stop {
    fn from(_: Refused) -> Self {
        Self::Unwanted
    }
}

impl Hub {
    /// Has the rows brought that feeds of the reader are to begin with.
    pub(super) fn read_rows(&mut self, id: ReaderId) {
        let frames = self.frames.upgrade().unwrap_or_default();
        self.frames = Arc::downgrade(&frames);
        let Registry { readers, shapes, .. } = &mut self.readership.registry;
        let Some(reader) = readers.get_mut(&id).filter(|reader| !reader.has_backlog()) else {
            return;
        };
        for index in 0..reader.subscriptions.len() {
            let Some(feed) = reader.subscriptions[index].feed() else { continue };
            let Some(shape) = shapes.get(feed) else { continue };
            let (courier, leash) = reader.outbox().leashed();
            let format = reader.format;
            let Some(at) = reader.at_mut(index) else { continue };
            let At::Unsynced { after } = at else { continue };
            self.last_generation += 1;
            let number = self.last_generation;
            let (after, view) = (after.take(), Arc::clone(&shape.key.view));
            *at = At::Syncing { number, _courier: leash };
            let frames = Arc::clone(&frames);
            let sync = Sync { reader: id, number, format, feed, view, after, courier, frames };
            tokio::spawn(sync.run(self.snapshots.clone(), self.own_commands.clone()));
        }
    }

    /// A snapshot was brought, or won't be.
    pub(super) fn synced(&mut self, id: ReaderId, number: u64, synced: Synced) {
        let Some(reader) = self.readership.registry.readers.get(&id) else { return };
        let is_it = |state: &State| matches!(state, State::On { at: At::Syncing { number: of, .. }, .. } if *of == number);
        let Some(index) = reader.subscriptions.iter().position(|of| is_it(&of.state)) else {
            return;
        };
        match synced {
            Synced::At(cursor) => self.readership.registry.move_to(id, index, At::Synced(cursor)),
            Synced::Altered => {
                let after = self.place.as_ref().map(|place| Arc::clone(place.place()));
                self.readership.registry.move_to(id, index, At::Unsynced { after });
            }
            Synced::BrokenOff => self.start_anew(id, index, ResetCause::CursorExpired),
            Synced::Refused(error) => return self.refuse(id, index, &refusal_of(error)),
        }
        self.bring_on(id);
    }
}

fn refusal_of(error: SnapshotError) -> Refusal {
    let code = match error {
        SnapshotError::TooLarge => Code::TooLarge,
        SnapshotError::NoOrder => Code::InvalidRequest,
        SnapshotError::Unavailable
        | SnapshotError::NotReady
        | SnapshotError::Altered
        | SnapshotError::NoRight
        | SnapshotError::Timeout => Code::Unavailable,
    };
    Refusal::new(code, error.to_string())
}

impl Sync {
    /// Tries until the rows are in the outbox, or can't be, or nobody wants them.
    async fn run(mut self, snapshots: Snapshots, commands: mpsc::WeakSender<Command>) {
        let mut pause = FIRST_PAUSE;
        let unwanted = self.courier.clone();
        let synced = loop {
            let tried = tokio::select! {
                tried = self.bring(&snapshots) => tried,
                _ = unwanted.unwanted() => return,
            };
            let failed = match tried {
                Ok(cursor) => break Synced::At(cursor),
                Err(Stop::Unwanted) => return,
                Err(Stop::Failed { error, .. }) if is_final(&error) => {
                    break Synced::Refused(error);
                }
                Err(Stop::Failed { has_begun: true, .. }) => {
                    pause = BROKEN_OFF_PAUSE;
                    Some(Synced::BrokenOff)
                }
                Err(Stop::Failed { error: SnapshotError::Altered, .. }) => Some(Synced::Altered),
                Err(Stop::Failed { .. }) => None,
            };
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                _ = unwanted.unwanted() => return,
            }
            if let Some(failed) = failed {
                break failed;
            }
        };
        let (reader, number) = (self.reader, self.number);
        if let Some(commands) = commands.upgrade() {
            // The hub is gone otherwise, and the reader with it.
            let _ = commands.send(Command::Synced { reader, number, synced }).await;
        }
    }

    async fn bring(&mut self, snapshots: &Snapshots) -> Result<Arc<Cursor>, Stop> {
        let asked = snapshots.share(Arc::clone(&self.view), self.after.as_deref()).await;
        let failed = |has_begun| move |error| Stop::Failed { error, has_begun };
        let mut rows: Rows = asked.map_err(failed(false))?;
        let mut has_begun = false;
        while let Some(chunk) = rows.next().await.map_err(failed(has_begun))? {
            let delivery = self.frames.rows(self.format, self.feed, &chunk);
            self.courier.push_paced(vec![Parcel { feed: Some(self.feed), delivery }]).await?;
            has_begun = true;
        }
        Ok(Arc::new(rows.cursor().clone()))
    }
}

/// Whether another attempt would end the same way.
fn is_final(error: &SnapshotError) -> bool {
    match error {
        SnapshotError::TooLarge
        | SnapshotError::Timeout
        | SnapshotError::NoRight
        | SnapshotError::NoOrder => true,
        SnapshotError::Unavailable | SnapshotError::NotReady | SnapshotError::Altered => false,
    }
}
