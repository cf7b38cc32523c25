//! `rowcast check`: every fault at once, or a summary of what would be served and to whom.

mod intent;
mod words;

use std::fmt::Write as _;
use std::time::Duration;

use super::{Checked, Global, Keys, print};
use crate::catalog::{self, Found, TableSettings};
use crate::changelog::Wake;
use crate::config::{Config, print_size};
use crate::policy::Rules;

/// Report every fault in the configuration, as the database sees it
///
/// Reads the configuration, connects to the database, and reports all faults with their places and
/// remedies. Changes nothing. Ends with 0 if all is well, with 64 if there are faults.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub async fn run(_arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    let checked = global.checked(Duration::ZERO, Keys::Needed).await?;
    let oids: Vec<u32> = checked.found.iter().map(|found| found.oid).collect();
    let indexed = catalog::indexed(&checked.session.client, &oids).await?;
    let mut warnings = checked.config.warnings.clone();
    for (found, rules) in ruled(&checked) {
        warnings.extend(intent::warnings(&checked.config, found, &rules, &indexed));
    }
    super::warn(&warnings, global.log_format);
    print(&summary(&checked))
}

/// The tables with their predicates, which are right by now.
fn ruled(checked: &Checked) -> impl Iterator<Item = (&Found, Rules)> {
    let tables = &checked.config.settings.tables;
    let read = |found: &Found| Rules::read(&found.columns, &tables[found.settings]).ok();
    checked.found.iter().filter_map(move |found| Some((found, read(found)?)))
}

fn summary(checked: &Checked) -> String {
    let Checked { config, session, found } = checked;
    let mut text = settings(config, session.server_version);
    let named = |found: &Found| found.listed_as.chars().count();
    let width = found.iter().map(named).max().unwrap_or_default();
    let anonymous = config.settings.auth.anonymous;
    for (table, rules) in ruled(checked) {
        let settings = &config.settings.tables[table.settings];
        let line = format!("  {:width$}  {}", table.listed_as, about(table, settings));
        let _ = writeln!(text, "{}", line.trim_end());
        text.push_str(&words::policy(table, settings, &rules, anonymous));
    }
    text
}

fn settings(config: &Config, version: u32) -> String {
    let settings = &config.settings;
    let readers = settings.auth.readers();
    let wake = match settings.log.wake {
        Wake::Listen => "woken by NOTIFY",
        Wake::Poll => "polled",
    };
    let tables = match settings.tables.len() {
        1 => "1 table".to_owned(),
        number => format!("{number} tables"),
    };
    format!(
        "database  {} (PostgreSQL {}.{})\n\
         server    {}, {readers}\n\
         log       kept {}, at most {}, {wake}\n\
         {tables}\n",
        settings.database,
        version / 10_000,
        version % 10_000,
        settings.server.listen,
        humantime::format_duration(settings.log.retention),
        print_size(settings.log.max_size_bytes),
    )
}

/// `key id, 5 of 6 columns`.
fn about(table: &Found, settings: &TableSettings) -> String {
    let key = match table.key.as_slice() {
        [] => "no key".to_owned(),
        columns => format!("key {}", columns.join(", ")),
    };
    let served = table.columns.iter().filter(|it| words::is_served(table, settings, &it.name));
    let served = served.count();
    match table.columns.len() {
        all if all == served => format!("{key}; all {all} columns"),
        all => format!("{key}; {served} of {all} columns"),
    }
}
