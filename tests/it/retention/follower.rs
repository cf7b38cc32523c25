//! A subscriber to all rows, and what it got.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio_util::task::AbortOnDropHandle;

use crate::delivery::fixture::Stream;
use crate::support::eventually;

#[derive(Debug, Default)]
pub struct Got {
    /// Of the rows that were created.
    pub ids: Vec<i64>,
    pub resets: Vec<String>,
    pub cursor: Option<String>,
}

pub struct Follower {
    got: Arc<Mutex<Got>>,
    _reading: AbortOnDropHandle<()>,
}

impl Follower {
    /// Waits until it is live.
    pub async fn start(address: &str, cursor: Option<&str>) -> Self {
        let mut request = reqwest::Client::new().get(format!("{address}/v1/tables/rows/changes"));
        if let Some(cursor) = cursor {
            request = request.header("last-event-id", cursor);
        }
        let mut stream = Stream::open(request).await;
        let got = Arc::new(Mutex::new(Got::default()));
        let kept = Arc::clone(&got);
        let reading = tokio::spawn(async move {
            while let Some(block) = stream.next().await {
                let mut got = kept.lock().unwrap();
                got.cursor = block.id.or(got.cursor.take());
                match block.event.as_str() {
                    "created" => got.ids.push(block.data["data"]["id"].as_i64().unwrap()),
                    "reset" => got.resets.push(block.data["reason"].as_str().unwrap().to_owned()),
                    "cursor" => {}
                    other => panic!("{other}: {}", block.data),
                }
            }
        });
        let follower = Self { got, _reading: AbortOnDropHandle::new(reading) };
        follower.until("a cursor", |got| got.cursor.is_some()).await;
        follower
    }

    pub fn look<T>(&self, look: impl FnOnce(&Got) -> T) -> T {
        look(&self.got.lock().unwrap())
    }

    pub async fn until(&self, what: &str, condition: impl Fn(&Got) -> bool) {
        eventually(what, async || self.look(&condition).then_some(())).await;
    }

    pub fn cursor(&self) -> String {
        self.look(|got| got.cursor.clone().unwrap())
    }

    /// Each row from 1 to the last one, once, without a reset.
    pub async fn has_all(&self, last: i64) {
        self.until("all rows", |got| got.ids.len() as i64 >= last).await;
        let (mut ids, resets) = self.look(|got| (got.ids.clone(), json!(got.resets)));
        ids.sort_unstable();
        assert_eq!(resets, json!([]));
        assert!(ids.into_iter().eq(1..=last));
    }
}
