//! What a change costs that wakes thousands of waiting long polls, beside as many readers of Server-Sent Events.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::ensure;

use crate::Options;
use crate::crowd::{Crowd, Kind};
use crate::daemon::Daemon;
use crate::process::{cpu_time, memory_bytes};
use crate::report::{Report, Section};
use crate::stage::{Sql, Stage};
use crate::waiting::{Group, Order, Way, Woken};

/// Changes a turn.
const WAKES: u32 = 5;
/// What the allocator gives back, and who asks again, has done so by then.
const SETTLE: Duration = Duration::from_secs(2);

const TABLE: &str = "
    create table feed (id integer primary key, n bigint not null, status text not null, changed_at timestamptz not null);
    insert into feed values (1, 0, 'under way', now())";
const CHANGE: &str = "begin; update feed set n = n + 1, changed_at = now()";

/// What all turns of a way came to.
#[derive(Default)]
struct Side {
    median_ms: Vec<f64>,
    last_ms: Vec<f64>,
    cpu_micros: Vec<f64>,
    each_kib: Vec<f64>,
    each_kib_after: Vec<f64>,
}

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut writer = stage.create_database("polls")?;
    writer.run(TABLE)?;
    let (mut polls, mut streams) = (Side::default(), Side::default());
    for _ in 0..options.rounds {
        turn(stage, &mut writer, options.pollers, Way::Poll, &mut polls)?;
        turn(stage, &mut writer, options.pollers, Way::Stream, &mut streams)?;
    }
    report.add(section(options, &polls, &streams));
    Ok(())
}

fn section(options: &Options, polls: &Side, streams: &Side) -> Section {
    let mut section = Section::new(format!("{} long polls woken by a change", options.pollers));
    section.note(format!(
        "{} turns of {WAKES} changes a side, each with a new daemon; from right before COMMIT until the client has it;",
        options.rounds
    ));
    section.note("the daemon's processor time until all have asked again; Pss, beyond the daemon without connections");
    section.series("half of the polls are answered after", "ms", &polls.median_ms);
    section.series("the last poll is answered after", "ms", &polls.last_ms);
    section.series("half of as many SSE readers have it after", "ms", &streams.median_ms);
    section.series("the last SSE reader has it after", "ms", &streams.last_ms);
    section.series("a poll, answered and asked again", "CPU µs", &polls.cpu_micros);
    section.series("an event to an SSE reader", "CPU µs", &streams.cpu_micros);
    section.series("a waiting poll", "KiB", &polls.each_kib);
    section.series("a waiting poll, after others", "KiB", &polls.each_kib_after);
    section.series("an SSE reader", "KiB", &streams.each_kib);
    section.series("an SSE reader, after events", "KiB", &streams.each_kib_after);
    section.ratio("the last: polls / SSE", &polls.last_ms, &streams.last_ms, None);
    section.ratio("processor time: polls / SSE", &polls.cpu_micros, &streams.cpu_micros, None);
    section
}

fn turn(
    stage: &Stage,
    writer: &mut Sql,
    count: u32,
    way: Way,
    side: &mut Side,
) -> anyhow::Result<()> {
    let daemon = Daemon::start(&stage.url("polls"), "feed")?;
    let pid = daemon.pid();
    daemon.wait_until_live()?;
    std::thread::sleep(SETTLE);
    let empty = memory_bytes(pid)?;
    let address = daemon.address;
    let group = Group { address, table: "feed".to_owned(), count: count as usize, way };
    let mut crowd = Crowd::gather(&Kind::Wait(group))?;
    std::thread::sleep(SETTLE);
    let each_kib = |now: u64| now.saturating_sub(empty) as f64 / f64::from(count) / 1024.0;
    side.each_kib.push(each_kib(memory_bytes(pid)?));
    for _ in 0..WAKES {
        let connected: u32 = crowd.order(Order::Listen)?;
        ensure!(connected == count, "{connected} of {count} are connected");
        writer.run(CHANGE)?;
        let cpu = cpu_time(pid)?;
        let asked = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1e6;
        writer.run("commit")?;
        let woken: Woken = crowd.order(Order::Tell)?;
        std::thread::sleep(SETTLE);
        let cpu = cpu_time(pid)? - cpu;
        side.cpu_micros.push(cpu.as_secs_f64() * 1e6 / f64::from(count));
        side.median_ms.push((woken.median_micros - asked) / 1e3);
        side.last_ms.push((woken.last_micros - asked) / 1e3);
    }
    side.each_kib_after.push(each_kib(memory_bytes(pid)?));
    drop(crowd);
    daemon.stop()
}
