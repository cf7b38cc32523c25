//! A WebSocket connection: obeys what the client says until one of them has had enough.

mod admission;
mod farewell;
mod socket;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;

use self::farewell::Farewell;
use self::socket::{Socket, Step};
use super::app::App;
use super::gate::Visitor;
use super::quota::Share;
use crate::identity::{Ended, Identity, Refused};
use crate::shape::{Asked, Start, Subscriber};
use crate::wire::{self, ClientMessage, Code, Format, Misread, Refusal, Token};

/// A renewal binds all subscriptions anew, which holds up the hub: it counts as a message for so many of them.
const BOUND_PER_MESSAGE: u32 = 8;

/// Serves one WebSocket; `read_ahead` was read behind the handshake. What is soon over has a box of its own: an idle
/// connection doesn't pay for it.
pub async fn serve(socket: TcpStream, read_ahead: Bytes, visitor: Visitor, app: &App) {
    let mut socket = Socket::new(socket, read_ahead, app);
    let farewell = match Box::pin(admission::admit(&mut socket, visitor, app)).await {
        Ok((guest, share)) => attend(&mut socket, guest, share, app).await,
        Err(farewell) => farewell,
    };
    Box::pin(socket.close(farewell, app.timing.close)).await;
}

/// Serves someone who is known, until it is over.
async fn attend(socket: &mut Socket, identity: Identity, share: Arc<Share>, app: &App) -> Farewell {
    let Ok((subscriber, inbox)) = app.hub.connect(Format::WebSocket).await else {
        return Farewell::Restarting;
    };
    socket.admit(inbox, app);
    socket.queue(wire::hello(identity.claims()));
    let ended = Box::pin(identity.ended());
    let mut guest = Guest { identity, share, ended, subscriber, subscriptions: 0, app };
    loop {
        let step = tokio::select! {
            biased;
            ended = &mut guest.ended => return ended.into(),
            step = socket.next() => step,
        };
        let obeyed = match step {
            Step::Message(text) => Box::pin(guest.obey(&text, socket)).await,
            Step::Hasty(text) => {
                refuse(&text, socket);
                Ok(())
            }
            Step::Over(farewell) => return farewell,
        };
        if let Err(farewell) = obeyed {
            return farewell;
        }
    }
}

/// Says that there were too many messages; only a subscription that there won't be is named.
fn refuse(text: &str, socket: &mut Socket) {
    let refusal = Refusal::new(Code::TooManyRequests, "too many messages, this one was not obeyed");
    match wire::read_message(text) {
        Ok(ClientMessage::Subscribe(wanted)) => {
            socket.queue(wire::error(Some(&wanted.id), &refusal));
        }
        _ => socket.queue(wire::error(None, &refusal)),
    }
}

/// Someone who is known, with what they hold.
struct Guest<'a> {
    identity: Identity,
    share: Arc<Share>,
    ended: Pin<Box<dyn Future<Output = Ended> + Send>>,
    subscriber: Subscriber,
    /// How many subscriptions there may be.
    subscriptions: u32,
    app: &'a App,
}

impl Guest<'_> {
    async fn obey(&mut self, text: &str, socket: &mut Socket) -> Result<(), Farewell> {
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
            ClientMessage::Auth(token) => self.renew(token, socket).await,
            ClientMessage::Subscribe(wanted) => self.subscribe(wanted, socket).await,
            ClientMessage::Unsubscribe { id } => {
                self.subscriptions = self.subscriptions.saturating_sub(1);
                self.subscriber.unsubscribe(id).await.map_err(|_| Farewell::Restarting)
            }
            ClientMessage::Ping { nonce } => {
                socket.queue(wire::pong(nonce.as_deref()));
                Ok(())
            }
        }
    }

    async fn subscribe(
        &mut self,
        wanted: wire::Subscribe,
        socket: &mut Socket,
    ) -> Result<(), Farewell> {
        let view = self.app.served.get().view(&wanted.request, self.identity.claims());
        let found =
            view.map_err(Refusal::from).and_then(|view| Ok((view, self.share.subscription()?)));
        match found {
            Ok((view, place)) => {
                self.subscriptions = self.subscriptions.saturating_add(1);
                let asked = Asked {
                    request: Arc::new(wanted.request),
                    claims: self.identity.claims().clone(),
                    with_old: wanted.old,
                    start: wanted.cursor.map_or(Start::Anew, Start::After),
                    snapshot: wanted.snapshot,
                    coalesce: wanted.coalesce,
                    place: Arc::new(place),
                };
                let subscribed = self.subscriber.subscribe(wanted.id, asked, view).await;
                subscribed.map_err(|_| Farewell::Restarting)
            }
            Err(refusal) => {
                socket.queue(wire::error(Some(&wanted.id), &refusal));
                Ok(())
            }
        }
    }

    /// Goes on as whom the token names, if that is known before the present identity ends; the subscriptions are bound
    /// anew. The hub says `hello`, behind all that is due to the identity before.
    async fn renew(&mut self, token: Token, socket: &mut Socket) -> Result<(), Farewell> {
        let checked = tokio::select! {
            biased;
            ended = &mut self.ended => return Err(ended.into()),
            checked = admission::check(token, socket, self.app) => checked?,
        };
        let identity = match checked {
            Ok(identity) => identity,
            Err(refused) => {
                let ends = !matches!(refused, Refused::Unavailable);
                socket.queue(wire::error(None, &refused.into()));
                return if ends { Err(Farewell::Unauthenticated) } else { Ok(()) };
            }
        };
        socket.charge(self.subscriptions / BOUND_PER_MESSAGE);
        self.share = admission::place_of(&identity, &self.share, socket, self.app)?;
        self.ended = Box::pin(identity.ended());
        let rebound = self.subscriber.rebind(identity.claims().clone()).await;
        self.identity = identity;
        rebound.map_err(|_| Farewell::Restarting)
    }
}
