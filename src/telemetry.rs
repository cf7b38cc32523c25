//! Logs, on standard error: standard output belongs to what a command prints.
//!
//! Rows, tokens and connection strings are never logged.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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

/// Crates which log what passes through them when they say much: the parameters of queries, and messages with tokens.
const INDISCREET: [&str; 2] = ["tokio_postgres", "tungstenite"];

/// Starts the process's log. A second call changes nothing.
pub fn init(format: LogFormat) {
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter());
    let started = match format {
        LogFormat::Text => {
            let log = log.with_ansi(colourful()).with_target(false).finish();
            log.with(filter_fn(is_discreet)).try_init()
        }
        LogFormat::Json => {
            log.json().flatten_event(true).finish().with(filter_fn(is_discreet)).try_init()
        }
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
    wanted.and_then(|text| text.parse().ok()).unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER))
}

/// Whatever `RUST_LOG` says.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let origin = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || !INDISCREET.contains(&origin)
}
