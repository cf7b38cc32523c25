//! The command line: what the commands are called and what they end with. The work is the
//! library's.

mod check;
mod checked;
mod demo;
mod explain;
mod install;
mod serve;
mod status;
mod tail;
mod token;
mod uninstall;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{self, Config, Faults};
use crate::database::ConnectError;
use crate::telemetry::{self, LogFormat};

pub use checked::{Checked, Keys};

/// Turns an existing PostgreSQL database into a live feed of row changes.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
See it run, with nothing set up:  rowcast demo
Beside a database of your own:    rowcast check, then rowcast serve

Exit codes: 0 done, 1 failed, 2 wrong usage, 64 bad configuration.";

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The configuration [default: ROWCAST_CONFIG, else rowcast.toml if there is one]
    ///
    /// Every value in it can also be given as an environment variable, which then wins: for
    /// `listen` in `[server]` it is ROWCAST_SERVER__LISTEN.
    #[arg(long, global = true, value_name = "FILE", env = "ROWCAST_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,

    /// How the log on standard error looks [default: ROWCAST_LOG_FORMAT, else text]
    ///
    /// RUST_LOG says how much of it there is: warn, info (the default), debug, or
    /// rowcast::changelog=debug.
    #[arg(
        long,
        global = true,
        value_name = "text|json",
        value_enum,
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        env = "ROWCAST_LOG_FORMAT",
        hide_env = true
    )]
    pub log_format: LogFormat,
}

impl Global {
    /// The configuration from the file and the environment; what only deserves a warning is logged.
    pub fn load(&self) -> Result<Config, Faults> {
        let config = config::load(self.config.as_deref(), &config::environment())?;
        config.warnings.log();
        Ok(config)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Demo(demo::Arguments),
    Install(install::Arguments),
    Uninstall(uninstall::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Status(status::Arguments),
    Tail(tail::Arguments),
    Token(token::Arguments),
}

/// Wrong usage that the arguments' own parser can't see. Ends the program with 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let Arguments { global, command } = arguments();
    telemetry::init(global.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&error.into(), global.log_format),
    };
    match runtime.block_on(Box::pin(run(command, &global))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error, global.log_format),
    }
}

/// Parses the arguments; an empty environment variable counts as absent.
fn arguments() -> Arguments {
    let mut command = Arguments::command();
    for (name, variable) in [("config", "ROWCAST_CONFIG"), ("log_format", "ROWCAST_LOG_FORMAT")] {
        if std::env::var_os(variable).is_some_and(|value| value.is_empty()) {
            command = command.mut_arg(name, |argument| argument.env(Resettable::Reset));
        }
    }
    Arguments::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

async fn run(command: Command, global: &Global) -> anyhow::Result<()> {
    match command {
        Command::Serve(arguments) => Box::pin(serve::run(arguments, global)).await,
        Command::Demo(arguments) => demo::run(arguments, global).await,
        Command::Install(arguments) => install::run(arguments, global).await,
        Command::Uninstall(arguments) => uninstall::run(arguments, global).await,
        Command::Check(arguments) => check::run(arguments, global).await,
        Command::Explain(arguments) => Box::pin(explain::run(arguments, global)).await,
        Command::Status(arguments) => status::run(arguments, global).await,
        Command::Tail(arguments) => tail::run(arguments, global).await,
        Command::Token(arguments) => token::run(arguments, global).await,
    }
}

/// Writes what a command has to say to standard output. Whoever closed it has heard enough.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Shows faults on standard error, in the form that the log has.
#[expect(clippy::print_stderr, reason = "faults with their places are no lines of a log")]
pub fn warn(faults: &Faults, format: LogFormat) {
    match format {
        LogFormat::Text => eprint!("{}", faults.render(telemetry::colourful())),
        LogFormat::Json => faults.log(),
    }
}

/// Says what went wrong, and how the program ends.
fn report(error: &anyhow::Error, format: LogFormat) -> ExitCode {
    if let Some(faults) = cause::<Faults>(error) {
        warn(faults, format);
        return ExitCode::from(64);
    }
    let text = match cause::<ConnectError>(error) {
        Some(refused) => format!("{refused}: {}", refused.explain()),
        None => format!("{error:#}"),
    };
    last_words(&text, format);
    ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
}

fn cause<E: std::error::Error + Send + Sync + 'static>(error: &anyhow::Error) -> Option<&E> {
    error.chain().find_map(|cause| cause.downcast_ref::<E>())
}

#[expect(clippy::print_stderr, reason = "why a command failed is no line of a log")]
fn last_words(text: &str, format: LogFormat) {
    match format {
        LogFormat::Text => eprintln!("rowcast: {text}"),
        LogFormat::Json => tracing::error!("{text}"),
    }
}
