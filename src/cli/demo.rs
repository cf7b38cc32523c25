//! `rowcast demo`: a database to look at, for as long as the program runs.

use super::Global;
use crate::{daemon, demo};

/// Try it: a private PostgreSQL with a sample shop, and the daemon beside it
///
/// Starts a private PostgreSQL in a temporary directory, fills it with a sample shop, keeps
/// changing it and serves it. Needs the server programs of PostgreSQL 13 or newer on this machine.
/// Leaves nothing behind when it ends.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    options: demo::Options,
}

pub async fn run(arguments: Arguments, _global: &Global) -> anyhow::Result<()> {
    demo::run(arguments.options, daemon::stop_signal()?).await
}
