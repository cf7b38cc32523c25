//! Live feeds as Server-Sent Events: a body of shared bytes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName};
use http::{Method, Uri};
use http_body::Frame;

use super::app::App;
use super::asked::Asked;
use super::gate::Peer;
use super::quota::Share;
use crate::identity::{self, Identity};
use crate::policy::View;
use crate::shape::{self, End, Inbox, Taken};
use crate::wire::{self, Code, Delivery, Format, Refusal};

const EVENT_STREAM: &str = "text/event-stream";

/// `GET /v1/tables/{table}/changes`.
pub async fn changes(
    State(app): State<Arc<App>>,
    Extension(identity): Extension<Identity>,
    Extension(Peer(peer)): Extension<Peer>,
    table: Result<Path<String>, PathRejection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Path(table) = table.map_err(|_| Refusal::invalid("the table's name must be UTF-8"))?;
    let asked = Asked::read(table, uri.query().unwrap_or(""))?;
    let view = app.served.get().view(&asked.request, identity.claims())?;
    if !accepts_event_stream(&headers) {
        let detail = format!("\"Accept\" must be {EVENT_STREAM}: polling is not available yet");
        return Err(Refusal::invalid(detail));
    }
    if method == Method::HEAD {
        return Ok(answer(Body::empty()));
    }
    let resumes = headers.get("last-event-id").is_some_and(|id| !id.is_empty());
    let share = app.quotas.share(Some(&identity), peer)?;
    let asked = shape::Asked {
        request: Arc::new(asked.request),
        claims: identity.claims().clone(),
        with_old: asked.old,
        start: shape::Start::Anew,
        snapshot: false,
        coalesce: std::time::Duration::ZERO,
        place: Arc::new(share.subscription()?),
    };
    let stream = open(&app, &identity, share, asked, view, resumes).await?;
    Ok(answer(Body::new(stream)))
}

fn accepts_event_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(','));
    kinds.any(|kind| {
        let kind = kind.split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case(EVENT_STREAM)
    })
}

fn answer(body: Body) -> Response {
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
    asked: shape::Asked,
    view: View,
    resumes: bool,
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
    if resumes {
        let cause = wire::ResetCause::CursorExpired;
        stream.ready.push_back(wire::reset(Format::EventStream, wire::Feed(0), cause));
    }
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
        End::TooSlow => Some(Refusal::new(Code::TooManyRequests, "this reader did not keep up")),
        End::Restarting => Some(Refusal::new(Code::Unavailable, "restarting, come back")),
        End::Withdrawn => None,
    }
}
