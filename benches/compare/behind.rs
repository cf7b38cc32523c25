//! A subscriber that is far behind: how fast it catches up, what that takes, and what another subscriber notices.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use memchr::memmem;

use crate::Options;
use crate::daemon::Daemon;
use crate::feed::{Feed, Wanted};
use crate::figures::percentile;
use crate::process::{cpu_time, forget_peak, peak_bytes, resident_bytes};
use crate::report::{Report, Section, Target};
use crate::stage::{Sql, Stage};
use crate::trickle::{self, Trickle};

const DATABASE: &str = "behind";
/// Changes a second that the other subscriber's latency is measured with.
const RATE: u32 = 200;
/// Rows that are changed again and again.
const ROWS: u64 = 100_000;
/// Changes of a transaction.
const TOGETHER: u64 = 1_000;
/// As near as this to the trickle's last change that came to the other subscriber, in changes, it has caught up.
const NEAR: u64 = RATE as u64 / 20;
const WARM_UP: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(300);

const SLOW_BYTES_PER_SECOND: f64 = 1e6;
const SLOW_BUFFER_BYTES: u32 = 128 << 10;

const TABLE: &str = "
    create table feed (id integer primary key, n bigint not null, status text not null, title text not null,
      changed_at timestamptz not null)";

/// How a subscriber reads that is behind.
#[derive(Clone, Copy)]
struct Reader<'a> {
    address: SocketAddr,
    cursor: &'a str,
    /// Slowly for so long.
    slow: Option<Duration>,
}

/// What all turns of a kind of reader came to.
#[derive(Default)]
struct Side {
    seconds: Vec<f64>,
    changes_per_second: Vec<f64>,
    cpu_seconds: Vec<f64>,
    peak_mib: Vec<f64>,
    quiet_p99: Vec<f64>,
    during_p99: Vec<f64>,
    quiet_p50: Vec<f64>,
    during_p50: Vec<f64>,
    most: Vec<f64>,
}

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut sql = stage.create_database(DATABASE)?;
    sql.run(TABLE)?;
    sql.run(&format!(
        "insert into feed select i, 0, 'under way', 'Order no. ' || i, now() from generate_series(0, {ROWS}) as i"
    ))?;
    let cursor = cursor_of_now(stage)?;
    let changes = fall_behind(&mut sql, options.changes)?;
    let slow = Duration::from_secs(options.seconds.into());
    let mut sides = [Side::default(), Side::default()];
    let mut written = changes;
    for _ in 0..options.rounds {
        for (side, slow) in sides.iter_mut().zip([None, Some(slow)]) {
            written += turn(stage, options, &cursor, slow, written, side)?;
        }
    }
    let [fast, slow] = &sides;
    report.add(section(options, "reads on", changes, fast));
    let title = format!("reads 1 MB/s for {} s, then on", options.seconds);
    report.add(section(options, &title, changes, slow));
    Ok(())
}

fn section(options: &Options, how: &str, changes: u64, side: &Side) -> Section {
    let mut section = Section::new(format!("{changes} changes behind: {how}"));
    section.note(format!(
        "transactions of {TOGETHER}; {} turns, each with a new daemon; another subscriber of the same table has its latency",
        options.rounds
    ));
    section.note(format!(
        "measured at {RATE} changes a second, while the first one catches up, and for {} s before and after it",
        options.seconds
    ));
    section.series("catching up", "s", &side.seconds);
    section.series("changes to the one that is behind", "changes/s", &side.changes_per_second);
    section.series("the daemon's processor time", "CPU s", &side.cpu_seconds);
    let (memory, most) = (&side.peak_mib, Some(Target::AtMost(100.0)));
    section.aimed_series("the daemon's memory at most, beyond before", "MiB", memory, most);
    section.series("the other's p50, before and after", "ms", &side.quiet_p50);
    section.series("the other's p50, meanwhile", "ms", &side.during_p50);
    section.series("the other's p99, before and after", "ms", &side.quiet_p99);
    section.series("the other's p99, meanwhile", "ms", &side.during_p99);
    section.series("the other's longest, meanwhile", "ms", &side.most);
    let aim = Some(Target::AtMost(2.0));
    section.ratio("p99: meanwhile / before and after", &side.during_p99, &side.quiet_p99, aim);
    section
}

/// The place that the subscriber goes on from.
fn cursor_of_now(stage: &Stage) -> anyhow::Result<String> {
    let daemon = Daemon::start(&stage.url(DATABASE), "feed")?;
    daemon.wait_until_live()?;
    let cursor = runtime()?.block_on(async {
        let wanted = Wanted { table: "feed", ..Wanted::default() };
        let mut feed = Feed::open(daemon.address, &wanted).await?;
        let mut cursor = None;
        while cursor.is_none() {
            let read = feed.read(|payload| {
                if payload.starts_with(br#"{"op":"subscribed""#) {
                    let said: serde_json::Value =
                        serde_json::from_slice(payload).unwrap_or_default();
                    cursor = said["cursor"].as_str().map(str::to_owned);
                }
            });
            read.await?;
        }
        anyhow::Ok(cursor.unwrap_or_default())
    })?;
    daemon.stop()?;
    Ok(cursor)
}

