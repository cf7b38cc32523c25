//! Polls: a reader that lives for one answer, which waits for it if it is asked to.

mod cut;
mod gathered;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout_at};

use self::gathered::{Answer, Gathered};
use super::app::App;
use super::quota::Share;
use crate::identity::Identity;
use crate::policy::View;
use crate::shape::{Asked, Inbox, Start, Subscriber, Taken};
use crate::wire::{Code, Delivery, Format, Refusal, poll};

/// Answers one poll; dropping this is how its client leaves.
pub async fn answer(
    app: &App,
    identity: &Identity,
    _share: Share,
    asked: Asked,
    view: View,
    wait: Duration,
) -> Result<Response, Refusal> {
    let cursor = match &asked.start {
        Start::Anew => None,
        Start::After(cursor) => Some(cursor.to_string()),
    };
    let until = Instant::now() + if cursor.is_some() { wait } else { Duration::ZERO };
    let connected = app.hub.connect(Format::Poll).await;
    let (subscriber, inbox) = connected.map_err(|_| unavailable())?;
    let subscribed = subscriber.subscribe("changes".to_owned(), asked, view).await;
    subscribed.map_err(|_| unavailable())?;
    let mut reader = Reader {
        gathered: Gathered::after(cursor),
        taken: VecDeque::new(),
        inbox,
        subscriber,
        live: app.timing.live,
        catch_up: app.timing.catch_up,
    };
    let ended = pin!(identity.ended());
    tokio::select! {
        biased;
        ended = ended => Err(ended.into()),
        answer = reader.answer(until) => answer.map(written),
    }
}

/// An answer with these headers, for those who ask for nothing else.
pub fn head() -> Response {
    [(CONTENT_TYPE, JSON)].into_response()
}

const JSON: &str = "application/json";

fn written(answer: Answer) -> Response {
    let bytes: usize = answer.events.iter().map(|some| some.len() + 1).sum();
    let mut out = Vec::with_capacity(bytes + answer.cursor.len() + 64);
    out.extend_from_slice(br#"{"events":["#);
    for (i, events) in answer.events.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(events);
    }
    out.extend_from_slice(br#"],"cursor":""#);
    out.extend_from_slice(&answer.cursor);
    out.extend_from_slice(if answer.more { br#"","more":true}"# } else { br#""}"# });
    ([(CONTENT_TYPE, JSON)], Bytes::from(out)).into_response()
}

/// A poll's reader.
struct Reader {
    gathered: Gathered,
    taken: VecDeque<Delivery>,
    inbox: Inbox,
    subscriber: Subscriber,
    /// How long the feed may say nothing before it has begun, and from then on until it is complete.
    live: Duration,
    catch_up: Duration,
}

impl Reader {
    /// The first answer that there is; an empty one `until` it is time for that.
    async fn answer(&mut self, until: Instant) -> Result<Answer, Refusal> {
        loop {
            let due = match (self.gathered.is_complete(), self.gathered.has_begun()) {
                (true, _) => until,
                (false, true) => Instant::now() + self.catch_up,
                (false, false) => Instant::now() + self.live,
            };
            match timeout_at(due, self.step()).await {
                Ok(Some(answer)) => return answer,
                Ok(None) => {}
                Err(_) if self.gathered.is_complete() => {
                    return self.gathered.whatever().ok_or_else(unavailable);
                }
                Err(_) => return Err(unavailable()),
            }
        }
    }

    /// Takes what has come; an answer if that is enough for one.
    async fn step(&mut self) -> Option<Result<Answer, Refusal>> {
        let taken = poll_fn(|cx| self.inbox.poll_take(cx, &mut self.taken)).await;
        if let Taken::Ended(_) = taken {
            return Some(self.gathered.some().ok_or_else(unavailable));
        }
        while let Some(delivery) = self.taken.pop_front() {
            for piece in poll::pieces(delivery) {
                if let Some(answer) = self.gathered.take(piece).transpose() {
                    return Some(answer);
                }
            }
        }
        if self.inbox.is_empty() { self.gathered.some().map(Ok) } else { None }
    }
}

/// There is one for each answer: those that are over must not add up.
impl Drop for Reader {
    fn drop(&mut self) {
        self.subscriber.leave();
    }
}

fn unavailable() -> Refusal {
    Refusal::new(Code::Unavailable, "the feed is not live yet")
}
