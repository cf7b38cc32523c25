//! The served tables as they are now: tables change while clients are connected.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::Served;

/// The served tables, for those who use them.
#[derive(Clone, Debug)]
pub struct Current {
    served: watch::Receiver<Arc<Served>>,
    doubt: Arc<Notify>,
}

/// Who watches the catalog has this end.
#[derive(Debug)]
pub struct Renewal {
    served: watch::Sender<Arc<Served>>,
    doubt: Arc<Notify>,
}

/// The tables as first bound, and how to renew them.
pub fn current(served: Served) -> (Renewal, Current) {
    let (sender, receiver) = watch::channel(Arc::new(served));
    let doubt = Arc::new(Notify::new());
    let renewal = Renewal { served: sender, doubt: Arc::clone(&doubt) };
    (renewal, Current { served: receiver, doubt })
}

impl Current {
    pub fn get(&self) -> Arc<Served> {
        Arc::clone(&self.served.borrow())
    }

    /// Waits for new ones; for ever, if there will be none.
    pub async fn renewed(&mut self) -> Arc<Served> {
        if self.served.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        Arc::clone(&self.served.borrow_and_update())
    }

    /// A row doesn't look like its table: asks for a look at the catalog.
    pub fn doubt(&self) {
        self.doubt.notify_one();
    }
}

impl Renewal {
    pub fn get(&self) -> Arc<Served> {
        Arc::clone(&self.served.borrow())
    }

    /// To be called after every look at the catalog that somebody asked for, even if nothing has changed: what was
    /// doubted is held back until then.
    pub fn renew(&self, served: Served) {
        self.served.send_replace(Arc::new(served));
    }

    /// Waits until somebody doubts what is known.
    pub async fn doubted(&self) {
        self.doubt.notified().await;
    }
}
