//! pgbench: its tables, and single-row updates by primary key.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::stage::Stage;

/// Rows of pgbench_accounts; pgbench's scale 1.
pub const ROWS: u32 = 100_000;

/// The addend is never 0: what changes nothing isn't logged.
const UPDATE: &str = "\
\\set aid random(1, 100000)
\\set delta random(1, 1000)
update pgbench_accounts set abalance = abalance + :delta where aid = :aid;
";

/// What a run of pgbench reports.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    pub transactions: u64,
    pub per_second: f64,
}

/// Makes and fills pgbench's tables.
pub fn fill(stage: &Stage, database: &str) -> anyhow::Result<()> {
    let mut command = Command::new(stage.program("pgbench"));
    command.args(["--initialize", "--quiet", "--scale=1"]).arg(stage.url(database));
    output(&mut command).map(drop)
}

/// Updates rows with prepared statements for so many seconds.
pub fn update(stage: &Stage, database: &str, clients: u32, seconds: u32) -> anyhow::Result<Ran> {
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(script.path(), UPDATE)?;
    let threads = clients.min(2);
    let mut command = Command::new(stage.program("pgbench"));
    command.args(["--no-vacuum", "--protocol=prepared", "--file"]).arg(script.path());
    command.arg(format!("--client={clients}")).arg(format!("--jobs={threads}"));
    command.arg(format!("--time={seconds}")).arg(stage.url(database));
    let text = output(&mut command)?;
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(label));
        line.with_context(|| format!("pgbench said nothing of \"{label}\":\n{text}"))
    };
    let transactions = after("number of transactions actually processed: ")?;
    // Versions before 14 say tps twice; the last one is always that without connecting.
    let per_second = text.lines().filter_map(|line| line.strip_prefix("tps = ")).next_back();
    let per_second = per_second.and_then(|rest| rest.split_whitespace().next());
    Ok(Ran {
        transactions: transactions.trim().parse()?,
        per_second: per_second.context("pgbench said no tps")?.parse()?,
    })
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().context("can't start pgbench")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pgbench failed:\n{error}");
    Ok(String::from_utf8(output.stdout)?)
}
