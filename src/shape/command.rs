//! How connections talk to the hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, mpsc, watch};

use super::outbox::{Inbox, Outbox, outbox};
use super::sync::Synced;
use super::{Asked, Readiness};
use crate::identity::Claims;
use crate::policy::View;
use crate::wire::Format;

/// How many commands may wait for the hub before connections wait to send more.
pub(super) const MAX_WAITING: usize = 1_024;

/// A connection, to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub(super) u64);

#[derive(Debug)]
pub(super) enum Command {
    Connect {
        reader: ReaderId,
        format: Format,
        outbox: Outbox,
    },
    Subscribe {
        reader: ReaderId,
        id: String,
        asked: Asked,
        view: Arc<View>,
    },
    Unsubscribe {
        reader: ReaderId,
        id: String,
    },
    Rebind {
        reader: ReaderId,
        claims: Claims,
    },
    Leave {
        reader: ReaderId,
    },
    /// From the hub's own task that brought a snapshot.
    Synced {
        reader: ReaderId,
        number: u64,
        synced: Synced,
    },
}

/// Connects new readers to the hub.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    readiness: watch::Receiver<Readiness>,
    relief: Arc<Notify>,
    outbox_max_bytes: usize,
    next_reader: Arc<AtomicU64>,
}

/// The hub is gone: the daemon is about to end.
#[derive(Debug, thiserror::Error)]
#[error("the feed has ended")]
pub struct HubGone;

impl Handle {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        readiness: watch::Receiver<Readiness>,
        relief: Arc<Notify>,
        outbox_max_bytes: usize,
    ) -> Self {
        let next_reader = Arc::default();
        Self { commands, readiness, relief, outbox_max_bytes, next_reader }
    }

    pub fn readiness(&self) -> Readiness {
        *self.readiness.borrow()
    }

    /// A new reader, without subscriptions. It leaves when its inbox is dropped.
    pub async fn connect(&self, format: Format) -> Result<(Subscriber, Inbox), HubGone> {
        let reader = ReaderId(self.next_reader.fetch_add(1, Ordering::Relaxed));
        let (outbox, inbox) = outbox(self.outbox_max_bytes, Arc::clone(&self.relief));
        let subscriber = Subscriber { reader, commands: self.commands.clone() };
        subscriber.send(Command::Connect { reader, format, outbox }).await?;
        Ok((subscriber, inbox))
    }
}

/// A connection's way to change what it reads; the hub answers through the outbox.
#[derive(Debug)]
pub struct Subscriber {
    reader: ReaderId,
    commands: mpsc::Sender<Command>,
}

impl Subscriber {
    /// `view` is what was made of `asked`; if the tables have been altered since, the hub makes another.
    pub async fn subscribe(&self, id: String, asked: Asked, view: View) -> Result<(), HubGone> {
        let view = Arc::new(view);
        self.send(Command::Subscribe { reader: self.reader, id, asked, view }).await
    }

    /// The reader's claims are others now: it is greeted by them, and subscriptions that would see something else start
    /// anew or end.
    pub async fn rebind(&self, claims: Claims) -> Result<(), HubGone> {
        self.send(Command::Rebind { reader: self.reader, claims }).await
    }

    pub async fn unsubscribe(&self, id: String) -> Result<(), HubGone> {
        self.send(Command::Unsubscribe { reader: self.reader, id }).await
    }

    /// Says that the reader is gone, which the hub also notices by itself, but later.
    pub fn leave(&self) {
        let _ = self.commands.try_send(Command::Leave { reader: self.reader });
    }

    async fn send(&self, command: Command) -> Result<(), HubGone> {
        self.commands.send(command).await.map_err(|_| HubGone)
    }
}
