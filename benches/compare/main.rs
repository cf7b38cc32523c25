//! What rowcast costs, beside what one would do without it: run by `script/bench`.
//!
//! Every comparison is made within one run, its sides taking turns: a ratio is computed from neighbours in time and only then
//! summarised. Everything runs on this machine: PostgreSQL, the daemon (as a process of its own), and the clients
//! (this program again, as another process).
#![expect(clippy::print_stdout, reason = "the report is this program's output")]

mod capture;
mod crowd;
mod daemon;
mod fanout;
mod feed;
mod figures;
mod idle;
mod latency;
mod machine;
mod orders;
mod pgbench;
mod plain;
mod predicates;
mod process;
mod report;
mod routing;
mod stage;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use report::Report;
use stage::Stage;

/// The daemon's allocator, for what is measured in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures rowcast beside what one would do without it.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Arguments {
    /// What to measure
    #[arg(value_enum, default_values = ["all"])]
    what: Vec<What>,
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    child: Option<Child>,
    /// Writes all figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Passed by `cargo bench`; `cargo test` doesn't pass it, and isn't meant to measure
    #[arg(long, hide = true)]
    bench: bool,
}

/// How much of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How long each side's turn lasts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many turns each side has
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The numbers of pgbench's clients
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    clients: Vec<u32>,
    /// The number of WebSockets that `fanout` delivers to
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    readers: u32,
    /// The number of WebSockets that `idle` holds open
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    idlers: u32,
    /// PostgreSQL's synchronous_commit: "off" takes the disk out of the comparison
    #[arg(long, default_value = "on", value_parser = ["on", "off"])]
    synchronous_commit: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Capture,
    Latency,
    Fanout,
    Idle,
    Routing,
    Predicates,
    All,
}

#[derive(Debug, Subcommand)]
enum Child {
    /// The process that holds the clients
    #[command(hide = true)]
    Crowd(crowd::Arguments),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(Child::Crowd(crowd)) = arguments.child {
        return crowd::run(&crowd);
    }
    if !arguments.bench {
        println!("not measured: this is no run of `cargo bench`");
        return Ok(());
    }
    machine::raise_file_limit(u64::from(arguments.options.readers.max(arguments.options.idlers)))?;
    let stage = Stage::set(&arguments.options)?;
    let mut report = Report::new(machine::describe(&stage)?);
    println!("{}", report.header());
    let options = &arguments.options;
    let wanted = |what| arguments.what.iter().any(|w| [what, What::All].contains(w));
    if wanted(What::Capture) {
        capture::measure(&stage, options, &mut report)?;
    }
    if wanted(What::Latency) {
        latency::measure(&stage, options, &mut report)?;
    }
    if wanted(What::Fanout) {
        fanout::measure(&stage, options, &mut report)?;
    }
    if wanted(What::Idle) {
        idle::measure(&stage, options, &mut report)?;
    }
    if wanted(What::Routing) {
        routing::measure(&stage, options, &mut report)?;
    }
    if wanted(What::Predicates) {
        predicates::measure(&stage, options, &mut report)?;
    }
    println!("{}", report.footer());
    if let Some(path) = &arguments.json {
        std::fs::write(path, format!("{:#}\n", report.json()))?;
    }
    Ok(())
}
