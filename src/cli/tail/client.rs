//! A daemon's WebSocket, from the other side.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
};

use super::place::Place;
use crate::wire::SUBPROTOCOL;

/// For the connection and its handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// A daemon without news says so every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);
/// After so long it is said that the feed isn't live yet.
const NOT_LIVE: Duration = Duration::from_secs(3);
/// The largest message that is taken.
const MAX_MESSAGE_BYTES: usize = 1 << 30;

/// How to show who is asking.
const HOW: &str = "  show one with --token-file FILE, ROWCAST_TOKEN or --token TOKEN; where the \
                   configuration has the secret\n  of [auth.jwt], --claim sub=42 makes one";

/// Why there is no feed, or no more.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("can't connect to {place}{}", hint(.source))]
    Unreachable { place: Place, source: io::Error },
    #[error("no connection to {place} within {} s", CONNECT.as_secs())]
    TooSlow { place: Place },
    #[error(transparent)]
    Refused(Refusal),
    #[error("{0}\n{HOW}")]
    CredentialNeeded(Refusal),
    #[error("the credential can't be had: {0:#}")]
    NoCredential(anyhow::Error),
    #[error("{place} is not a rowcast daemon: {what}")]
    NotRowcast { place: Place, what: String },
    #[error("the daemon closed the connection: {reason}{}", again(*.code))]
    Closed { code: u16, reason: String },
    #[error("the connection broke")]
    Broke(#[source] tungstenite::Error),
    #[error("the connection ended")]
    Ended,
    #[error("the daemon has been silent for {} s", SILENCE.as_secs())]
    Silent,
    #[error("the output can't be written")]
    Output(#[source] io::Error),
}

impl Broken {
    /// Whether trying again would end the same way.
    pub fn is_final(&self) -> bool {
        match self {
            Self::NotRowcast { .. }
            | Self::Output(_)
            | Self::CredentialNeeded(_)
            | Self::NoCredential(_) => true,
            Self::Refused(refusal) => {
                !["unavailable", "too_many_requests"].contains(&refusal.code.as_str())
            }
            Self::Closed { code, .. } => [1008, 4401, 4403].contains(code),
            _ => false,
        }
    }
}

/// A request that the daemon doesn't serve, and why.
#[derive(Debug, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    pub code: String,
    pub detail: String,
    /// The character of the filter at which it is, from 1.
    pub position: Option<usize>,
}

impl Refusal {
    /// What the daemon says to those who show no credential, however it is noticed.
    pub fn no_credential() -> Self {
        let detail = "a credential is needed".to_owned();
        Self { code: "unauthenticated".to_owned(), detail, position: None }
    }
}

/// What the daemon says.
#[derive(Debug)]
pub enum Message<'a> {
    /// With the cursor where the feed begins.
    Subscribed(String),
    Rows(Vec<&'a RawValue>),
    /// The rows are complete; with the cursor from which it goes on.
    Synced(String),
    Events(Vec<&'a RawValue>),
    /// What came is complete up to this cursor.
    Commit(String),
    Reset(String),
    Refused(Refusal),
    Other,
}

#[derive(Deserialize)]
struct Written<'a> {
    op: String,
    #[serde(borrow, default)]
    events: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    rows: Vec<&'a RawValue>,
    cursor: Option<String>,
    reason: Option<String>,
    code: Option<String>,
    detail: Option<String>,
    position: Option<usize>,
}

impl<'a> Message<'a> {
    pub fn read(text: &'a str) -> Result<Self, Broken> {
        let broken = |error: serde_json::Error| Broken::Broke(tungstenite::Error::Io(error.into()));
        let written: Written<'a> = serde_json::from_str(text).map_err(broken)?;
        let or_empty = Option::unwrap_or_default;
        Ok(match written.op.as_str() {
            "subscribed" => Self::Subscribed(or_empty(written.cursor)),
            "rows" => Self::Rows(written.rows),
            "synced" => Self::Synced(or_empty(written.cursor)),
            "events" => Self::Events(written.events),
            "commit" => Self::Commit(or_empty(written.cursor)),
            "reset" => Self::Reset(or_empty(written.reason)),
            "error" => Self::Refused(Refusal {
                code: or_empty(written.code),
                detail: or_empty(written.detail),
                position: written.position,
            }),
            _ => Self::Other,
        })
    }
}

