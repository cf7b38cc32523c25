//! Paths → what answers them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};

use super::app::App;
use super::{Metrics, changes, files, gate, guards, origin, rows, upgrade};
use crate::identity::Identity;
use crate::shape::Readiness;
use crate::wire::{self, Code, Refusal};

/// Everything that is served on the one port; `extra` is served beside it, to the same pages.
pub fn router(app: Arc<App>, extra: Router) -> Router {
    let to_known = from_fn_with_state(Arc::clone(&app), gate::pass);
    let to_visitors = from_fn_with_state(Arc::clone(&app), gate::pass_visitor);
    let v1 = Router::new()
        .route("/tables", get(tables))
        .route("/tables/{table}/rows", get(rows::rows))
        .route("/tables/{table}/changes", get(changes::changes))
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_here)
        .layer(to_known)
        .route("/ws", any(upgrade::websocket).layer(to_visitors));
    let own_pages = from_fn_with_state(Arc::clone(&app), origin::pass);
    Router::new()
        .nest(gate::GUARDED, v1)
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(from_fn(guards::refuse_bodies))
        .merge(extra.with_state(()))
        .layer(own_pages)
        .method_not_allowed_fallback(wrong_method)
        .fallback(any(file))
        .layer(from_fn(guards::add))
        .with_state(app)
}

async fn tables(State(app): State<Arc<App>>, Extension(identity): Extension<Identity>) -> Response {
    let tables = wire::tables(&app.served.get(), identity.claims());
    ([(CONTENT_TYPE, "application/json")], tables).into_response()
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let detail = match app.hub.readiness() {
        Readiness::Live => return "ready\n".into_response(),
        Readiness::Starting => "the change log's reader has not caught up yet",
        Readiness::Lost => "the database can't be reached",
    };
    Refusal::new(Code::Unavailable, detail).into_response()
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], app.metrics.text()).into_response()
}

async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    match method {
        Method::GET | Method::HEAD => files::file(&uri, &headers),
        _ => wrong_method().await.into_response(),
    }
}

async fn nothing_here(_request: Request) -> Refusal {
    Refusal::new(Code::NotFound, "there is nothing here")
}

async fn wrong_method() -> Refusal {
    Refusal::new(Code::MethodNotAllowed, "this resource can't be asked that way")
}
