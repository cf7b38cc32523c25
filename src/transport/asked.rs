//! What a request asks of a table's changes.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::selection::{Selection, parameters, read_switch, wrong};
use crate::cursor::Cursor;
use crate::identity::Claims;
use crate::policy::Request;
use crate::shape::{self, Place, Start};
use crate::wire::{Refusal, read_coalesce, read_cursor};

/// The longest that a poll may wait.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// With this a browser comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// How the changes are to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    EventStream,
    Poll,
}

/// The feed that a request describes.
#[derive(Debug, PartialEq)]
pub struct Asked {
    pub request: Request,
    pub old: bool,
    pub cursor: Option<Arc<Cursor>>,
    /// Of event streams only.
    pub snapshot: bool,
    /// Of event streams only.
    pub coalesce: Duration,
    /// Of polls only.
    pub wait: Duration,
}

impl Asked {
    /// Reads a request; what isn't understood, or doesn't apply, must not be passed over.
    pub fn read(
        table: String,
        query: &str,
        headers: &HeaderMap,
        over: Over,
    ) -> Result<Self, Refusal> {
        let mut selection = Selection::default();
        let (mut old, mut snapshot) = (false, false);
        let (mut coalesce, mut wait) = (Duration::ZERO, Duration::ZERO);
        let mut cursor = None;
        for (name, value) in parameters(query)? {
            match name.as_str() {
                "old" => old = read_switch(&name, &value)?,
                "snapshot" => snapshot = read_switch(&name, &value)?,
                "coalesce" => coalesce = read_coalesce(value.parse().ok())?,
                "wait" => wait = read_wait(&value)?,
                "cursor" => cursor = Some(value),
                "limit" | "order" => return Err(wrong(&name, "is for rows, not for changes")),
                _ if selection.take(&name, &value)? => {}
                _ => return Err(wrong(&name, "is not a parameter")),
            }
        }
        let came_back_with = last_event_id(headers)?;
        let asked = Self {
            request: selection.of(table)?,
            old,
            cursor: came_back_with.or(cursor).as_deref().map(read_cursor).transpose()?,
            snapshot,
            coalesce,
            wait,
        };
        asked.check(over)?;
        Ok(asked)
    }

    fn check(&self, over: Over) -> Result<(), Refusal> {
        let of_streams = "is for event streams: \"Accept\" must be text/event-stream";
        match over {
            Over::EventStream if !self.wait.is_zero() => {
                Err(wrong("wait", "is for polls, not for event streams"))
            }
            Over::Poll if self.snapshot => Err(wrong("snapshot", of_streams)),
            Over::Poll if !self.coalesce.is_zero() => Err(wrong("coalesce", of_streams)),
            Over::EventStream | Over::Poll => Ok(()),
        }
    }

    /// As the hub is asked for it.
    pub fn subscription(self, claims: Claims, place: Place) -> shape::Asked {
        shape::Asked {
            request: Arc::new(self.request),
            claims,
            with_old: self.old,
            start: self.cursor.map_or(Start::Anew, Start::After),
            snapshot: self.snapshot,
            coalesce: self.coalesce,
            place: Arc::new(place),
        }
    }
}

/// Seconds; a part of one may be given as `0.5`.
fn read_wait(text: &str) -> Result<Duration, Refusal> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let secs = text.parse().ok().filter(|_| is_plain);
    let wait = secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    wait.filter(|wait| *wait <= MAX_WAIT)
        .ok_or_else(|| wrong("wait", &format!("must be seconds, 0 to {}", MAX_WAIT.as_secs())))
}

/// The cursor that a browser comes back with; an empty one is none (HTML, section 9.2.4).
fn last_event_id(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut given = headers.get_all(LAST_EVENT_ID).iter().filter(|id| !id.is_empty());
    let first = given.next().map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    match given.next() {
        None => Ok(first),
        Some(_) => Err(wrong("Last-Event-ID", "is given twice")),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::cursor::Era;
    use crate::wire::Code;

    fn read(query: &str, over: Over) -> Result<Asked, Refusal> {
        Asked::read("t".to_owned(), query, &HeaderMap::new(), over)
    }

    fn cursor(at: u64) -> Arc<Cursor> {
        let snapshot = format!("{at}:{at}:").parse().unwrap();
        Arc::new(Cursor::new(Era { epoch: 1, timeline: 1 }, snapshot))
    }

    #[test]
    fn a_filter_and_its_params_are_passed_on() {
        let query = "where=a+%3D+%241&params=%5B%22x%22%2C1%5D&old=true";
        let asked = read(query, Over::EventStream).unwrap();
        assert_eq!(asked.request.filter.as_deref(), Some("a = $1"));
        assert_eq!((asked.request.params, asked.old), (vec![json!("x"), json!(1)], true));
    }

    #[test]
    fn what_does_not_apply_is_refused() {
        let (stream, poll) = (Over::EventStream, Over::Poll);
        for (query, over, code) in [
            ("wait=1", stream, Some(Code::InvalidRequest)),
            ("wait=0", stream, None),
            ("wait=60", poll, None),
            ("wait=0.25", poll, None),
            ("wait=60.1", poll, Some(Code::InvalidRequest)),
            ("wait=-1", poll, Some(Code::InvalidRequest)),
            ("wait=1e1", poll, Some(Code::InvalidRequest)),
            ("wait=inf", poll, Some(Code::InvalidRequest)),
            ("wait=", poll, Some(Code::InvalidRequest)),
            ("wait=.", poll, Some(Code::InvalidRequest)),
            ("snapshot=true", stream, None),
            ("snapshot=true", poll, Some(Code::InvalidRequest)),
            ("snapshot=false", poll, None),
            ("snapshot=1", stream, Some(Code::InvalidRequest)),
            ("coalesce=60000", stream, None),
            ("coalesce=60001", stream, Some(Code::InvalidRequest)),
            ("coalesce=1.5", stream, Some(Code::InvalidRequest)),
            ("coalesce=100", poll, Some(Code::InvalidRequest)),
            ("coalesce=0", poll, None),
            ("limit=1", stream, Some(Code::InvalidRequest)),
            ("order=id", poll, Some(Code::InvalidRequest)),
            ("cursor=", poll, Some(Code::InvalidCursor)),
            ("cursor=abc", stream, Some(Code::InvalidCursor)),
            ("cursor=a&cursor=a", poll, Some(Code::InvalidRequest)),
            ("other=1", poll, Some(Code::InvalidRequest)),
        ] {
            assert_eq!(read(query, over).err().map(|refusal| refusal.code), code, "{query}");
        }
        assert_eq!(read("wait=0.25", poll).unwrap().wait, Duration::from_millis(250));
        assert_eq!(read("coalesce=250", stream).unwrap().coalesce, Duration::from_millis(250));
    }

    #[test]
    fn the_last_event_id_is_a_cursor_and_wins() {
        let query = format!("cursor={}", cursor(5));
        let with = |id: &str, query: &str| {
            let mut headers = HeaderMap::new();
            headers.append(LAST_EVENT_ID, HeaderValue::from_str(id).unwrap());
            Asked::read("t".to_owned(), query, &headers, Over::EventStream)
        };
        let newer = cursor(9).to_string();
        assert_eq!(with("", &query).unwrap().cursor, Some(cursor(5)));
        assert_eq!(with("", "").unwrap().cursor, None);
        assert_eq!(with(&newer, &query).unwrap().cursor, Some(cursor(9)));
        assert_eq!(with(&newer, "cursor=damaged").unwrap().cursor, Some(cursor(9)));
        assert_eq!(with("damaged", &query).unwrap_err().code, Code::InvalidCursor);
    }
}
