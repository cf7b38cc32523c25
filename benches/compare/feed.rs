//! A WebSocket client of rowcast.v1 that costs little: no frame is copied, unless it came in pieces.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use anyhow::{bail, ensure};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
/// An empty pong, masked by zeros.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
const READ_BYTES: usize = 256 << 10;

thread_local! {
    /// One buffer for all clients of a thread: each empties it before the next one reads.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// What a subscription asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    pub table: &'a str,
    /// Only the rows of this customer.
    pub customer: Option<usize>,
    pub cursor: Option<&'a str>,
    pub snapshot: bool,
    /// What the kernel buffers of what has come and isn't read; if not said, megabytes.
    pub receive_buffer_bytes: Option<u32>,
}

impl Wanted<'_> {
    fn message(&self) -> String {
        let mut message = json!({ "op": "subscribe", "id": "a", "table": self.table });
        if let Some(customer) = self.customer {
            message["where"] = "customer_id = $1".into();
            message["params"] = json!([customer]);
        }
        if let Some(cursor) = self.cursor {
            message["cursor"] = cursor.into();
        }
        if self.snapshot {
            message["snapshot"] = true.into();
        }
        message.to_string()
    }
}

/// A connection that is subscribed to one table.
pub struct Feed {
    socket: TcpStream,
    tail: Vec<u8>,
}

impl Feed {
    /// Connects, and returns when the subscription is live.
    pub async fn subscribe(address: SocketAddr, table: &str) -> anyhow::Result<Self> {
        let mut feed = Self::open(address, &Wanted { table, ..Wanted::default() }).await?;
        let (mut live, mut refused) = (false, None);
        while !live {
            let read = feed.read(|payload| {
                live |= payload.starts_with(br#"{"op":"subscribed""#);
                if payload.starts_with(br#"{"op":"error""#) {
                    refused = Some(String::from_utf8_lossy(payload).into_owned());
                }
            });
            read.await?;
            if let Some(refused) = refused {
                bail!("the subscription was refused: {refused}");
            }
        }
        Ok(feed)
    }

    /// Connects and asks for a subscription; what the daemon says to that is read by whoever asked.
    pub async fn open(address: SocketAddr, wanted: &Wanted<'_>) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = wanted.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut socket = socket.connect(address).await?;
        socket.set_nodelay(true)?;
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: rowcast.v1\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let tail = after_handshake(&socket).await?;
        socket.write_all(&masked_text(&wanted.message())).await?;
        Ok(Self { socket, tail })
    }

    /// Waits for bytes and passes on the text of every message that they complete; answers how many there were.
    pub async fn read(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<usize> {
        self.socket.readable().await?;
        let mut pinged = false;
        let read = BUFFER.with_borrow_mut(|buffer| -> io::Result<usize> {
            let read = match self.socket.try_read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                read => read?,
            };
            let mut closed = false;
            let each = |opcode: u8, payload: &[u8]| match opcode {
                TEXT => each(payload),
                PING => pinged = true,
                CLOSE => closed = true,
                _ => {}
            };
            if self.tail.is_empty() {
                let used = walk(&buffer[..read], each);
                self.tail.extend_from_slice(&buffer[used..read]);
            } else {
                self.tail.extend_from_slice(&buffer[..read]);
                let used = walk(&self.tail, each);
                self.tail.drain(..used);
            }
            if closed { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(read) }
        })?;
        if pinged {
            self.socket.write_all(&PONG).await?;
        }
        Ok(read)
    }
}

/// Reads the answer to the handshake, and returns what came behind it.
async fn after_handshake(socket: &TcpStream) -> anyhow::Result<Vec<u8>> {
    let mut answer = Vec::with_capacity(1024);
    loop {
        socket.readable().await?;
        match socket.try_read_buf(&mut answer) {
            Ok(0) => bail!("the daemon hung up"),
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
            _ => {}
        }
        if let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&answer[..end]).into_owned();
            ensure!(head.starts_with("HTTP/1.1 101"), "no WebSocket: {head}");
            return Ok(answer.split_off(end + 4));
        }
    }
}

/// Passes on the whole frames that `bytes` begins with; answers how many bytes they took.
fn walk(bytes: &[u8], mut each: impl FnMut(u8, &[u8])) -> usize {
    let mut used = 0;
    while let Some((opcode, start, end)) = first_frame(&bytes[used..]) {
        each(opcode, &bytes[used + start..used + end]);
        used += end;
    }
    used
}

/// The opcode, and where the payload begins and ends; servers don't mask (RFC 6455, section 5.1).
fn first_frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (start, len) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?).try_into().ok()?),
        short => (2, usize::from(short)),
    };
    let end = start + len;
    (bytes.len() >= end).then_some((bytes[0] & 0xf, start, end))
}

/// A frame as clients send it, masked by zeros.
fn masked_text(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(len @ ..126) => frame.push(0x80 | len),
        _ => {
            let len = u16::try_from(text.len()).expect("a subscription is short");
            frame.push(0x80 | 126);
            frame.extend_from_slice(&len.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}
