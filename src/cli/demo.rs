//! `rowcast demo`: a database to look at, for as long as the program runs.

use std::future::Future;

use super::{Global, not_built};

/// Try it: a private PostgreSQL with a sample shop, and the daemon beside it
///
/// Starts a private PostgreSQL in a temporary directory, fills it with a sample shop, keeps changing it and serves it.
/// Needs the server programs of PostgreSQL 13 or newer on this machine. Leaves nothing behind when it ends.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_arguments: Arguments, _global: &Global) -> impl Future<Output = anyhow::Result<()>> {
    not_built("demo")
}
