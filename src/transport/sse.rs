//! Live feeds as Server-Sent Events: a body of shared bytes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName};
use http_body::Frame;

use super::app::App;
use super::quota::Share;
use crate::identity::{self, Identity};
use crate::policy::View;
use crate::shape::{Asked, End, Inbox, Taken};
use crate::wire::{self, Code, Delivery, Format, Refusal};

const EVENT_STREAM: &str = "text/event-stream";

/// Whether the client takes a live feed for an answer (RFC 9110, section 12.5.1).
pub fn is_accepted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(','));
    kinds.any(|kind| {
        let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
        let weight = parameters.split(';').find_map(|one| one.trim().strip_prefix("q="));
        let is_refused = weight.is_some_and(|weight| weight.parse() == Ok(0.0));
        kind.trim().eq_ignore_ascii_case(EVENT_STREAM) && !is_refused
    })
}

/// Opens a live feed.
pub async fn answer(
    app: &App,
    identity: &Identity,
    share: Share,
    asked: Asked,
    view: View,
) -> Result<Response, Refusal> {
    let stream = open(app, identity, share, asked, view).await?;
    Ok(with_headers(Body::new(stream)))
}

/// A feed's headers, for those who ask for nothing else.
pub fn head() -> Response {
    with_headers(Body::empty())
}

fn with_headers(body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, EVENT_STREAM),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

/// A live feed's body. It ends when the hub ends it; dropping it is how the client leaves.
struct Stream {
    ready: VecDeque<Delivery>,
    inbox: Inbox,
    identity_ended: Pin<Box<dyn Future<Output = identity::Ended> + Send>>,
    ended: bool,
    _share: Share,
}

/// Subscribes, and waits until that is true: the answer's headers say that the feed is live.
async fn open(
    app: &App,
    identity: &Identity,
    share: Share,
    asked: Asked,
    view: View,
) -> Result<Stream, Refusal> {
    let unavailable = || Refusal::new(Code::Unavailable, "the feed is not live yet");
    let connected = app.hub.connect(Format::EventStream).await;
    let (subscriber, inbox) = connected.map_err(|_| unavailable())?;
    let mut stream = Stream {
        ready: VecDeque::from([wire::event_stream_opening()]),
        inbox,
        identity_ended: Box::pin(identity.ended()),
        ended: false,
        _share: share,
    };
    let subscribed = subscriber.subscribe("changes".to_owned(), asked, view).await;
    subscribed.map_err(|_| unavailable())?;
    let first = poll_fn(|cx| stream.inbox.poll_take(cx, &mut stream.ready));
    match tokio::time::timeout(app.timing.live, first).await {
        Ok(Taken::Deliveries) => Ok(stream),
        Ok(Taken::Ended(_)) | Err(_) => Err(unavailable()),
    }
}

impl Stream {
    fn end(&mut self, why: Option<&Refusal>) {
        self.ended = true;
        self.ready.extend(why.map(wire::event_stream_end));
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let stream = &mut *self;
        if !stream.ended
            && let Poll::Ready(ended) = stream.identity_ended.as_mut().poll(cx)
        {
            stream.ready.clear();
            stream.end(Some(&ended.into()));
        }
        loop {
            if let Some(delivery) = stream.ready.pop_front() {
                if delivery.len_bytes() == 0 {
                    continue;
                }
                return Poll::Ready(Some(Ok(Frame::data(delivery.into_bytes()))));
            }
            if stream.ended {
                return Poll::Ready(None);
            }
            if let Taken::Ended(end) = ready!(stream.inbox.poll_take(cx, &mut stream.ready)) {
                stream.end(refusal_of(end).as_ref());
            }
        }
    }
}

/// What is still to be said, if anything is.
fn refusal_of(end: End) -> Option<Refusal> {
    match end {
        End::TooSlow => {
            Some(Refusal::new(Code::TooManyRequests, "this client asks more than it reads"))
        }
        End::Restarting => Some(Refusal::new(Code::Unavailable, "restarting, come back")),
        End::Withdrawn => None,
    }
}
