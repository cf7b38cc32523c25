//! A WebSocket client of rowcast.v1 that costs little: no frame is copied, unless it came in pieces.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

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

/// A connection that is subscribed to one table.
pub struct Feed {
    socket: TcpStream,
    tail: Vec<u8>,
}

impl Feed {
    /// Connects, and returns when the subscription is live.
    pub async fn subscribe(address: SocketAddr, table: &str) -> anyhow::Result<Self> {
        let mut socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: rowcast.v1\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let tail = after_handshake(&socket).await?;
        let subscribe = format!(r#"{{"op":"subscribe","id":"a","table":"{table}"}}"#);
        socket.write_all(&masked_text(&subscribe)).await?;
        let mut feed = Self { socket, tail };
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

fn masked_text(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).ok().filter(|len| *len < 126);
    let len = len.context("a short message").expect("tables have short names");
    let mut frame = vec![0x81, 0x80 | len, 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}
