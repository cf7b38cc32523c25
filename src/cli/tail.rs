//! `rowcast tail`: events on standard output, from a running daemon.

use std::future::Future;

use super::{Global, not_built};

/// Print a table's events as they happen
///
/// Connects to a running daemon, not to the database, and goes on until it is interrupted.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The table, as the configuration lists it: orders or sales.orders
    pub table: String,

    /// Only the rows for which this holds, in SQL: "status = 'open'"
    #[arg(long, value_name = "PREDICATE")]
    pub r#where: Option<String>,

    /// First print the rows that the table has now
    #[arg(long)]
    pub snapshot: bool,

    /// Print each event as it came, one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// Where the daemon is [default: where the configuration says that it listens]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

pub fn run(_arguments: Arguments, _global: &Global) -> impl Future<Output = anyhow::Result<()>> {
    not_built("tail")
}