/// A connection with one subscription.
pub struct Feed {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    is_live: bool,
}

impl Feed {
    /// Connects, shows the token if there is one, and subscribes without waiting for the answer: a
    /// daemon that needs a credential then refuses the subscription at once.
    pub async fn open(
        place: &Place,
        token: Option<&str>,
        subscription: &str,
    ) -> Result<Self, Broken> {
        let socket = timeout(CONNECT, connect(place))
            .await
            .map_err(|_| Broken::TooSlow { place: place.clone() })??;
        let mut feed = Self { socket, is_live: false };
        if let Some(token) = token {
            feed.show(token).await?;
        }
        feed.say(subscription.to_owned()).await?;
        Ok(feed)
    }

    /// Says who is asking, or says it again.
    pub async fn show(&mut self, token: &str) -> Result<(), Broken> {
        self.say(json!({ "op": "auth", "token": token }).to_string()).await
    }

    /// A daemon that has closed the connection may have said why: that is still to be read.
    async fn say(&mut self, text: String) -> Result<(), Broken> {
        match self.socket.send(tungstenite::Message::text(text)).await {
            Ok(()) | Err(tungstenite::Error::Io(_)) => Ok(()),
            Err(tungstenite::Error::Protocol(ProtocolError::SendAfterClosing)) => Ok(()),
            Err(error) => Err(Broken::Broke(error)),
        }
    }

    /// Says that the daemon has confirmed the subscription.
    pub fn is_live(&mut self) {
        self.is_live = true;
    }

    /// The next message.
    pub async fn next(&mut self) -> Result<Utf8Bytes, Broken> {
        loop {
            let next = self.socket.next();
            let heard = match self.is_live {
                true => timeout(SILENCE, next).await.map_err(|_| Broken::Silent)?,
                false => until_live(next).await?,
            };
            match heard {
                Some(Ok(tungstenite::Message::Text(text))) => return Ok(text),
                Some(Ok(tungstenite::Message::Close(frame))) => return Err(closed(frame)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Broken::Broke(error)),
                None => return Err(Broken::Ended),
            }
        }
    }
}

async fn until_live<T>(next: impl Future<Output = T>) -> Result<T, Broken> {
    let mut next = std::pin::pin!(next);
    if let Ok(heard) = timeout(NOT_LIVE, &mut next).await {
        return Ok(heard);
    }
    tracing::info!("waiting: the daemon has not caught up with its database yet");
    timeout(SILENCE, next).await.map_err(|_| Broken::Silent)
}

async fn connect(place: &Place) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Broken> {
    let not_rowcast = |what: String| Broken::NotRowcast { place: place.clone(), what };
    let mut request =
        place.websocket().into_client_request().map_err(|e| not_rowcast(e.to_string()))?;
    let spoken = http::HeaderValue::from_static(SUBPROTOCOL);
    request.headers_mut().insert(http::header::SEC_WEBSOCKET_PROTOCOL, spoken);
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let connector = match place.has_tls() {
        true => Some(tls().map_err(|error| Broken::Unreachable {
            place: place.clone(),
            source: io::Error::other(error),
        })?),
        false => None,
    };
    match connect_async_tls_with_config(request, Some(limits), true, connector).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Io(source)) => {
            Err(Broken::Unreachable { place: place.clone(), source })
        }
        Err(tungstenite::Error::Http(answer)) => {
            let problem =
                answer.body().as_deref().and_then(|body| serde_json::from_slice(body).ok());
            Err(match problem {
                Some(refusal) => Broken::Refused(refusal),
                None => not_rowcast(format!("it answers {}", answer.status())),
            })
        }
        Err(error) => Err(not_rowcast(error.to_string())),
    }
}

/// Trusts whom the system trusts.
fn tls() -> Result<Connector, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(config)))
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => " (is `rowcast serve` running there?)",
        _ => "",
    }
}

fn again(code: u16) -> &'static str {
    match code {
        4401 => " (begin again with a new one)",
        _ => "",
    }
}

fn closed(frame: Option<tungstenite::protocol::CloseFrame>) -> Broken {
    match frame {
        Some(frame) => {
            Broken::Closed { code: frame.code.into(), reason: frame.reason.as_str().to_owned() }
        }
        None => Broken::Ended,
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("is_live", &self.is_live).finish_non_exhaustive()
    }
}
