//! What delivery to many costs the daemon, beside the system calls that it can't do without.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::Options;
use crate::crowd::{Crowd, Kind};
use crate::daemon::Daemon;
use crate::plain::Plain;
use crate::process::cpu_time;
use crate::report::{Report, Section, Target};
use crate::stage::{Sql, Stage};

/// Transactions a second; each is a write per reader, so none of the sides is short of processor time.
const SINGLE_RATE: u32 = 50;
const TWENTIES_RATE: u32 = 20;
/// Changes of the larger transactions.
const TWENTY: u64 = 20;

const TABLE: &str = "
    create table feed (id integer primary key, n bigint not null, status text not null, changed_at timestamptz not null);
    insert into feed select i, 0, 'under way', now() from generate_series(1, 20) as i";
const SINGLE: &str = "update feed set n = n + 1, changed_at = now() where id = 1";
const TWENTIES: &str = "update feed set n = n + 1, changed_at = now()";

/// The daemon with its readers, and the writer.
struct Feeding {
    daemon: Daemon,
    crowd: Crowd,
    writer: Sql,
    readers: u32,
}

/// What a turn of the daemon came to.
struct Delivered {
    events_per_cpu_second: f64,
    bytes_per_write: u64,
}

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut writer = stage.create_database("fanout")?;
    writer.run(TABLE)?;
    let readers = options.readers;
    let daemon = Daemon::start(&stage.url("fanout"), "feed")?;
    let kind = Kind::Subscribe {
        address: daemon.address,
        table: "feed".to_owned(),
        count: readers as usize,
    };
    let crowd = Crowd::gather(&kind)?;
    let mut feeding = Feeding { daemon, crowd, writer, readers };
    let mut plain = Plain::connect(readers)?;
    let turn = Duration::from_secs(options.seconds.into());
    let sample = feeding.deliver(SINGLE, 1, SINGLE_RATE, Duration::from_secs(1))?;
    let bytes = vec![b'x'; usize::try_from(sample.bytes_per_write)?];
    let (mut singles, mut writes, mut twenties, mut idle) = (vec![], vec![], vec![], vec![]);
    for round in 0..options.rounds {
        idle.push(feeding.rest(Duration::from_secs(1))?);
        if round % 2 == 0 {
            writes.push(plain.write(ticks(SINGLE_RATE, turn), &bytes)?);
        }
        singles.push(feeding.deliver(SINGLE, 1, SINGLE_RATE, turn)?.events_per_cpu_second);
        if round % 2 == 1 {
            writes.push(plain.write(ticks(SINGLE_RATE, turn), &bytes)?);
        }
        let delivered = feeding.deliver(TWENTIES, TWENTY, TWENTIES_RATE, turn)?;
        twenties.push(delivered.events_per_cpu_second);
    }
    let mut section = Section::new(format!("fan-out to {readers} WebSockets"));
    section.note(format!(
        "{} turns of {} s a side; {SINGLE_RATE} single changes a second, {TWENTIES_RATE} transactions of {TWENTY};",
        options.rounds, options.seconds
    ));
    section.note(format!(
        "the daemon's processor time (all threads, reading the log included) until everybody has everything; {} bytes a write",
        sample.bytes_per_write
    ));
    section.series("plain loop, one thread, TCP", "writes/CPU s", &writes);
    section.series("rowcast, single changes", "events/CPU s", &singles);
    section.series("rowcast, transactions of 20", "events/CPU s", &twenties);
    section.series("rowcast, nothing changes", "CPU ms/s", &idle);
    section.ratio("single changes / plain loop", &singles, &writes, Some(Target::AtLeast(0.5)));
    section.ratio("of 20 / single changes", &twenties, &singles, Some(Target::AtLeast(8.0)));
    report.add(section);
    Ok(())
}

impl Feeding {
    /// Makes transactions at a steady rate, and waits until everybody has all of them.
    fn deliver(
        &mut self,
        statement: &str,
        changes: u64,
        rate: u32,
        turn: Duration,
    ) -> anyhow::Result<Delivered> {
        let before = self.crowd.received()?;
        let cpu_before = cpu_time(self.daemon.pid())?;
        let mut events = 0;
        for () in ticks(rate, turn) {
            self.writer.run(statement)?;
            events += changes;
        }
        let after = self.crowd.wait_for_events(&before, events)?;
        let cpu = cpu_time(self.daemon.pid())? - cpu_before;
        ensure!(cpu > Duration::ZERO, "too short to be measured");
        let bytes = after.bytes - before.bytes;
        Ok(Delivered {
            events_per_cpu_second: (events * u64::from(self.readers)) as f64 / cpu.as_secs_f64(),
            bytes_per_write: bytes / (after.frames - before.frames).max(1),
        })
    }

    /// Milliseconds of processor time a second while nothing changes.
    fn rest(&self, turn: Duration) -> anyhow::Result<f64> {
        let before = cpu_time(self.daemon.pid())?;
        std::thread::sleep(turn);
        let cpu = cpu_time(self.daemon.pid())? - before;
        Ok(cpu.as_secs_f64() * 1e3 / turn.as_secs_f64())
    }
}

/// A fixed schedule: what is late doesn't put off what follows.
fn ticks(rate: u32, turn: Duration) -> impl Iterator<Item = ()> {
    let begun = Instant::now();
    let period = Duration::from_secs(1) / rate;
    (0..).map(move |at| period * at).take_while(move |due| *due < turn).map(move |due| {
        std::thread::sleep((begun + due).saturating_duration_since(Instant::now()));
    })
}
