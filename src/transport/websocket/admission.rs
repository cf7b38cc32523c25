//! Whose WebSocket it is: shown by the handshake, or by the first message.

use std::sync::Arc;

use tokio::time::timeout;

use super::super::app::App;
use super::super::gate::Visitor;
use super::super::quota::Share;
use super::farewell::Farewell;
use super::socket::{Socket, Step};
use crate::identity::{Identity, Refused, Shown};
use crate::wire::{self, ClientMessage, Code, Misread, Refusal, Token};

/// Waits until it is known who opened the socket; one message and one credential are heard, no more.
pub async fn admit(
    socket: &mut Socket,
    visitor: Visitor,
    app: &App,
) -> Result<(Identity, Arc<Share>), Farewell> {
    if let Some(identity) = visitor.identity {
        return Ok((identity, visitor.share));
    }
    let heard = timeout(app.timing.auth, first_token(socket)).await;
    let token = heard.map_err(|_| Farewell::Unknown)??;
    match check(token, socket, app).await? {
        Ok(identity) => {
            let share = place_of(&identity, &visitor.share, socket, app)?;
            Ok((identity, share))
        }
        Err(refused) => {
            let farewell = match refused {
                Refused::Missing | Refused::Bad(_) => Farewell::Unauthenticated,
                Refused::Unavailable => Farewell::Unchecked,
            };
            socket.queue(wire::error(None, &refused.into()));
            Err(farewell)
        }
    }
}

async fn first_token(socket: &mut Socket) -> Result<Token, Farewell> {
    let text = match socket.next().await {
        Step::Message(text) | Step::Hasty(text) => text,
        Step::Over(farewell) => return Err(farewell),
    };
    let (refusal, farewell) = match wire::read_message(&text) {
        Ok(ClientMessage::Auth(token)) => return Ok(token),
        Ok(_) => {
            let detail = "the first message must be \"auth\"";
            (Refusal::new(Code::Unauthenticated, detail), Farewell::Unauthenticated)
        }
        Err(Misread::Refused { refusal, .. } | Misread::Violation(refusal)) => {
            (refusal, Farewell::Violation)
        }
    };
    socket.queue(wire::error(None, &refusal));
    Err(farewell)
}

/// Has a token checked; meanwhile the socket writes, but doesn't listen.
pub async fn check(
    token: Token,
    socket: &mut Socket,
    app: &App,
) -> Result<Result<Identity, Refused>, Farewell> {
    let shown = Shown { token: Some(token.0), ..Shown::default() };
    let checked = Box::pin(timeout(app.timing.check, app.authority.identify(shown)));
    tokio::select! {
        known = checked => Ok(known.unwrap_or(Err(Refused::Unavailable))),
        farewell = socket.write_on() => Err(farewell),
    }
}

/// The connection's place among those of this identity, which had `before` until now.
pub fn place_of(
    identity: &Identity,
    before: &Arc<Share>,
    socket: &mut Socket,
    app: &App,
) -> Result<Arc<Share>, Farewell> {
    app.quotas.share_again(before, identity).map_err(|refusal| {
        socket.queue(wire::error(None, &refusal));
        Farewell::TooMany
    })
}
