//! What it takes to read a whole table: over HTTP and over a WebSocket, beside psql reading the same rows as JSON.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use memchr::memmem;
use rowcast::snapshot::SHARED_FOR;
use tokio::runtime::Runtime;

use crate::Options;
use crate::daemon::Daemon;
use crate::feed::{Feed, Wanted};
use crate::process::{cpu_time, forget_peak, peak_bytes, resident_bytes};
use crate::report::{Report, Section, Target};
use crate::sales::{self, TABLE};
use crate::stage::Stage;

const CUSTOMERS: u64 = 20_000;
const DATABASE: &str = "snapshot";
/// How long a read may take.
const PATIENCE: Duration = Duration::from_secs(300);

const OPEN: &str = "[[table]]\nname = 'orders'\nrows = 'true'\n";
const MASKED: &str =
    "[[table]]\nname = 'orders'\nrows = 'true'\n[table.columns]\ntitle = \"status = 'placed'\"\n";
/// Half of the rows.
const FILTERED: &str = "?where=total+%3E%3D+500";
const WHOLE_SQL: &str = "select row_to_json(t)::text from orders t";
const FILTERED_SQL: &str = "select row_to_json(t)::text from (
    select id, customer_id, version, status, total, currency, case when status = 'placed' then title end as title,
      created_at from orders where total >= 500) t";

/// The daemons, of which one masks a column.
struct Served {
    open: Daemon,
    masked: Daemon,
    runtime: Runtime,
}

/// What came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Read {
    rows: u64,
    bytes: u64,
}

/// What all turns of a way came to.
#[derive(Default)]
struct Way {
    rows_per_second: Vec<f64>,
    /// The daemon's processor time for a million rows.
    cpu_seconds: Vec<f64>,
    /// More of the daemon's memory than before, in MiB.
    peak_mib: Vec<f64>,
    rows: u64,
    bytes_per_row: u64,
}

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    drop(sales::create(stage, DATABASE, options.rows, CUSTOMERS)?);
    let url = stage.url(DATABASE);
    let served = Served {
        open: Daemon::serve(&url, OPEN)?,
        masked: Daemon::serve(&url, MASKED)?,
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
    };
    served.open.wait_until_live()?;
    served.masked.wait_until_live()?;
    let (mut psql, mut ndjson, mut websocket) = (Way::default(), Way::default(), Way::default());
    let (mut psql_half, mut half) = (Way::default(), Way::default());
    for _ in 0..options.rounds {
        // The WebSocket is not to be given what was read for others.
        std::thread::sleep(2 * SHARED_FOR);
        turn(&mut psql, None, || read_psql(stage, WHOLE_SQL))?;
        turn(&mut websocket, Some(&served.open), || served.read_websocket(options.rows))?;
        turn(&mut ndjson, Some(&served.open), || served.read_ndjson(&served.open, ""))?;
        turn(&mut psql_half, None, || read_psql(stage, FILTERED_SQL))?;
        turn(&mut half, Some(&served.masked), || served.read_ndjson(&served.masked, FILTERED))?;
    }
    served.open.stop()?;
    served.masked.stop()?;
    ensure!(ndjson.rows == psql.rows, "{} of {} rows came", ndjson.rows, psql.rows);
    ensure!(half.rows == psql_half.rows, "{} of {} rows came", half.rows, psql_half.rows);
    report.add(section(options, [&psql, &ndjson, &websocket, &psql_half, &half]));
    Ok(())
}

fn section(options: &Options, ways: [&Way; 5]) -> Section {
    let [psql, ndjson, websocket, psql_half, half] = ways;
    let mut section = Section::new(format!("snapshot of {} rows", options.rows));
    section.note(format!(
        "rows of {} bytes as JSON, {} turns a side, read to the end; memory: what the daemon has at most beyond what it had",
        ndjson.bytes_per_row, options.rounds
    ));
    section.note("half of it: total >= 500, and a column that is masked in three rows of four");
    section.series("psql -Atc, to a pipe", "rows/s", &psql.rows_per_second);
    section.series("GET rows, NDJSON", "rows/s", &ndjson.rows_per_second);
    section.series("WebSocket, snapshot", "rows/s", &websocket.rows_per_second);
    section.series("psql -Atc, half of it", "rows/s", &psql_half.rows_per_second);
    section.series("GET rows, NDJSON, half of it", "rows/s", &half.rows_per_second);
    section.series("processor time, GET rows", "CPU s/million", &ndjson.cpu_seconds);
    section.series("processor time, WebSocket", "CPU s/million", &websocket.cpu_seconds);
    section.series("processor time, half of it", "CPU s/million", &half.cpu_seconds);
    section.series("memory, GET rows", "MiB", &ndjson.peak_mib);
    section.series("memory, WebSocket", "MiB", &websocket.peak_mib);
    section.series("memory, half of it", "MiB", &half.peak_mib);
    let (whole, aim) = (&psql.rows_per_second, Some(Target::AtLeast(0.6)));
    section.ratio("GET rows / psql", &ndjson.rows_per_second, whole, aim);
    section.ratio("WebSocket / psql", &websocket.rows_per_second, whole, None);
    section.ratio(
        "half of it: GET rows / psql",
        &half.rows_per_second,
        &psql_half.rows_per_second,
        aim,
    );
    section
}

