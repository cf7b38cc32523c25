//! The network between a mirror and its daemon: it can be cut, stalled, slowed down, and led elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Small, so that whoever doesn't read is noticed.
const BUFFER_BYTES: u32 = 8 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Free,
    /// Nothing of what the daemon sends is taken.
    Stalled,
    BytesPerSecond(usize),
}

pub struct Proxy {
    pub address: SocketAddr,
    target: watch::Sender<SocketAddr>,
    flow: watch::Sender<Flow>,
    cuts: watch::Sender<u64>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (target, to) = watch::channel(target);
        let (flow, flowing) = watch::channel(Flow::Free);
        let (cuts, cut) = watch::channel(0);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let link = Link { to: *to.borrow(), flow: flowing.clone(), cut: cut.clone() };
                tokio::spawn(link.run(client));
            }
        });
        let accepting = AbortOnDropHandle::new(accepting);
        Self { address, target, flow, cuts, _accepting: accepting }
    }

    pub fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    pub fn flow(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }

    pub fn is_free(&self) -> bool {
        *self.flow.borrow() == Flow::Free
    }

    /// Ends all connections, in the middle of whatever they are at.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

struct Link {
    to: SocketAddr,
    flow: watch::Receiver<Flow>,
    cut: watch::Receiver<u64>,
}

impl Link {
    async fn run(mut self, client: TcpStream) {
        self.cut.mark_unchanged();
        let socket = TcpSocket::new_v4().unwrap();
        let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
        let Ok(server) = socket.connect(self.to).await else { return };
        let hard = rand::rng().random_bool(0.5);
        if hard {
            for stream in [&client, &server] {
                let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            }
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let flow = Arc::new(self.flow);
        tokio::select! {
            () = pump(from_server, to_client, Some((*flow).clone())) => {}
            () = pump(from_client, to_server, None) => {}
            // When the proxy is gone this is an error, and the end as well.
            _ = self.cut.changed() => {}
        }
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut flow: Option<watch::Receiver<Flow>>,
) {
    let mut buffer = vec![0; BUFFER_BYTES as usize];
    loop {
        let mut pause = Duration::ZERO;
        let mut most = buffer.len();
        if let Some(flow) = &mut flow {
            let Ok(now) = flow.wait_for(|flow| *flow != Flow::Stalled).await.map(|flow| *flow)
            else {
                return;
            };
            if let Flow::BytesPerSecond(rate) = now {
                most = (rate / 20).clamp(1, buffer.len());
                pause = Duration::from_millis(50);
            }
        }
        match from.read(&mut buffer[..most]).await {
            Ok(count) if count > 0 => {
                if to.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
            _ => return,
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}
