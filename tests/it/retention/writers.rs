//! Writers that go on and on, at a pace that a small log stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::support;

/// Logged as 20 KiB or so.
const INSERT: &str = "insert into rows (pad) select repeat('x', 1000) from generate_series(1, 20)";
const PAUSE: Duration = Duration::from_millis(60);

pub struct Writers {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Writers {
    pub fn start(url: &str, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (url, stop) = (url.to_owned(), Arc::clone(&stop));
            tasks.spawn(async move {
                let client = support::connect(&url).await;
                while !stop.load(Ordering::Relaxed) {
                    client.batch_execute(INSERT).await.unwrap();
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        Self { stop, tasks }
    }

    /// Lets them finish; none of them may have failed.
    pub async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}
