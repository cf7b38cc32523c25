//! What the figures were measured on, and what it must allow.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::stage::Stage;

/// Open files besides a connection for each client.
const OTHER_FILES: u64 = 200;
/// Settings that the figures depend on.
const SETTINGS: [&str; 7] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "autovacuum",
];

/// Lets this process and its children open a file for each connection.
pub fn raise_file_limit(connections: u64) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = connections + OTHER_FILES;
    ensure!(
        needed <= hard,
        "{connections} connections take {needed} open files; `ulimit -Hn` allows {hard}"
    );
    setrlimit(Resource::RLIMIT_NOFILE, needed.max(soft), hard).context("can't raise `ulimit -n`")
}

/// Names and values, for the report.
pub fn describe(stage: &Stage) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut sql = stage.sql("postgres")?;
    let mut settings = Vec::new();
    for name in SETTINGS {
        settings.push(format!("{name}={}", sql.text(&format!("show {name}"))?));
    }
    Ok(vec![
        ("processors", processors()),
        ("memory", memory()),
        ("system", file("/proc/sys/kernel/osrelease")),
        ("load", file("/proc/loadavg")),
        ("PostgreSQL", format!("{} {}", sql.text("show server_version")?, settings.join(" "))),
        ("rowcast", commit()),
    ])
}

fn processors() -> String {
    let text = file("/proc/cpuinfo");
    let models = text.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let models: Vec<&str> = models.map(|(_, model)| model).collect();
    format!("{} × {}", models.len(), models.first().unwrap_or(&"?"))
}

fn memory() -> String {
    let text = file("/proc/meminfo");
    text.lines().next().and_then(|line| line.split_once(": ")).unwrap_or(("", "?")).1.trim().into()
}

fn commit() -> String {
    let output = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "?".to_owned())
}

fn file(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "?".to_owned(), |text| text.trim().to_owned())
}
