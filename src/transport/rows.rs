//! `GET …/rows`: a snapshot as JSON or as lines of JSON, streamed at the client's pace.

use std::pin::Pin;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName};
use http::{Method, Uri};
use tokio::sync::OwnedSemaphorePermit;

use super::app::App;
use super::gate::Peer;
use super::order::read_order;
use super::selection::{Selection, parameters, wrong};
use crate::identity::{Ended, Identity};
use crate::policy::{self, Served, View};
use crate::snapshot::{OrderBy, Rows, SnapshotError};
use crate::wire::{Code, Refusal, rows_as_lines};

const LINES: &str = "application/x-ndjson";
const CURSOR: HeaderName = HeaderName::from_static("rowcast-cursor");

/// `GET /v1/tables/{table}/rows`.
pub async fn rows(
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
    let served = app.served.get();
    let (view, order) = asked.resolve(&served, &identity)?;
    let form = if accepts_lines(&headers) { Form::Lines } else { Form::Json };
    let place = app.quotas.read(&identity, peer)?;
    let is_head = method == Method::HEAD;
    let limit = if is_head { Some(0) } else { asked.limit };
    let mut identity_ended = Box::pin(identity.ended());
    let opened = tokio::select! {
        biased;
        ended = &mut identity_ended => return Err(ended.into()),
        opened = open(&app, view, order, limit) => opened,
    };
    let (rows, first) = opened.map_err(|error| refusal(&app, error))?;
    let cursor = rows.cursor().told(served.sight()).to_string();
    let stage = Stage::Opening(first);
    let answer =
        Answer { rows, form, stage, cursor: cursor.clone(), identity_ended, _place: place };
    let body = if is_head { Body::empty() } else { answer.into_body() };
    Ok(([(CONTENT_TYPE, form.content_type()), (CURSOR, &cursor)], body).into_response())
}

/// A read, and its first rows: what goes wrong at once is still told in words.
async fn open(
    app: &App,
    view: View,
    order: Vec<OrderBy>,
    limit: Option<u64>,
) -> Result<(Rows, Option<Bytes>), SnapshotError> {
    let mut rows = app.snapshots.fresh(Arc::new(view), order, limit).await?;
    let first = rows.next().await?;
    Ok((rows, first))
}

/// What a query asks of a table's rows.
#[derive(Debug, PartialEq)]
struct Asked {
    request: policy::Request,
    order: Option<String>,
    limit: Option<u64>,
}

impl Asked {
    /// Reads a query; what isn't understood could have narrowed the rows, and must not be passed over.
    fn read(table: String, query: &str) -> Result<Self, Refusal> {
        let mut selection = Selection::default();
        let (mut order, mut limit) = (None, None);
        for (name, value) in parameters(query)? {
            match name.as_str() {
                "order" => order = Some(value),
                "limit" => limit = Some(read_limit(&value)?),
                _ if selection.take(&name, &value)? => {}
                _ => return Err(wrong(&name, "is not a parameter")),
            }
        }
        Ok(Self { request: selection.of(table)?, order, limit })
    }

    /// What may be ordered by is what may be filtered by, whatever columns are wanted.
    fn resolve(
        &self,
        served: &Served,
        identity: &Identity,
    ) -> Result<(View, Vec<OrderBy>), Refusal> {
        let claims = identity.claims();
        let view = served.view(&self.request, claims)?;
        let Some(order) = &self.order else { return Ok((view, Vec::new())) };
        let whole = policy::Request { columns: None, ..self.request.clone() };
        let order = read_order(order, &served.view(&whole, claims)?)?;
        Ok((view, order))
    }
}

/// PostgreSQL counts no further than `bigint`.
fn read_limit(text: &str) -> Result<u64, Refusal> {
    let number = text.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok());
    number.ok_or_else(|| wrong("limit", "must be a number, from 0"))
}

fn accepts_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(','));
    kinds.any(|kind| kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(LINES))
}

