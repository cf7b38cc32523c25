//! Where subscriptions begin and how often they are delivered to, as clients say it.

use std::sync::Arc;
use std::time::Duration;

use super::{Code, Refusal};
use crate::cursor::Cursor;

/// The longest cursor that is read, in bytes; a request's head has no room for a longer one.
const MAX_CURSOR_BYTES: usize = 32 << 10;
/// The longest window of merged changes, in milliseconds.
pub const MAX_COALESCE_MS: u64 = 60_000;

/// Reads a cursor; one that isn't whole is told from one that is too old.
pub fn read_cursor(text: &str) -> Result<Arc<Cursor>, Refusal> {
    let wrong = |detail: String| Refusal::new(Code::InvalidCursor, detail);
    if text.len() > MAX_CURSOR_BYTES {
        return Err(wrong(format!("\"cursor\" is longer than {MAX_CURSOR_BYTES} bytes")));
    }
    let cursor = text.parse().map(Arc::new);
    cursor.map_err(|_| wrong("\"cursor\" is damaged, or not one of rowcast's".to_owned()))
}

/// A window in milliseconds.
pub fn read_coalesce(millis: Option<u64>) -> Result<Duration, Refusal> {
    let millis = millis.filter(|millis| *millis <= MAX_COALESCE_MS);
    millis.map(Duration::from_millis).ok_or_else(|| {
        let most = MAX_COALESCE_MS;
        Refusal::invalid(format!("\"coalesce\" must be whole milliseconds, 0 to {most}"))
    })
}
