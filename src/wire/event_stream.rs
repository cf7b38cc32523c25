//! Server-Sent Events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use super::event::Mark;
use super::reset::ResetCause;
use super::websocket::write_names;
use super::{Delivery, Refusal, write_string};
use crate::policy::View;

/// The blocks of a shape's events; the last one carries the cursor, if the batch is complete.
pub(super) fn events(
    buffer: &[u8],
    marks: &[Mark],
    reset_cause: Option<ResetCause>,
    cursor_after: Option<&str>,
) -> Vec<u8> {
    const OVERHEAD_BYTES: usize = 32;
    let mut out = Vec::with_capacity(buffer.len() + marks.len() * OVERHEAD_BYTES);
    if let Some(cause) = reset_cause {
        out.extend_from_slice(&reset(cause));
    }
    for (i, mark) in marks.iter().enumerate() {
        let is_last = i + 1 == marks.len();
        let id = cursor_after.filter(|_| is_last);
        write_block(&mut out, mark.kind.as_str(), id, &buffer[mark.start..mark.end]);
    }
    if let (Some(after), []) = (cursor_after, marks) {
        out.extend_from_slice(&cursor(after));
    }
    out
}

/// Tells the cursor of now to a reader without news.
pub(super) fn cursor(cursor: &str) -> Vec<u8> {
    let mut data = br#"{"cursor":"#.to_vec();
    write_string(&mut data, cursor);
    data.push(b'}');
    let mut out = Vec::new();
    write_block(&mut out, "cursor", Some(cursor), &data);
    out
}

pub(super) fn reset(cause: ResetCause) -> Vec<u8> {
    let data = format!(r#"{{"reason":"{}"}}"#, cause.as_str());
    let mut out = Vec::new();
    write_block(&mut out, "reset", None, data.as_bytes());
    out
}

/// Rows of a snapshot.
pub(super) fn rows(chunk: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(chunk.len() + 16);
    data.extend_from_slice(br#"{"rows":["#);
    data.extend_from_slice(chunk);
    data.extend_from_slice(b"]}");
    let mut out = Vec::with_capacity(data.len() + 32);
    write_block(&mut out, "snapshot", None, &data);
    out
}

pub(super) fn synced(view: &View, cursor: &str) -> Vec<u8> {
    let mut data = br#"{"key":"#.to_vec();
    write_names(&mut data, view.key_names());
    data.extend_from_slice(br#","cursor":"#);
    write_string(&mut data, cursor);
    data.push(b'}');
    let mut out = Vec::new();
    write_block(&mut out, "synced", Some(cursor), &data);
    out
}

/// What a stream begins with; the browser's wait before it comes back is in milliseconds.
pub fn event_stream_opening() -> Delivery {
    Delivery::from_static(b"retry: 2000\n\n")
}

/// The last block of a stream that the server ends, and why it does.
pub fn event_stream_end(refusal: &Refusal) -> Delivery {
    let mut data = br#"{"code":"#.to_vec();
    write_string(&mut data, refusal.code.as_str());
    data.extend_from_slice(br#","detail":"#);
    write_string(&mut data, &refusal.detail);
    data.push(b'}');
    let mut out = Vec::new();
    write_block(&mut out, "error", None, &data);
    out.into()
}

/// A line break would end the field. In JSON they can only be white space: in strings they are escaped.
fn write_block(out: &mut Vec<u8>, event: &str, id: Option<&str>, json: &[u8]) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(event.as_bytes());
    if let Some(id) = id {
        out.extend_from_slice(b"\nid: ");
        out.extend_from_slice(id.as_bytes());
    }
    out.extend_from_slice(b"\ndata: ");
    let start = out.len();
    out.extend_from_slice(json);
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\n\n");
}
