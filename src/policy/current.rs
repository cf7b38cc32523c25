//! The served tables as they are now: tables change while clients are connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};

use super::Served;

/// The served tables, for those who use them.
#[derive(Clone, Debug)]
pub struct Current {
    state: watch::Receiver<State>,
    doubt: Arc<Notify>,
}

/// Who watches the catalog has this end.
#[derive(Debug)]
pub struct Renewal {
    state: watch::Sender<State>,
    doubt: Arc<Notify>,
    /// A doubt was heard, and is being looked into.
    is_looking: AtomicBool,
}

/// What is known of the tables.
#[derive(Clone, Debug)]
pub struct State {
    pub served: Arc<Served>,
    /// How many doubts have been looked into. What they led to is in `served`.
    pub looks: u64,
}

/// The tables as first bound, and how to renew them.
pub fn current(served: Served) -> (Renewal, Current) {
    let (sender, receiver) = watch::channel(State { served: Arc::new(served), looks: 0 });
    let doubt = Arc::new(Notify::new());
    let is_looking = AtomicBool::new(false);
    let renewal = Renewal { state: sender, doubt: Arc::clone(&doubt), is_looking };
    (renewal, Current { state: receiver, doubt })
}

impl Current {
    pub fn get(&self) -> Arc<Served> {
        Arc::clone(&self.state.borrow().served)
    }

    /// Waits for new ones, or for a look that found none; for ever, if there will be neither.
    pub async fn renewed(&mut self) -> State {
        if self.state.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.state.borrow_and_update().clone()
    }

    /// A row doesn't look like its table: asks for a look at the catalog.
    pub fn doubt(&self) {
        self.doubt.notify_one();
    }
}

impl Renewal {
    pub fn get(&self) -> Arc<Served> {
        Arc::clone(&self.state.borrow().served)
    }

    pub fn renew(&self, served: Served) {
        let served = Arc::new(served);
        self.state.send_modify(|state| state.served = served);
    }

    /// Waits until somebody doubts what is known. To be called when a look at the catalog has succeeded, and what it
    /// found was handed on: what was doubted before is held back until then.
    pub async fn doubted(&self) {
        if self.is_looking.swap(false, Ordering::Relaxed) {
            self.state.send_modify(|state| state.looks += 1);
        }
        self.doubt.notified().await;
        self.is_looking.store(true, Ordering::Relaxed);
    }
}
