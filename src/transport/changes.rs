//! `GET /v1/tables/{table}/changes`: a live feed to those who accept one, else one poll.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{HeaderMap, HeaderValue, VARY};
use http::{Method, Uri};

use super::app::App;
use super::asked::{Asked, Over};
use super::gate::Peer;
use super::{poll, sse};
use crate::identity::Identity;
use crate::wire::Refusal;

pub async fn changes(
    State(app): State<Arc<App>>,
    Extension(identity): Extension<Identity>,
    Extension(peer): Extension<Peer>,
    table: Result<Path<String>, PathRejection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let over = if sse::is_accepted(&headers) { Over::EventStream } else { Over::Poll };
    let asked = match table {
        Ok(Path(table)) => Asked::read(table, uri.query().unwrap_or(""), &headers, over),
        Err(_) => Err(Refusal::invalid("the table's name must be UTF-8")),
    };
    let answer = match asked {
        Ok(asked) => answer(&app, &identity, peer, asked, over, &method).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = answer.unwrap_or_else(Refusal::into_response);
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    response
}

async fn answer(
    app: &App,
    identity: &Identity,
    Peer(peer): Peer,
    asked: Asked,
    over: Over,
    method: &Method,
) -> Result<Response, Refusal> {
    let view = app.served.get().view(&asked.request, identity.claims())?;
    let wait = asked.wait;
    match over {
        Over::EventStream if method == Method::HEAD => return Ok(sse::head()),
        Over::Poll if method == Method::HEAD => return Ok(poll::head()),
        Over::EventStream | Over::Poll => {}
    }
    let share = app.quotas.share(Some(identity), peer)?;
    let asked = asked.subscription(identity.claims().clone(), share.subscription()?);
    match over {
        Over::EventStream => sse::answer(app, identity, share, asked, view).await,
        Over::Poll => poll::answer(app, identity, share, asked, view, wait).await,
    }
}
