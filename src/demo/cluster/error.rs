//! What can go wrong, with what the failing program said.

use std::io;
use std::process::{Command, Stdio};

use super::PATIENCE;

/// Why there is no private PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "PostgreSQL can't run as root, and there is no user \"postgres\" or \"nobody\" to run it as"
    )]
    NoAccount,
    #[error("can't {doing}")]
    Io { doing: String, source: io::Error },
    #[error("{program} failed:\n{output}")]
    Failed { program: &'static str, output: String },
    #[error("PostgreSQL didn't {what} within {} seconds:\n{log}", PATIENCE.as_secs())]
    TooSlow { what: &'static str, log: String },
}

impl Error {
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing: doing.into(), source }
    }

    /// Whether processes of an earlier server still hold the data directory: its last words, and the hint behind them.
    pub(super) fn is_still_in_use(&self) -> bool {
        let Self::Failed { program: "postgres", output } = self else { return false };
        output.lines().rev().take(2).any(|line| line.contains("is still in use"))
    }
}

/// Runs a short-lived program to its end.
pub(super) fn run(program: &'static str, command: &mut Command) -> Result<(), Error> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(Error::io(format!("start {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Failed { program, output })
}
