//! One socket: shared frames out, messages in. What is written are whole deliveries, so an answer can always go
//! between two of them; what comes in is parsed by tungstenite, which never sees the socket's writing side.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::net::TcpStream;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::super::app::App;
use super::super::pace::{Heard, Pace};
use super::farewell::Farewell;
use crate::shape::{End, Inbox, Taken};
use crate::wire::{self, Delivery};

/// The largest message that a client may send before it is known: a token.
const MAX_FIRST_MESSAGE_BYTES: usize = 16 << 10;
/// What each idle connection pays for its client's words.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// A client is not listened to while this much of what it was answered has not been taken.
const MAX_ANSWERS_BYTES: usize = 64 << 10;
/// How many buffers go into one system call.
const MAX_SLICES: usize = 32;
/// How often one turn of the task writes before others get theirs.
const MAX_WRITES_A_TURN: usize = 8;
/// Pings without any sign of life before the peer is dead.
const MAX_SILENT_PINGS: u32 = 2;

/// What the socket has for the connection.
#[derive(Debug)]
pub enum Step {
    Message(Utf8Bytes),
    /// A message to be refused: there are too many.
    Hasty(Utf8Bytes),
    Over(Farewell),
}

pub struct Socket {
    tcp: TcpStream,
    parser: WebSocketContext,
    /// The parser may hold messages that have been read but not looked at.
    has_unparsed: bool,
    /// What the parser answers by itself: pongs, and close frames.
    reflexes: Vec<u8>,
    writing: VecDeque<Bytes>,
    answers_bytes: usize,
    /// None while it isn't known whose socket it is.
    inbox: Option<Inbox>,
    taken: VecDeque<Delivery>,
    pace: Pace,
    ping: Interval,
    silent_pings: u32,
    /// The system took nothing more: the next that it takes, it takes because the peer has read something.
    is_blocked: bool,
}

impl Socket {
    pub fn new(tcp: TcpStream, read_ahead: Bytes, app: &App) -> Self {
        let max_bytes = Some(app.max_message_bytes.min(MAX_FIRST_MESSAGE_BYTES));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(max_bytes)
            .max_frame_size(max_bytes);
        let parser =
            WebSocketContext::from_partially_read(read_ahead.into(), Role::Server, Some(config));
        let (now, ping_every) = (Instant::now(), app.timing.ping);
        let mut ping = interval_at(now + ping_every, ping_every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            tcp,
            parser,
            has_unparsed: true,
            reflexes: Vec::new(),
            writing: VecDeque::new(),
            answers_bytes: 0,
            inbox: None,
            taken: VecDeque::new(),
            pace: Pace::new(app.max_messages_per_second, now),
            ping,
            silent_pings: 0,
            is_blocked: false,
        }
    }

    /// From now on it is known whose socket this is, and what the hub has for it goes out.
    pub fn admit(&mut self, inbox: Inbox, app: &App) {
        self.inbox = Some(inbox);
        self.parser.set_config(|config| {
            config.max_message_size = Some(app.max_message_bytes);
            config.max_frame_size = Some(app.max_message_bytes);
        });
    }

    /// Counts a message for as much as this many.
    pub fn charge(&mut self, messages: u32) {
        self.pace.charge(messages, Instant::now());
    }

    /// Queues an answer behind what is being written.
    pub fn queue(&mut self, delivery: Delivery) {
        self.answers_bytes += delivery.len_bytes();
        self.writing.push_back(delivery.into_bytes());
    }

    /// Writes what there is to write until there is a message, or it is over.
    pub async fn next(&mut self) -> Step {
        poll_fn(|cx| self.poll_step(cx)).await
    }

