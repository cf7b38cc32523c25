//! Logs, on standard error: standard output belongs to what a command prints.
//!
//! Rows, tokens and connection strings are never logged.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people: time, level, message, fields.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "warn,rowcast=info";

/// Starts the process's log. A second call changes nothing.
pub fn init(format: LogFormat) {
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter());
    let started = match format {
        LogFormat::Text => log.with_ansi(colourful()).with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log had been started before");
    }
}

/// Whether standard error wants colour: a terminal does, unless `NO_COLOR` is set.
///
/// <https://no-color.org>
pub fn colourful() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn filter() -> EnvFilter {
    let wanted = std::env::var("RUST_LOG").ok().filter(|text| !text.trim().is_empty());
    let filter: EnvFilter =
        wanted.and_then(|text| text.parse().ok()).unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER));
    // At debug it logs the parameters of queries.
    let quiet = "tokio_postgres=info".parse().expect("it is a directive");
    filter.add_directive(quiet)
}