/// Changes rows while nobody listens; answers how many changes that were.
fn fall_behind(sql: &mut Sql, changes: u64) -> anyhow::Result<u64> {
    let transactions = changes.div_ceil(TOGETHER);
    for transaction in 0..transactions {
        let first = 1 + transaction * TOGETHER % ROWS;
        sql.run(&format!(
            "update feed set n = n + 1, changed_at = now() where id between {first} and {}",
            first + TOGETHER - 1
        ))?;
    }
    sql.run("vacuum feed")?;
    sql.run("checkpoint")?;
    Ok(transactions * TOGETHER)
}

/// Catches up with everything that has been `written` since the cursor; answers how much the trickle added to it.
fn turn(
    stage: &Stage,
    options: &Options,
    cursor: &str,
    slow: Option<Duration>,
    written: u64,
    side: &mut Side,
) -> anyhow::Result<u64> {
    let daemon = Daemon::start(&stage.url(DATABASE), "feed")?;
    daemon.wait_until_live()?;
    let pid = daemon.pid();
    let trickle = Trickle::start(stage, DATABASE, daemon.address, RATE, written)?;
    let quiet = Duration::from_secs(options.seconds.into());
    std::thread::sleep(WARM_UP);
    let before = Instant::now();
    std::thread::sleep(quiet);
    forget_peak(pid)?;
    let (memory, cpu) = (resident_bytes(pid)?, cpu_time(pid)?);
    let begun = Instant::now();
    let reader = Reader { address: daemon.address, cursor, slow };
    let events = catch_up(reader, &trickle)?;
    let cpu = cpu_time(pid)? - cpu;
    let (ended, more) = (Instant::now(), peak_bytes(pid)?.saturating_sub(memory));
    std::thread::sleep(quiet);
    let after = Instant::now();
    let latencies = trickle.stop()?;
    daemon.stop()?;
    ensure!(
        (written..=written + latencies.count() as u64).contains(&events),
        "{events} events came of {written} changes, and those of the trickle"
    );
    let seconds = (ended - begun).as_secs_f64();
    side.seconds.push(seconds);
    side.changes_per_second.push(events as f64 / seconds);
    side.cpu_seconds.push(cpu.as_secs_f64());
    side.peak_mib.push(more as f64 / f64::from(1 << 20));
    let still = [latencies.within(before..begun), latencies.within(ended..after)].concat();
    let meanwhile = latencies.within(begun..ended);
    side.quiet_p50.push(percentile(&still, 50.0));
    side.quiet_p99.push(percentile(&still, 99.0));
    side.during_p50.push(percentile(&meanwhile, 50.0));
    side.during_p99.push(percentile(&meanwhile, 99.0));
    side.most.push(percentile(&meanwhile, 100.0));
    Ok(latencies.count() as u64)
}

/// Goes on from the cursor, until it has what the other subscriber has; answers how many events came.
fn catch_up(reader: Reader<'_>, trickle: &Trickle) -> anyhow::Result<u64> {
    let begun = Instant::now();
    let receive_buffer_bytes = reader.slow.map(|_| SLOW_BUFFER_BYTES);
    let wanted = Wanted {
        table: "feed",
        cursor: Some(reader.cursor),
        receive_buffer_bytes,
        ..Wanted::default()
    };
    let catching = async {
        let mut feed = Feed::open(reader.address, &wanted).await?;
        let (mut events, mut number, mut odd) = (0, None, None);
        let event = memmem::Finder::new(br#"{"event":""#);
        loop {
            let read = feed.read(|payload| {
                if payload.starts_with(br#"{"op":"events""#) {
                    events += event.find_iter(payload).count() as u64;
                    number = trickle::last_number(payload).or(number);
                } else if [&b"{\"op\":\"error\""[..], b"{\"op\":\"reset\""]
                    .iter()
                    .any(|op| payload.starts_with(op))
                {
                    odd = Some(String::from_utf8_lossy(payload).into_owned());
                }
            });
            let bytes = read.await?;
            if let Some(odd) = odd {
                bail!("after {events} events: {odd}");
            }
            if number.is_some_and(|number| number + NEAR >= trickle.seen()) {
                return Ok(events);
            }
            if reader.slow.is_some_and(|slow| begun.elapsed() < slow) {
                let rest = Duration::from_secs_f64(bytes as f64 / SLOW_BYTES_PER_SECOND);
                tokio::time::sleep(rest).await;
            }
        }
    };
    runtime()?.block_on(async { tokio::time::timeout(PATIENCE, catching).await? })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
