//! A WebSocket connection: obeys what the client says until one of them has had enough.

mod farewell;
mod socket;

use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;

use self::farewell::Farewell;
use self::socket::{Socket, Step};
use super::app::App;
use crate::identity::Claims;
use crate::shape::{Asked, Subscriber};
use crate::wire::{self, ClientMessage, Code, Format, Misread, Refusal};

/// Serves one WebSocket; `read_ahead` was read behind the handshake.
pub async fn serve(socket: TcpStream, read_ahead: Bytes, app: &App) {
    let Ok((subscriber, inbox)) = app.hub.connect(Format::WebSocket).await else { return };
    let mut socket = Socket::new(socket, read_ahead, inbox, app.timing.ping);
    socket.queue(wire::hello());
    let farewell = loop {
        match socket.next().await {
            Step::Message(text) => {
                if let Err(farewell) = obey(&text, &mut socket, &subscriber, app).await {
                    break farewell;
                }
            }
            Step::Over(farewell) => break farewell,
        }
    };
    drop(subscriber);
    socket.close(farewell, app.timing.close).await;
}

async fn obey(
    text: &str,
    socket: &mut Socket,
    subscriber: &Subscriber,
    app: &App,
) -> Result<(), Farewell> {
    let message = match wire::read_message(text) {
        Ok(message) => message,
        Err(Misread::Refused { id, refusal }) => {
            socket.queue(wire::error(id.as_deref(), &refusal));
            return Ok(());
        }
        Err(Misread::Violation(refusal)) => {
            socket.queue(wire::error(None, &refusal));
            return Err(Farewell::Violation);
        }
    };
    match message {
        ClientMessage::Auth => {
            let detail = "no way to check credentials is configured";
            socket.queue(wire::error(None, &Refusal::new(Code::Unauthenticated, detail)));
            Err(Farewell::Unauthenticated)
        }
        ClientMessage::Subscribe(wanted) => subscribe(wanted, socket, subscriber, app).await,
        ClientMessage::Unsubscribe { id } => {
            subscriber.unsubscribe(id).await.map_err(|_| Farewell::Restarting)
        }
        ClientMessage::Ping { nonce } => {
            socket.queue(wire::pong(nonce.as_deref()));
            Ok(())
        }
    }
}

async fn subscribe(
    wanted: wire::Subscribe,
    socket: &mut Socket,
    subscriber: &Subscriber,
    app: &App,
) -> Result<(), Farewell> {
    let claims = Claims::default();
    match app.served.get().view(&wanted.request, &claims) {
        Ok(view) => {
            let request = Arc::new(wanted.request);
            let asked = Asked { request, claims, with_old: wanted.old };
            let subscribed = subscriber.subscribe(wanted.id, asked, view).await;
            subscribed.map_err(|_| Farewell::Restarting)
        }
        Err(unknown) => {
            socket.queue(wire::error(Some(&wanted.id), &unknown.into()));
            Ok(())
        }
    }
}