fn refusal(app: &App, error: SnapshotError) -> Refusal {
    let code = match error {
        SnapshotError::TooLarge => Code::TooLarge,
        SnapshotError::NoOrder => Code::InvalidRequest,
        SnapshotError::Altered => {
            app.served.doubt();
            Code::Unavailable
        }
        SnapshotError::Unavailable
        | SnapshotError::NotReady
        | SnapshotError::NoRight
        | SnapshotError::Timeout => Code::Unavailable,
    };
    Refusal::new(code, error.to_string())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Lines,
}

impl Form {
    fn content_type(self) -> &'static str {
        match self {
            Form::Json => "application/json",
            Form::Lines => LINES,
        }
    }
}

/// An answer on its way.
struct Answer {
    rows: Rows,
    form: Form,
    stage: Stage,
    cursor: String,
    identity_ended: Pin<Box<dyn Future<Output = Ended> + Send>>,
    _place: OwnedSemaphorePermit,
}

/// What comes next.
enum Stage {
    /// The beginning, and the first rows.
    Opening(Option<Bytes>),
    /// Rows that were taken already.
    Taken(Bytes),
    /// Rows, behind others.
    More,
    Done,
}

/// An answer broke off: its connection is closed before its end, so that nobody takes it for whole.
#[derive(Debug, thiserror::Error)]
enum BrokeOff {
    #[error("the rows could not be read to their end")]
    Read(#[from] SnapshotError),
    #[error("the credential has ended")]
    Identity,
}

impl Answer {
    fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(self, async |mut answer| {
            let next = answer.next().await.transpose()?;
            if next.is_err() {
                answer.stage = Stage::Done;
            }
            Some((next, answer))
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BrokeOff> {
        let is_over = matches!(self.stage, Stage::Done);
        // What was taken may have waited for the client since.
        if !is_over && (&mut self.identity_ended).now_or_never().is_some() {
            return Err(BrokeOff::Identity);
        }
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Opening(None) => Ok(self.form.all_of_none(&self.cursor)),
            Stage::Opening(Some(chunk)) => match self.form {
                Form::Lines => Ok(Some(self.lines(&chunk))),
                Form::Json => {
                    self.stage = Stage::Taken(chunk);
                    Ok(Some(Bytes::from_static(b"{\"rows\":[")))
                }
            },
            Stage::Taken(chunk) => {
                self.stage = Stage::More;
                Ok(Some(chunk))
            }
            Stage::More => self.more().await,
            Stage::Done => Ok(None),
        }
    }

    async fn more(&mut self) -> Result<Option<Bytes>, BrokeOff> {
        let chunk = tokio::select! {
            biased;
            _ = &mut self.identity_ended => return Err(BrokeOff::Identity),
            chunk = self.rows.next() => chunk?,
        };
        Ok(match (chunk, self.form) {
            (Some(chunk), Form::Lines) => Some(self.lines(&chunk)),
            (Some(chunk), Form::Json) => {
                self.stage = Stage::Taken(chunk);
                Some(Bytes::from_static(b",\n"))
            }
            (None, Form::Lines) => None,
            (None, Form::Json) => Some(closing(&self.cursor).into()),
        })
    }

    fn lines(&mut self, chunk: &[u8]) -> Bytes {
        self.stage = Stage::More;
        rows_as_lines(chunk).into()
    }
}

impl Form {
    fn all_of_none(self, cursor: &str) -> Option<Bytes> {
        (self == Form::Json).then(|| format!("{{\"rows\":[{}", closing(cursor)).into())
    }
}

/// A cursor's text needs no escapes.
fn closing(cursor: &str) -> String {
    format!("],\"cursor\":\"{cursor}\"}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_parameter_of_rows_is_refused() {
        for name in ["cursor", "wait", "coalesce", "old", "snapshot", "offset", "Limit"] {
            let refused = Asked::read("t".to_owned(), &format!("{name}=1")).unwrap_err();
            assert_eq!(refused.detail, format!("\"{name}\" is not a parameter"));
        }
        for query in ["limit=-1", "limit=", "limit=9223372036854775808", "limit=1&limit=1"] {
            assert!(Asked::read("t".to_owned(), query).is_err(), "{query}");
        }
        let asked = Asked::read("t".to_owned(), "access_token=x&limit=0&order=id").unwrap();
        assert_eq!((asked.limit, asked.order.as_deref()), (Some(0), Some("id")));
    }
}
