//! What an idle connection costs the daemon's memory.

use std::time::Duration;

use crate::Options;
use crate::crowd::{Crowd, Kind};
use crate::daemon::Daemon;
use crate::process::memory_bytes;
use crate::report::{Report, Section, Target};
use crate::stage::Stage;

/// What the allocator gives back, it gives back within this time.
const SETTLE: Duration = Duration::from_secs(2);

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let table = "create table feed (id integer primary key, n bigint not null)";
    stage.create_database("idle")?.run(table)?;
    let count = options.idlers as usize;
    let (mut each_kib, mut empty_mib, mut full_mib) = (vec![], vec![], vec![]);
    for _ in 0..options.rounds.min(3) {
        let daemon = Daemon::start(&stage.url("idle"), "feed")?;
        std::thread::sleep(SETTLE);
        let empty = memory_bytes(daemon.pid())? as f64;
        let kind = Kind::Subscribe { address: daemon.address, table: "feed".to_owned(), count };
        let mut crowd = Crowd::gather(&kind)?;
        std::thread::sleep(SETTLE);
        crowd.wait_for("all connections", |received| received.clients == count)?;
        let full = memory_bytes(daemon.pid())? as f64;
        each_kib.push((full - empty) / count as f64 / 1024.0);
        empty_mib.push(empty / f64::from(1 << 20));
        full_mib.push(full / f64::from(1 << 20));
        drop(crowd);
        daemon.stop()?;
    }
    let mut section = Section::new(format!("memory of {count} idle WebSockets"));
    section.note("each subscribed to one table; Pss of the daemon, which is new for each turn");
    section.series("without connections", "MiB", &empty_mib);
    section.series("with them", "MiB", &full_mib);
    section.aimed_series("a connection", "KiB", &each_kib, Some(Target::AtMost(12.0)));
    report.add(section);
    Ok(())
}
