//! Copies on a WebSocket: several subscriptions on one connection.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::copy::{Fault, Row};
use super::mirror::{End, Mirror, SILENCE, Token};
use crate::random::Object;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits for `subscribed`; whether it brought a cursor.
    Asked {
        resumes: bool,
    },
    /// Waits for its rows, and for `synced`.
    Rows,
    Live,
    /// Waits for `unsubscribed`; what comes is for nobody.
    Leaving,
}

struct Subscription {
    copy: usize,
    id: String,
    feed: u64,
    with_snapshot: bool,
    state: State,
}

struct Session<'m> {
    mirror: &'m Mirror,
    socket: WebSocketStream<TcpStream>,
    subscriptions: Vec<Subscription>,
    token: Token,
    /// The one before, until the daemon greets by the new one.
    former: Option<Token>,
    ids: u32,
}

pub async fn follow(mirror: &Mirror, until: Instant, rng: &mut StdRng) -> Result<(), End> {
    let token = mirror.token(rng);
    let by_message = rng.random_bool(0.3) && token.text.is_some();
    let path = match &token.text {
        Some(token) if !by_message => format!("/v1/ws?access_token={token}"),
        _ => "/v1/ws".to_owned(),
    };
    let socket = open(mirror, &token, &path).await?;
    let subscriptions = Vec::new();
    let mut session = Session { mirror, socket, subscriptions, token, former: None, ids: 0 };
    if by_message {
        session.authenticate().await?;
    }
    for copy in 0..mirror.copies.len() {
        session.subscribe(copy, rng).await?;
    }
    let mut renews_at = session.renews_at(rng);
    let mut leaves_at = leaves_at(mirror, rng);
    loop {
        tokio::select! {
            message = tokio::time::timeout(SILENCE, session.socket.next()) => {
                let message = message.map_err(|_| fault("silence"))?;
                let message = message.ok_or_else(|| End::broken("the stream ended"))?;
                session.take(message.map_err(End::broken)?, rng).await?;
            }
            () = at(renews_at) => {
                let former = std::mem::replace(&mut session.token, mirror.token(rng));
                session.former = Some(former);
                session.authenticate().await?;
                mirror.counts.renewals.add(1);
                renews_at = session.renews_at(rng);
            }
            () = at(leaves_at) => {
                session.leave(rng).await?;
                leaves_at = self::leaves_at(mirror, rng);
            }
            () = at(Some(until)) => return Ok(()),
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

fn leaves_at(mirror: &Mirror, rng: &mut StdRng) -> Option<Instant> {
    let secs = rng.random_range(0.2..6.0);
    mirror.is_restless.then(|| Instant::now() + Duration::from_secs_f64(secs))
}

fn fault(what: &str) -> End {
    End::Fault(what.to_owned())
}

async fn open(
    mirror: &Mirror,
    token: &Token,
    path: &str,
) -> Result<WebSocketStream<TcpStream>, End> {
    let address = mirror.proxy.address;
    let opening = async {
        let stream = TcpStream::connect(address).await.map_err(End::broken)?;
        match client_async(format!("ws://{address}{path}"), stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                Err(refused(answer.status().as_u16(), token))
            }
            Err(error) => Err(End::broken(error)),
        }
    };
    let opened = tokio::time::timeout(SILENCE, opening).await;
    opened.map_err(|_| fault("no answer to a handshake"))?
}

/// What an answer other than the wanted one means.
pub fn refused(status: u16, token: &Token) -> End {
    match status {
        503 => End::broken("503"),
        401 if token.may_have_ended() => End::broken("401"),
        other => End::Fault(format!("status {other}")),
    }
}

impl Session<'_> {
    async fn send(&mut self, message: Value) -> Result<(), End> {
        self.socket.send(Message::text(message.to_string())).await.map_err(End::broken)
    }

    /// On a slow connection the token before may end before the one after it is heard of.
    fn may_have_ended(&self) -> bool {
        let former = self.former.as_ref();
        self.token.may_have_ended() || former.is_some_and(Token::may_have_ended)
    }

    async fn authenticate(&mut self) -> Result<(), End> {
        let message = json!({"op": "auth", "token": self.token.text});
        self.send(message).await
    }

    /// Most renew their tokens in time.
    fn renews_at(&self, rng: &mut StdRng) -> Option<Instant> {
        let ends = self.token.ends.filter(|_| rng.random_bool(0.7))?;
        Some(Instant::now() + (ends - Instant::now()).mul_f64(0.6))
    }

    async fn subscribe(&mut self, index: usize, rng: &mut StdRng) -> Result<(), End> {
        let spec = &self.mirror.specs[index];
        let cursor = {
            let mut copy = self.mirror.copy(index);
            if rng.random_bool(0.04) {
                copy.forget();
            }
            copy.place()
        };
        self.ids += 1;
        let id = format!("{}.{}", index, self.ids);
        let with_snapshot = cursor.is_none() || rng.random_bool(0.8);
        let mut message = json!({"op": "subscribe", "id": id, "table": spec.asked.table,
            "snapshot": with_snapshot, "old": spec.asked.old});
        if let Some(filter) = &spec.asked.filter {
            message["where"] = json!(filter);
            message["params"] = json!(spec.asked.params);
        }
        if let Some(columns) = &spec.asked.columns {
            message["columns"] = json!(columns);
        }
        if spec.coalesce > 0 {
            message["coalesce"] = json!(spec.coalesce);
        }
        let resumes = cursor.is_some();
        message["cursor"] = json!(cursor);
        let state = State::Asked { resumes };
        let sub = Subscription { copy: index, id, feed: 0, with_snapshot, state };
        self.subscriptions.push(sub);
        self.send(message).await
    }

    async fn leave(&mut self, rng: &mut StdRng) -> Result<(), End> {
        let at = rng.random_range(0..self.subscriptions.len());
        let sub = &mut self.subscriptions[at];
        if sub.state != State::Live {
            return Ok(());
        }
        sub.state = State::Leaving;
        self.mirror.copy(sub.copy).broke_off("leaves");
        let message = json!({"op": "unsubscribe", "id": sub.id});
        self.send(message).await
    }

    async fn take(&mut self, message: Message, rng: &mut StdRng) -> Result<(), End> {
        match message {
            Message::Text(text) => {
                let message: Object =
                    serde_json::from_str(&text).map_err(|error| End::Fault(error.to_string()))?;
                self.take_text(&message, rng).await
            }
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(frame) => {
                let code = frame.as_ref().map_or(1005, |frame| frame.code.into());
                let told = format!("closed with {code}");
                self.mirror.counts.name(&told);
                match code {
                    1000 | 1001 | 1005 | 1012 | 4409 => Err(End::Broken(told)),
                    4401 if self.may_have_ended() => Err(End::Broken(told)),
                    _ => Err(End::Fault(format!("{told}: {frame:?}"))),
                }
            }
            other => Err(End::Fault(format!("a message of another kind: {other:?}"))),
        }
    }

    async fn take_text(&mut self, message: &Object, rng: &mut StdRng) -> Result<(), End> {
        match message.text("op").as_str() {
            "hello" => {
                self.former = None;
                Ok(())
            }
            "pong" => Ok(()),
            "subscribed" => self.subscribed(message),
            "rows" => self.rows(message),
            "synced" => self.synced(message),
            "events" => self.events(message),
            "commit" => self.commit(message),
            "reset" => self.reset(message).await,
            "unsubscribed" => self.unsubscribed(message, rng).await,
            "error" if message.text("code") == "unavailable" => Err(End::broken("unavailable")),
            "error" if message.text("code") == "unauthenticated" && self.token.may_have_ended() => {
                Err(End::broken("unauthenticated"))
            }
            _ => Err(End::Fault(format!("{message:?}"))),
        }
    }

    fn by_id(&mut self, message: &Object) -> Result<&mut Subscription, Fault> {
        let id = message.text("id");
        let found = self.subscriptions.iter_mut().find(|it| it.id == id);
        found.ok_or_else(|| format!("an unknown subscription: {message:?}"))
    }

    /// Those who share a feed; there is at least one.
    fn of_feed(&self, message: &Object) -> Result<Vec<usize>, Fault> {
        let feed: Result<u64, _> = message.get("feed").parse();
        let places = 0..self.subscriptions.len();
        let is_it = |at: &usize| {
            let it = &self.subscriptions[*at];
            feed == Ok(it.feed) && !matches!(it.state, State::Asked { .. })
        };
        let found: Vec<_> = places.filter(is_it).collect();
        if found.is_empty() {
            let op = message.text("op");
            return Err(format!("{op} for an unknown feed {}", message.get("feed")));
        }
        Ok(found)
    }

    fn subscribed(&mut self, message: &Object) -> Result<(), End> {
        let columns = message.get("columns").to_owned();
        let mirror = self.mirror;
        let feed = message.get("feed").parse().map_err(|_| fault("no feed"))?;
        let sub = self.by_id(message)?;
        sub.feed = feed;
        let had = {
            let mut copy = mirror.copy(sub.copy);
            copy.note(&format!("subscribed, feed {feed}, was {:?}", sub.state));
            copy.columns.replace(columns.clone())
        };
        match sub.state {
            // If the columns are others now, a reset must follow: what comes after the cursor can't tell of that.
            State::Asked { resumes: true } => {
                mirror.counts.resumes.add(1);
                if had.is_some_and(|had| had != columns) {
                    mirror.counts.name("other columns at a resume");
                }
                sub.state = State::Live;
                Ok(())
            }
            State::Asked { resumes: false } => {
                sub.state = State::Rows;
                Ok(())
            }
            // A table was altered.
            State::Rows if sub.with_snapshot => Ok(()),
            State::Leaving => Ok(()),
            state => Err(End::Fault(format!("subscribed when {state:?}"))),
        }
    }

    fn rows(&mut self, message: &Object) -> Result<(), End> {
        let rows: Vec<Object> =
            serde_json::from_str(message.get("rows")).map_err(|e| End::Fault(e.to_string()))?;
        for at in self.of_feed(message)? {
            let sub = &self.subscriptions[at];
            match sub.state {
                State::Rows => self.mirror.copy(sub.copy).add_rows(rows.clone())?,
                State::Leaving => {}
                state => return Err(End::Fault(format!("rows when {state:?}"))),
            }
        }
        Ok(())
    }

    fn synced(&mut self, message: &Object) -> Result<(), End> {
        let cursor = message.text("cursor");
        for at in self.of_feed(message)? {
            let sub = &mut self.subscriptions[at];
            match sub.state {
                State::Rows => self.mirror.copy(sub.copy).synced(&cursor)?,
                State::Leaving => continue,
                state => return Err(End::Fault(format!("synced when {state:?}"))),
            }
            sub.state = State::Live;
            self.mirror.counts.snapshots.add(1);
        }
        Ok(())
    }

    fn events(&mut self, message: &Object) -> Result<(), End> {
        let events: Vec<Object> =
            serde_json::from_str(message.get("events")).map_err(|e| End::Fault(e.to_string()))?;
        if events.is_empty() {
            return Err(fault("events without an event"));
        }
        for at in self.of_feed(message)? {
            let sub = &self.subscriptions[at];
            match sub.state {
                State::Live => {
                    let mut copy = self.mirror.copy(sub.copy);
                    for event in &events {
                        copy.push(event.clone())?;
                    }
                }
                State::Leaving => {}
                state => return Err(End::Fault(format!("events when {state:?}"))),
            }
        }
        Ok(())
    }

    fn commit(&mut self, message: &Object) -> Result<(), End> {
        let cursor = message.text("cursor");
        self.mirror.counts.commits.add(1);
        for sub in self.subscriptions.iter().filter(|sub| sub.state == State::Live) {
            self.mirror.copy(sub.copy).commit(&cursor)?;
        }
        self.check_pair()
    }

    /// Both were written by the same transactions.
    fn check_pair(&self) -> Result<(), End> {
        let Some((one, other)) = self.mirror.pair else { return Ok(()) };
        let version = |index: usize| {
            let live = |it: &&Subscription| it.copy == index && it.state == State::Live;
            self.subscriptions.iter().find(live)?;
            match self.mirror.copy(index).rows.values().next() {
                Some(Row::Known(row)) => Some(row.get("version").to_owned()),
                _ => Some(String::new()),
            }
        };
        match (version(one), version(other)) {
            (Some(one), Some(other)) if one != other => {
                Err(End::Fault(format!("version {one} beside {other} on one connection")))
            }
            _ => Ok(()),
        }
    }

    async fn reset(&mut self, message: &Object) -> Result<(), End> {
        let reason = message.text("reason");
        self.mirror.counts.name(&format!("reset {reason}"));
        let mut again = Vec::new();
        for at in self.of_feed(message)? {
            let sub = &mut self.subscriptions[at];
            self.mirror.copy(sub.copy).reset(&reason);
            if sub.state == State::Leaving {
                continue;
            }
            sub.state = State::Rows;
            if !sub.with_snapshot {
                sub.state = State::Leaving;
                again.push(json!({"op": "unsubscribe", "id": sub.id}));
            }
        }
        for message in again {
            self.send(message).await?;
        }
        Ok(())
    }

    /// Whoever left comes back.
    async fn unsubscribed(&mut self, message: &Object, rng: &mut StdRng) -> Result<(), End> {
        let id = self.by_id(message)?.id.clone();
        let at = self.subscriptions.iter().position(|it| it.id == id);
        let sub = self.subscriptions.remove(at.expect("it was found by its id"));
        match sub.state {
            State::Leaving => self.subscribe(sub.copy, rng).await,
            state => Err(End::Fault(format!("unsubscribed when {state:?}"))),
        }
    }
}