    /// Writes what there is to write, without listening, until it is over.
    pub async fn write_on(&mut self) -> Farewell {
        poll_fn(|cx| self.poll_write(cx)).await
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Poll::Ready(farewell) = self.poll_write(cx) {
                return Poll::Ready(Step::Over(farewell));
            }
            let answered = self.answers_bytes;
            if let Poll::Ready(step) = self.poll_read(cx) {
                return Poll::Ready(step);
            }
            if self.ping.poll_tick(cx).is_ready() {
                if self.silent_pings >= MAX_SILENT_PINGS {
                    return Poll::Ready(Step::Over(Farewell::Gone));
                }
                self.silent_pings += 1;
                self.queue(wire::ping());
            }
            if self.answers_bytes == answered {
                return Poll::Pending;
            }
        }
    }

    /// Writes answers and deliveries; ready when there will be no more.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Farewell> {
        for _ in 0..MAX_WRITES_A_TURN {
            if self.writing.is_empty() {
                self.answers_bytes = 0;
                let Some(inbox) = &mut self.inbox else { return Poll::Pending };
                match inbox.poll_take(cx, &mut self.taken) {
                    Poll::Ready(Taken::Deliveries) => {
                        self.writing.extend(self.taken.drain(..).map(Delivery::into_bytes));
                    }
                    Poll::Ready(Taken::Ended(end)) => return Poll::Ready(end.into()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            match self.write_some() {
                Ok(()) if self.is_blocked => {
                    (self.is_blocked, self.silent_pings) = (false, 0);
                }
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_blocked = true;
                    match self.tcp.poll_write_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(_)) => return Poll::Ready(Farewell::Gone),
                        Poll::Pending => return self.poll_cut_off(cx),
                    }
                }
                Err(_) => return Poll::Ready(Farewell::Gone),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_cut_off(&mut self, cx: &mut Context<'_>) -> Poll<Farewell> {
        let Some(inbox) = &mut self.inbox else { return Poll::Pending };
        match inbox.poll_cut_off(cx) {
            Poll::Ready(End::TooSlow) => Poll::Ready(Farewell::TooSlow),
            Poll::Ready(End::Restarting | End::Withdrawn) | Poll::Pending => Poll::Pending,
        }
    }

    fn write_some(&mut self) -> io::Result<()> {
        let mut written = if let [only] = self.writing.make_contiguous() {
            self.tcp.try_write(only)?
        } else {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let used = self.writing.len().min(MAX_SLICES);
            for (slice, bytes) in slices.iter_mut().zip(&self.writing) {
                *slice = IoSlice::new(bytes);
            }
            self.tcp.try_write_vectored(&slices[..used])?
        };
        while let Some(first) = self.writing.front_mut() {
            if written < first.len() {
                first.advance(written);
                break;
            }
            written -= first.len();
            self.writing.pop_front();
        }
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        while self.answers_bytes <= MAX_ANSWERS_BYTES {
            if !self.has_unparsed {
                match self.tcp.poll_read_ready(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Step::Over(Farewell::Gone)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let read = self.read_message();
            if !self.reflexes.is_empty() {
                let reflexes = Bytes::from(std::mem::take(&mut self.reflexes));
                self.answers_bytes += reflexes.len();
                self.writing.push_back(reflexes);
            }
            if let Some(step) = read {
                return Poll::Ready(step);
            }
        }
        Poll::Pending
    }

    fn read_message(&mut self) -> Option<Step> {
        let mut half = InboundHalf { tcp: &self.tcp, reflexes: &mut self.reflexes };
        let read = self.parser.read(&mut half);
        self.has_unparsed = read.is_ok();
        let farewell = match read {
            Ok(message) => {
                // Who takes nothing isn't there, whatever it says: much may be kept for it.
                if !self.is_blocked {
                    self.silent_pings = 0;
                }
                return match (message, self.pace.hear(Instant::now())) {
                    (Message::Binary(_), _) => Some(Step::Over(Farewell::Violation)),
                    (Message::Close(_), _) => None,
                    (_, Heard::Flood) => Some(Step::Over(Farewell::TooFast)),
                    (Message::Text(text), Heard::InTime) => Some(Step::Message(text)),
                    (Message::Text(text), Heard::TooFast) => Some(Step::Hasty(text)),
                    _ => None,
                };
            }
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(Error::ConnectionClosed) => Farewell::Answered,
            Err(Error::Capacity(_)) => Farewell::TooLarge,
            Err(Error::Utf8(_)) => Farewell::BadText,
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Farewell::Gone,
            Err(Error::Protocol(_)) => Farewell::BadFrame,
            Err(_) => Farewell::Gone,
        };
        Some(Step::Over(farewell))
    }

    /// Says farewell, if the peer takes it in time.
    pub async fn close(mut self, farewell: Farewell, patience: Duration) {
        if farewell == Farewell::Gone {
            return;
        }
        if farewell.is_abrupt() {
            self.writing.truncate(1);
        }
        self.writing.extend(farewell.frame().map(Delivery::into_bytes));
        let goodbye = async {
            while !self.writing.is_empty() {
                match self.write_some() {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.tcp.writable().await?;
                    }
                    written => written?,
                }
            }
            self.drain().await
        };
        let _ = timeout(patience, goodbye).await;
    }

    /// Reads on until the peer has hung up: closing a socket with unread bytes would take back what was just
    /// written (RFC 1122, section 4.2.2.13).
    async fn drain(&self) -> io::Result<()> {
        loop {
            self.tcp.readable().await?;
            match self.tcp.try_read(&mut [0; 512]) {
                Ok(0) => return Ok(()),
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }
}

/// What the parser is given for a stream: the socket's reading side, and a buffer for its answers.
struct InboundHalf<'s> {
    tcp: &'s TcpStream,
    reflexes: &'s mut Vec<u8>,
}

impl Read for InboundHalf<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.tcp.try_read(into)
    }
}

impl Write for InboundHalf<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.reflexes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