fn turn(
    way: &mut Way,
    daemon: Option<&Daemon>,
    read: impl FnOnce() -> anyhow::Result<Read>,
) -> anyhow::Result<()> {
    let pid = daemon.map(Daemon::pid);
    pid.map(forget_peak).transpose()?;
    let before = pid.map(|pid| Ok::<_, anyhow::Error>((resident_bytes(pid)?, cpu_time(pid)?)));
    let before = before.transpose()?;
    let begun = Instant::now();
    let read = read()?;
    way.rows_per_second.push(read.rows as f64 / begun.elapsed().as_secs_f64());
    way.rows = read.rows;
    way.bytes_per_row = read.bytes / read.rows.max(1);
    if let Some((pid, (memory, cpu))) = pid.zip(before) {
        let cpu = cpu_time(pid)? - cpu;
        way.cpu_seconds.push(cpu.as_secs_f64() * 1e6 / read.rows.max(1) as f64);
        let more = peak_bytes(pid)?.saturating_sub(memory);
        way.peak_mib.push(more as f64 / f64::from(1 << 20));
    }
    Ok(())
}

fn read_psql(stage: &Stage, query: &str) -> anyhow::Result<Read> {
    let mut command = Command::new(stage.program("psql"));
    command.args(["--no-psqlrc", "-Atc", query]).arg(stage.url(DATABASE));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().context("psql's output")?;
    let (mut buffer, mut read) = (vec![0; 256 << 10], Read::default());
    loop {
        let bytes = output.read(&mut buffer)?;
        if bytes == 0 {
            break;
        }
        read.add_lines(&buffer[..bytes]);
    }
    ensure!(child.wait()?.success(), "psql failed");
    Ok(read)
}

impl Served {
    fn read_ndjson(&self, daemon: &Daemon, query: &str) -> anyhow::Result<Read> {
        let url = format!("http://{}/v1/tables/{TABLE}/rows{query}", daemon.address);
        self.runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
            let answer = client.get(url).header("accept", "application/x-ndjson").send().await?;
            if !answer.status().is_success() {
                bail!("no rows: {}", answer.text().await?);
            }
            let (mut body, mut read) = (answer.bytes_stream(), Read::default());
            while let Some(bytes) = body.next().await {
                read.add_lines(&bytes?);
            }
            Ok(read)
        })
    }

    fn read_websocket(&self, rows: u64) -> anyhow::Result<Read> {
        let row = memmem::Finder::new(br#"{"id":"#);
        let wanted = Wanted { table: TABLE, snapshot: true, ..Wanted::default() };
        let reading = async {
            let mut feed = Feed::open(self.open.address, &wanted).await?;
            let (mut read, mut complete, mut refused) = (Read::default(), false, None);
            while !complete {
                let reading = feed.read(|payload| {
                    if payload.starts_with(br#"{"op":"rows""#) {
                        read.rows += row.find_iter(payload).count() as u64;
                        read.bytes += payload.len() as u64;
                    }
                    complete |= payload.starts_with(br#"{"op":"synced""#);
                    if payload.starts_with(br#"{"op":"error""#) {
                        refused = Some(String::from_utf8_lossy(payload).into_owned());
                    }
                });
                reading.await?;
                if let Some(refused) = refused {
                    bail!("the subscription was refused: {refused}");
                }
            }
            ensure!(read.rows == rows, "{} of {rows} rows came", read.rows);
            Ok(read)
        };
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, reading).await? })
    }
}

impl Read {
    fn add_lines(&mut self, bytes: &[u8]) {
        self.rows += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.bytes += bytes.len() as u64;
    }
}
