//! A connection with the task that drives it.

use std::sync::Arc;
use std::time::Duration;

use std::future::poll_fn;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

/// How long a dropped session may take to say goodbye before its query is cancelled.
const GOODBYE: Duration = Duration::from_secs(1);

/// An open connection. Dropping it closes the connection, ends its task and cancels what it was
/// doing.
///
/// While a query's rows wait to be taken, nothing else arrives on the connection: `LISTEN` needs a
/// session of its own.
pub struct Session {
    pub client: Client,
    pub bell: Bell,
    pub closed: Closed,
    /// As `server_version_num` has it: 150004. 0 if the server doesn't say.
    pub server_version: u32,
    pub(super) _hang_up: HangUp,
}

/// Dropping it tells the task that nobody needs the connection.
pub(super) struct HangUp(
    #[expect(dead_code, reason = "it is there to be dropped")] oneshot::Sender<()>,
);

/// Rings when notifications have come. Rings that nobody waited for count as one; none is
/// forgotten.
#[derive(Clone, Debug)]
pub struct Bell {
    state: watch::Receiver<State>,
    heard: u64,
}

/// Tells when the connection has ended.
#[derive(Clone, Debug)]
pub struct Closed(watch::Receiver<State>);

/// The connection ended; the source says why, unless it was closed from this side.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the connection to the database ended")]
pub struct Disconnected(#[source] Option<Arc<tokio_postgres::Error>>);

#[derive(Debug, Default)]
struct State {
    rings: u64,
    ended: Option<Disconnected>,
}

impl Bell {
    /// Waits for a notification on any channel that the session listens to. Safe to cancel.
    pub async fn rung(&mut self) -> Result<(), Disconnected> {
        loop {
            {
                let state = self.state.borrow_and_update();
                if state.rings != self.heard {
                    self.heard = state.rings;
                    return Ok(());
                }
                if let Some(ended) = &state.ended {
                    return Err(ended.clone());
                }
            }
            self.state.changed().await.map_err(|_| Disconnected(None))?;
        }
    }
}

impl Closed {
    /// Waits until the connection has ended. Safe to cancel.
    pub async fn wait(&self) -> Disconnected {
        let mut state = self.0.clone();
        let ended = state.wait_for(|state| state.ended.is_some()).await;
        ended.ok().and_then(|state| state.ended.clone()).unwrap_or(Disconnected(None))
    }

    pub fn is_closed(&self) -> bool {
        self.0.borrow().ended.is_some() || self.0.has_changed().is_err()
    }
}

impl Session {
    /// Takes over a connection: spawns the task that drives it.
    pub(super) fn start<T>(
        client: Client,
        connection: Connection<Socket, T::Stream>,
        server_version: u32,
        tls: T,
    ) -> Self
    where
        T: MakeTlsConnect<Socket> + Send + 'static,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
    {
        let (sender, state) = watch::channel(State::default());
        let (hang_up, hung_up) = oneshot::channel();
        let cancel = client.cancel_token();
        tokio::spawn(async move {
            let mut connection = connection;
            let ended = tokio::select! {
                ended = drive(&mut connection, &sender) => ended,
                _ = hung_up => {
                    if timeout(GOODBYE, drive(&mut connection, &sender)).await.is_err() {
                        let _ = timeout(GOODBYE, cancel.cancel_query(tls)).await;
                    }
                    None
                }
            };
            sender.send_modify(|state| state.ended = Some(Disconnected(ended.map(Arc::new))));
        });
        Self {
            client,
            bell: Bell { state: state.clone(), heard: 0 },
            closed: Closed(state),
            server_version,
            _hang_up: HangUp(hang_up),
        }
    }
}

/// Moves messages until the connection ends; gives the error that it ended with.
async fn drive<T>(
    connection: &mut Connection<Socket, T>,
    state: &watch::Sender<State>,
) -> Option<tokio_postgres::Error>
where
    T: tokio_postgres::tls::TlsStream + Unpin,
{
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await? {
            Ok(AsyncMessage::Notification(_)) => state.send_modify(|state| state.rings += 1),
            // A notice's detail may quote a row; its message is kept to what it says.
            Ok(AsyncMessage::Notice(notice)) => {
                let (severity, code) = (notice.severity(), notice.code().code());
                tracing::debug!(severity, code, "{}", notice.message());
            }
            Ok(_) => {}
            Err(error) => return Some(error),
        }
    }
}
