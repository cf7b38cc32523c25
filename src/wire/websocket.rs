//! WebSocket frames (RFC 6455, section 5): a server's are not masked, so one encoding serves every socket.

use super::reset::ResetCause;
use super::{Delivery, Feed, Refusal, listing, write_string};
use crate::identity::Claims;
use crate::policy::View;

/// The subprotocol that clients may ask for.
pub const SUBPROTOCOL: &str = "rowcast.v1";

const FINAL_TEXT: u8 = 0x81;
const FINAL_CLOSE: u8 = 0x88;
const PING: [u8; 2] = [0x89, 0];
/// A control frame's payload has at most 125 bytes; two of them are the code.
const MAX_REASON_BYTES: usize = 123;
/// Room for the longest header, before the length is known.
const HEADROOM: usize = 10;
/// Memory that a frame of events begins with; many never need more.
const EVENTS_BYTES: usize = 512;

/// Writes the header right before the payload that begins at `HEADROOM`; returns where it begins.
fn fill_header(bytes: &mut [u8]) -> usize {
    let len = bytes.len() - HEADROOM;
    let mut header = [0; HEADROOM];
    header[0] = FINAL_TEXT;
    let used = match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ ..=125), _) => {
            header[1] = short;
            2
        }
        (_, Ok(medium)) => {
            header[1] = 126;
            header[2..4].copy_from_slice(&medium.to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(len as u64).to_be_bytes());
            10
        }
    };
    let start = HEADROOM - used;
    bytes[start..HEADROOM].copy_from_slice(&header[..used]);
    start
}

fn text_frame(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = vec![0; HEADROOM];
    write(&mut bytes);
    let start = fill_header(&mut bytes);
    bytes.drain(..start);
    bytes
}

/// What a frame of events begins with, its header's room included.
pub(super) fn events_opening(feed: Feed) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(EVENTS_BYTES);
    bytes.extend_from_slice(&[0; HEADROOM]);
    bytes.extend_from_slice(br#"{"op":"events","feed":"#);
    bytes.extend_from_slice(itoa::Buffer::new().format(feed.0).as_bytes());
    bytes.extend_from_slice(br#","events":["#);
    bytes
}

/// Ends a frame that `events_opening` began; returns where it begins.
pub(super) fn close_events(bytes: &mut Vec<u8>) -> usize {
    bytes.extend_from_slice(b"]}");
    fill_header(bytes)
}

pub(super) fn commit(cursor: &str) -> Vec<u8> {
    text_frame(|out| {
        out.extend_from_slice(br#"{"op":"commit","cursor":"#);
        write_string(out, cursor);
        out.push(b'}');
    })
}

pub(super) fn reset(feed: Feed, cause: ResetCause) -> Vec<u8> {
    let json = format!(r#"{{"op":"reset","feed":{},"reason":"{}"}}"#, feed.0, cause.as_str());
    text_frame(|out| out.extend_from_slice(json.as_bytes()))
}

/// The server's first words, and those after each renewal: the client's own claims.
pub fn hello(claims: &Claims) -> Delivery {
    text_frame(|out| {
        out.extend_from_slice(br#"{"op":"hello","protocol":"rowcast.v1","identity":"#);
        serde_json::to_writer(&mut *out, claims.as_map())
            .expect("JSON can always be written to memory");
        out.push(b'}');
    })
    .into()
}

pub(super) fn subscribed(id: &str, feed: Feed, view: &View, cursor: &str) -> Delivery {
    text_frame(|out| {
        out.extend_from_slice(br#"{"op":"subscribed","id":"#);
        write_string(out, id);
        out.extend_from_slice(format!(r#","feed":{},"table":"#, feed.0).as_bytes());
        write_string(out, view.asked_as());
        out.extend_from_slice(br#","key":"#);
        write_names(out, view.key_names());
        out.extend_from_slice(br#","columns":"#);
        listing::write_columns(out, view.visible_columns());
        out.extend_from_slice(br#","cursor":"#);
        write_string(out, cursor);
        out.push(b'}');
    })
    .into()
}

pub(super) fn rows(feed: Feed, chunk: &[u8]) -> Vec<u8> {
    text_frame(|out| {
        out.reserve(chunk.len() + 64);
        out.extend_from_slice(format!(r#"{{"op":"rows","feed":{},"rows":["#, feed.0).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"]}");
    })
}

pub(super) fn synced(feed: Feed, cursor: &str) -> Vec<u8> {
    text_frame(|out| {
        out.extend_from_slice(format!(r#"{{"op":"synced","feed":{},"cursor":"#, feed.0).as_bytes());
        write_string(out, cursor);
        out.push(b'}');
    })
}

pub(super) fn write_names<'n>(out: &mut Vec<u8>, names: impl Iterator<Item = &'n str>) {
    out.push(b'[');
    for (i, name) in names.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_string(out, name);
    }
    out.push(b']');
}

pub fn unsubscribed(id: &str, feed: Option<Feed>) -> Delivery {
    text_frame(|out| {
        out.extend_from_slice(br#"{"op":"unsubscribed","id":"#);
        write_string(out, id);
        if let Some(feed) = feed {
            out.extend_from_slice(format!(r#","feed":{}"#, feed.0).as_bytes());
        }
        out.push(b'}');
    })
    .into()
}

pub fn pong(nonce: Option<&str>) -> Delivery {
    text_frame(|out| {
        out.extend_from_slice(br#"{"op":"pong""#);
        if let Some(nonce) = nonce {
            out.extend_from_slice(br#","nonce":"#);
            write_string(out, nonce);
        }
        out.push(b'}');
    })
    .into()
}

/// A refusal; with an id it ends that subscription only.
pub fn error(id: Option<&str>, refusal: &Refusal) -> Delivery {
    text_frame(|out| {
        out.extend_from_slice(br#"{"op":"error""#);
        if let Some(id) = id {
            out.extend_from_slice(br#","id":"#);
            write_string(out, id);
        }
        out.extend_from_slice(br#","code":"#);
        write_string(out, refusal.code.as_str());
        out.extend_from_slice(br#","detail":"#);
        write_string(out, &refusal.detail);
        if let Some(position) = refusal.position {
            out.extend_from_slice(format!(r#","position":{position}"#).as_bytes());
        }
        out.push(b'}');
    })
    .into()
}

/// A ping frame, to see whether the peer lives.
pub fn ping() -> Delivery {
    Delivery::from_static(&PING)
}

/// A close frame; a reason that is too long is cut.
pub fn close(code: u16, reason: &str) -> Delivery {
    let cut = (0..=reason.len().min(MAX_REASON_BYTES)).rfind(|&at| reason.is_char_boundary(at));
    let reason = &reason[..cut.unwrap_or(0)];
    let payload_len = u8::try_from(reason.len() + 2).expect("the reason was cut to fit");
    let mut bytes = vec![FINAL_CLOSE, payload_len];
    bytes.extend_from_slice(&code.to_be_bytes());
    bytes.extend_from_slice(reason.as_bytes());
    bytes.into()
}
