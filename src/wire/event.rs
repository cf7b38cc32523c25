//! An event's JSON, the same on every transport.

use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::write_string;
use crate::event::{Change, Kind, Seq};
use crate::policy::{Cause, Content, View, Visible};

/// What events of one shape have in common, written once.
#[derive(Debug)]
pub struct Encoder {
    table: Vec<u8>,
    /// `"name":` by the column's position in the catalog.
    labels: Vec<Vec<u8>>,
    with_old: bool,
}

impl Encoder {
    pub fn new(view: &View, with_old: bool) -> Self {
        let mut table = b",\"table\":".to_vec();
        write_string(&mut table, view.asked_as());
        let mut labels = Vec::new();
        for (at, name) in view.columns() {
            labels.resize_with(at + 1, Vec::new);
            write_string(&mut labels[at], name);
            labels[at].push(b':');
        }
        Self { table, labels, with_old }
    }

    /// Appends the event's JSON.
    pub fn write(&self, out: &mut Vec<u8>, seen: &Visible<'_>) {
        out.extend_from_slice(b"{\"event\":\"");
        out.extend_from_slice(seen.kind().as_str().as_bytes());
        out.push(b'"');
        out.extend_from_slice(&self.table);
        self.write_key(out, seen);
        self.write_data(out, seen);
        if let Some(changed) = seen.changed() {
            self.write_changed(out, changed);
        }
        if let Some(cause) = seen.cause() {
            out.extend_from_slice(match cause {
                Cause::Enter => b",\"cause\":\"enter\"",
                Cause::Leave => b",\"cause\":\"leave\"",
            });
        }
        if let Some(old) = seen.old().filter(|_| self.with_old) {
            out.extend_from_slice(b",\"old\":");
            self.write_content(out, &old);
        }
        write_origin(out, seen.change());
        out.push(b'}');
    }

    fn write_key(&self, out: &mut Vec<u8>, seen: &Visible<'_>) {
        out.extend_from_slice(b",\"key\":");
        match seen.key() {
            Some(key) => self.write_object(out, key),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn write_data(&self, out: &mut Vec<u8>, seen: &Visible<'_>) {
        match seen.content() {
            Some(content) => {
                out.extend_from_slice(b",\"data\":");
                self.write_content(out, &content);
            }
            None if seen.kind() == Kind::Truncated => {}
            None => out.extend_from_slice(b",\"oversize\":true"),
        }
    }

    pub(super) fn write_content(&self, out: &mut Vec<u8>, content: &Content<'_>) {
        match *content {
            Content::Whole(text) => out.extend_from_slice(text.as_bytes()),
            Content::Columns(row, columns) => {
                let values = columns.iter().filter_map(|&at| Some((at, row.value(at)?)));
                self.write_object(out, values);
            }
        }
    }

    fn write_object<'v>(&self, out: &mut Vec<u8>, values: impl Iterator<Item = (usize, &'v str)>) {
        out.push(b'{');
        for (i, (at, value)) in values.enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&self.labels[at]);
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'}');
    }

    fn write_changed(&self, out: &mut Vec<u8>, changed: &[usize]) {
        out.extend_from_slice(b",\"changed\":[");
        for (i, &at) in changed.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            let label = &self.labels[at];
            out.extend_from_slice(&label[..label.len() - 1]);
        }
        out.push(b']');
    }
}

/// Where an event's JSON stands in a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub kind: Kind,
    /// Of the change that it tells.
    pub seq: Seq,
    pub start: usize,
    pub end: usize,
}

fn write_origin(out: &mut Vec<u8>, change: &Change) {
    let at = humantime::format_rfc3339_micros(printable(change.at));
    write!(out, ",\"seq\":{},\"tx\":\"{}\",\"at\":\"{at}\"", change.seq.0, change.txid)
        .expect("memory can always be written to");
    if let Some(origin) = &change.origin {
        out.extend_from_slice(b",\"origin\":");
        write_string(out, origin);
    }
}

/// The database's clock may say anything; what RFC 3339 can't is brought to its nearest bound.
pub(super) fn printable(at: SystemTime) -> SystemTime {
    const END_OF_9999_SECS: u64 = 253_402_300_799;
    at.clamp(UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(END_OF_9999_SECS))
}
