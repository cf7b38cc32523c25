//! What rowcast costs, beside what one would do without it: run by `script/bench`.
//!
//! Every comparison is made within one run, its sides taking turns: a ratio is computed from neighbours in time and only then
//! summarised. Everything runs on this machine: PostgreSQL, the daemon (as a process of its own), and the clients
//! (this program again, as another process).
#![expect(clippy::print_stdout, reason = "the report is this program's output")]

mod behind;
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
mod polls;
mod predicates;
mod process;
mod reconnect;
mod report;
mod returning;
mod routing;
mod sales;
mod snapshot;
mod stage;
mod trickle;
mod waiting;

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
    /// The number of rows that `snapshot` reads
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// The number of WebSockets that `reconnect` lets come back
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    returning: u32,
    /// How many changes `behind` is behind
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    changes: u64,
    /// The number of requests that `polls` lets wait
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    pollers: u32,
    /// PostgreSQL's synchronous_commit: "off" takes the disk out of the comparison
    #[arg(long, default_value = "on", value_parser = ["on", "off"])]
    synchronous_commit: String,
}

impl Options {
    fn most_connections(&self) -> u32 {
        let Self { readers, idlers, returning, pollers, .. } = *self;
        readers.max(idlers).max(returning).max(pollers)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Capture,
    Latency,
    Fanout,
    Idle,
    Routing,
    Predicates,
    Snapshot,
    Reconnect,
    Behind,
    Polls,
    All,
}

type Measure = fn(&Stage, &Options, &mut Report) -> anyhow::Result<()>;

const SUBJECTS: [(What, Measure); 10] = [
    (What::Capture, capture::measure),
    (What::Latency, latency::measure),
    (What::Fanout, fanout::measure),
    (What::Idle, idle::measure),
    (What::Snapshot, snapshot::measure),
    (What::Reconnect, reconnect::measure),
    (What::Behind, behind::measure),
    (What::Polls, polls::measure),
    (What::Routing, routing::measure),
    (What::Predicates, predicates::measure),
];

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
    let options = &arguments.options;
    machine::raise_file_limit(options.most_connections().into())?;
    let stage = Stage::set(options)?;
    let mut report = Report::new(machine::describe(&stage)?);
    println!("{}", report.header());
    for (what, measure) in SUBJECTS {
        if arguments.what.iter().any(|wanted| [what, What::All].contains(wanted)) {
            measure(&stage, options, &mut report)?;
        }
    }
    println!("{}", report.footer());
    if let Some(path) = &arguments.json {
        std::fs::write(path, format!("{:#}\n", report.json()))?;
    }
    Ok(())
}
