//! The handshake, as tokio-postgres asks for it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::ClientConfig;
use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls_improved::MakeRustlsConnect;

/// A name that isn't sent to the server.
const NO_NAME: &str = "0.0.0.0";

/// Makes handshakes, and remembers whether there was one.
#[derive(Clone)]
pub struct Connector {
    /// None for connections that never use TLS.
    rustls: Option<MakeRustlsConnect>,
    /// Whether the host must have a name that a certificate can bear.
    name_matters: bool,
    begun: Arc<AtomicBool>,
}

/// The handshake failed, or what the server showed was not accepted.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct HandshakeFailed(#[from] io::Error);

impl HandshakeFailed {
    pub fn io(&self) -> &io::Error {
        &self.0
    }
}

impl Connector {
    pub fn new(config: Option<ClientConfig>, name_matters: bool) -> Self {
        let rustls = config.map(MakeRustlsConnect::new);
        Self { rustls, name_matters, begun: Arc::default() }
    }

    /// One for the next connection, which has not begun a handshake.
    pub fn renewed(&self) -> Self {
        Self { begun: Arc::default(), ..self.clone() }
    }

    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }
}

type Inner = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

pub struct Handshake {
    rustls: Option<Inner>,
    begun: Arc<AtomicBool>,
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = HandshakeFailed;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, HandshakeFailed> {
        let mut make = |host: &str| {
            let rustls = self.rustls.as_mut();
            rustls
                .map(|rustls| MakeTlsConnect::<Socket>::make_tls_connect(rustls, host))
                .transpose()
        };
        let rustls = match make(host) {
            // Sockets have no host, and no TLS either.
            Err(_) if !self.name_matters || host.is_empty() => make(NO_NAME),
            made => made,
        };
        let rustls = rustls.map_err(io::Error::other)?;
        Ok(Handshake { rustls, begun: self.begun.clone() })
    }
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = HandshakeFailed;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, HandshakeFailed>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        self.begun.store(true, Ordering::Relaxed);
        Box::pin(async move {
            match self.rustls {
                Some(rustls) => Ok(rustls.connect(socket).await?),
                None => Err(io::Error::other("TLS is switched off").into()),
            }
        })
    }
}
