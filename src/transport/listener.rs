//! Accepts connections and keeps each in one task from its first request to its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::app::App;
use super::gate::{Peer, Visitor};
use super::stall::Stalling;
use super::upgrade::Upgraded;
use super::websocket;
use crate::wire::{Code, Refusal};

/// What the kernel keeps for a connection, instead of the megabytes that it would grow to: a full buffer is called
/// writable only when half of it is free, which a slow reader's progress is measured by.
const SEND_BUFFER_BYTES: usize = 256 << 10;

/// The most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 32 << 10;
/// What is buffered of a request or an answer.
const HTTP_BUFFER_BYTES: usize = 64 << 10;
const MAX_HEADERS: usize = 64;
/// How long accepting rests when it fails, as it does when there are no more file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// How many connections that are too many get an answer at once, and how long that may take; others are dropped.
const MAX_REFUSALS: usize = 64;
const REFUSAL: Duration = Duration::from_secs(1);

/// Serves until `shutdown`, then waits until every connection has ended; dropping it ends them at once.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    router: Router,
    max_connections: usize,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, address)) => match Arc::clone(&places).try_acquire_owned() {
                    Ok(place) => {
                        let (app, router) = (Arc::clone(&app), router.clone());
                        let peer = Peer(address.ip());
                        let shutdown = shutdown.clone();
                        connections.spawn(connection(socket, peer, app, router, place, shutdown));
                    }
                    Err(_) => {
                        app.metrics.refused_connections.inc();
                        if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
                            connections.spawn(refuse(socket, place));
                        }
                    }
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = shutdown.cancelled() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Hears what is asked, since an answer before the question is none, and says that there is no place.
async fn refuse(mut socket: TcpStream, _place: OwnedSemaphorePermit) {
    let refusal = Refusal::new(Code::TooManyRequests, "there are too many connections").problem();
    let head = format!(
        "HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 5\r\n\
         content-type: application/problem+json\r\nx-content-type-options: nosniff\r\n\
         cache-control: no-store\r\ncontent-length: {}\r\n\r\n",
        refusal.len()
    );
    let refused = async {
        let mut heard = [0; 1024];
        if socket.read(&mut heard).await? == 0 {
            return Ok(());
        }
        socket.write_all(head.as_bytes()).await?;
        socket.write_all(&refusal).await?;
        socket.shutdown().await?;
        while socket.read(&mut heard).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(REFUSAL, refused).await;
}

async fn connection(
    socket: TcpStream,
    peer: Peer,
    app: Arc<App>,
    router: Router,
    place: OwnedSemaphorePermit,
    shutdown: CancellationToken,
) {
    app.metrics.connections.inc();
    match Box::pin(http(socket, peer, &app, router, shutdown)).await {
        Ok(Some((socket, read_ahead, visitor))) => {
            websocket::serve(socket, read_ahead, visitor, &app).await;
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "a connection broke"),
    }
    app.metrics.connections.dec();
    drop(place);
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// Serves HTTP; gives the socket back, with what was read ahead, if it goes on as a WebSocket.
async fn http(
    socket: TcpStream,
    peer: Peer,
    app: &App,
    router: Router,
    shutdown: CancellationToken,
) -> Result<Option<(TcpStream, Bytes, Visitor)>, Broken> {
    socket.set_nodelay(true)?;
    SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER_BYTES)?;
    let upgraded = Upgraded::default();
    let answer = {
        let upgraded = upgraded.clone();
        move |mut request: Request<Incoming>| -> Answer {
            request.extensions_mut().insert(upgraded.clone());
            request.extensions_mut().insert(peer);
            Box::pin(router.clone().oneshot(request.map(Body::new)))
        }
    };
    let io = TokioIo::new(Stalling::new(socket, app.timing.stall));
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.timing.header)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(HTTP_BUFFER_BYTES)
        .serve_connection(io, service_fn(answer));
    tokio::select! {
        done = poll_fn(|cx| http.poll_without_shutdown(cx)) => done?,
        () = shutdown.cancelled() => {
            Pin::new(&mut http).graceful_shutdown();
            poll_fn(|cx| http.poll_without_shutdown(cx)).await?;
        }
    }
    let parts = http.into_parts();
    let mut socket = parts.io.into_inner().into_socket();
    if let Some(visitor) = upgraded.take_visitor() {
        return Ok(Some((socket, parts.read_buf, visitor)));
    }
    socket.shutdown().await?;
    Ok(None)
}

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("on its socket")]
    Socket(#[from] io::Error),
    #[error("in its HTTP")]
    Http(#[from] hyper::Error),
}
