//! The state of the log, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::print::{about_duration, about_size, age, counted, key, rfc3339, unsigned};
use crate::catalog::TableName;
use crate::changelog::{ReaderSession, Status, WatchedTable};
use crate::config::print_size;

/// The state, compared with the tables that the configuration lists.
pub struct Report<'a> {
    status: &'a Status,
    listed: &'a [TableName],
}

impl<'a> Report<'a> {
    pub fn new(status: &'a Status, listed: &'a [TableName]) -> Self {
        Self { status, listed }
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "log      {}", self.log());
        let _ = writeln!(text, "capture  {}", self.capture());
        let _ = writeln!(text, "daemon   {}", self.daemon());
        for reader in &self.status.readers {
            let _ = writeln!(text, "         {}", self.reader(reader));
        }
        let _ = writeln!(text, "writers  {}", self.writers());
        let _ = writeln!(text, "tables   {} captured", self.status.watched.len());
        let names: Vec<String> = self.status.watched.iter().map(name).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        for (name, table) in names.iter().zip(&self.status.watched) {
            let _ = writeln!(text, "         {name:width$}  {}", key(&table.key));
        }
        for warning in self.warnings() {
            let _ = writeln!(text, "warning: {warning}");
        }
        text
    }

    pub fn json(&self) -> String {
        let Status { now, readers, watched, .. } = self.status;
        let reader = |reader: &ReaderSession| {
            json!({
                "pid": reader.pid,
                "from": reader.from,
                "since": reader.since.map(rfc3339),
                "lag_ms": reader.lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)),
            })
        };
        let table = |table: &WatchedTable| {
            json!({
                "name": table.name.as_ref().map(TableName::to_string),
                "key": table.key,
                "listed": self.is_listed(table),
            })
        };
        let value: Value = json!({
            "installed": true,
            "now": rfc3339(*now),
            "log": {
                "bytes": self.status.log_bytes,
                "max_bytes": self.status.max_bytes,
                "retention_ms": self.status.retention_ms,
                "oldest": self.status.oldest.map(rfc3339),
                "newest": self.status.newest.map(rfc3339),
                "rotated_at": rfc3339(self.status.rotated_at),
            },
            "capturing": self.status.is_capturing,
            "daemon_alive": self.status.has_audience,
            "reader_awake": self.status.is_held,
            "readers": readers.iter().map(reader).collect::<Vec<_>>(),
            "writers": {
                "count": self.status.writers,
                "oldest_secs": self.status.oldest_writer_secs,
            },
            "tables": watched.iter().map(table).collect::<Vec<_>>(),
            "not_captured": self.not_captured().map(TableName::to_string).collect::<Vec<_>>(),
            "warnings": self.warnings(),
        });
        format!("{value}\n")
    }

    fn log(&self) -> String {
        let Status { log_bytes, max_bytes, retention_ms, now, oldest, .. } = self.status;
        let oldest = match oldest {
            Some(at) => format!("the oldest change is {} old", age(*now, *at)),
            None => "no changes in it".to_owned(),
        };
        format!(
            "{} of at most {}; {oldest}; kept for {}",
            about_size(unsigned(*log_bytes)),
            print_size(unsigned(*max_bytes)),
            humantime::format_duration(Duration::from_millis(unsigned(*retention_ms))),
        )
    }

    fn capture(&self) -> &'static str {
        match (self.status.is_capturing, self.status.has_audience) {
            (true, _) => "on",
            (false, true) => "stopped: the log is larger than it may be",
            (false, false) => {
                "stopped: no daemon has read for longer than the log is kept, or the log is full"
            }
        }
    }

    fn daemon(&self) -> String {
        match (self.status.has_audience, self.status.is_held) {
            (false, _) => "none has given a sign of life in the last 5 seconds".to_owned(),
            (true, true) => "alive; a reader is awake, writers are silent".to_owned(),
            (true, false) => "alive; writers wake it".to_owned(),
        }
    }

    fn reader(&self, reader: &ReaderSession) -> String {
        let from = reader.from.as_deref().map_or(String::new(), |from| format!(" from {from}"));
        let since = reader.since.map_or(String::new(), |since| {
            format!(", connected for {}", age(self.status.now, since))
        });
        let lag = match reader.lag {
            Some(lag) => format!("behind by {} at most", about_duration(lag)),
            None => "its lag is hidden from this role (pg_read_all_stats shows it)".to_owned(),
        };
        format!("reader {}{from}{since}: {lag}", reader.pid)
    }

    fn writers(&self) -> String {
        match (self.status.writers, self.status.oldest_writer_secs) {
            (0, _) => "no transaction is writing".to_owned(),
            (some, Some(secs)) => {
                let oldest = about_duration(Duration::try_from_secs_f64(secs).unwrap_or_default());
                format!("{} writing, the oldest for {oldest}", counted(some, "transaction"))
            }
            (some, None) => format!(
                "{} writing; their ages are hidden from this role (pg_read_all_stats shows them)",
                counted(some, "transaction")
            ),
        }
    }

    fn is_listed(&self, table: &WatchedTable) -> bool {
        table.name.as_ref().is_some_and(|name| self.listed.contains(name))
    }

    /// Listed, but not watched.
    fn not_captured(&self) -> impl Iterator<Item = &TableName> {
        let watched = |name: &TableName| {
            self.status.watched.iter().any(|table| table.name.as_ref() == Some(name))
        };
        self.listed.iter().filter(move |name| !watched(name))
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.table_warnings();
        if self.status.has_audience && self.status.readers.is_empty() {
            warnings.push(
                "no session here is known as the daemon's: it has just ended, or its connection has \
                 an application_name of its own, or a pooler in between"
                    .to_owned(),
            );
        }
        warnings
    }

    /// What is amiss with the tables.
    pub fn table_warnings(&self) -> Vec<String> {
        let missing = self
            .not_captured()
            .map(|name| format!("`{name}` is listed, but not captured: run `rowcast install`"));
        let watched = self.status.watched.iter().filter_map(|table| self.warning(table));
        missing.chain(watched).collect()
    }

    fn warning(&self, table: &WatchedTable) -> Option<String> {
        let Some(name) = &table.name else {
            return Some("a captured table was dropped: `rowcast install` forgets it".to_owned());
        };
        if !self.is_listed(table) {
            return Some(format!(
                "`{name}` is captured, but not listed: `rowcast install` lets it go"
            ));
        }
        if table.lacks_trigger {
            return Some(format!(
                "`{name}`, or a partition or child of it, lacks a trigger: changes are missed until \
                 `rowcast install` has run"
            ));
        }
        table.ignores_replicas.then(|| {
            format!(
                "changes of `{name}` under session_replication_role = replica are missed: only the \
                 table's owner can install what captures them"
            )
        })
    }
}

fn name(table: &WatchedTable) -> String {
    table.name.as_ref().map_or_else(|| "(dropped)".to_owned(), TableName::to_string)
}
