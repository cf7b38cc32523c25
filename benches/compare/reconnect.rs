//! What it costs when all clients come back at once: after a deploy, or a restart of the daemon.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use crate::Options;
use crate::crowd::{Crowd, Kind};
use crate::daemon::Daemon;
use crate::process::{cpu_time, forget_peak, peak_bytes, resident_bytes};
use crate::report::{Report, Section, Target};
use crate::returning::{Group, Order, Received, Returned, Until};
use crate::sales::{self, TABLE};
use crate::stage::Stage;

const DATABASE: &str = "reconnect";
const ROWS: u64 = 10_000;
/// Changes that each client of the whole table has missed.
const MISSED: u64 = 100;
const PATIENCE: Duration = Duration::from_secs(30);
/// What a daemon does after its start, and what readers' leaving takes, is done by then.
const SETTLE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// The daemon remembers what they missed.
    Remembered,
    /// It has been restarted, and reads what they missed from the log.
    Restarted,
    /// The same; each has a shape of its own.
    RestartedShapes,
    /// It has been restarted, and the log doesn't reach back to their cursors.
    Expired,
}

const CASES: [Case; 4] = [Case::Remembered, Case::Restarted, Case::RestartedShapes, Case::Expired];

/// What all turns of a case came to.
#[derive(Default)]
struct Turns {
    median_ms: Vec<f64>,
    last_ms: Vec<f64>,
    cpu_seconds: Vec<f64>,
    peak_mib: Vec<f64>,
    /// By PostgreSQL's count.
    table_scans: Vec<f64>,
    log_scans: Vec<f64>,
    /// By the daemon's.
    snapshot_reads: Vec<f64>,
}

struct Bench<'a> {
    stage: &'a Stage,
    clients: u32,
}

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let clients = options.returning;
    drop(sales::create(stage, DATABASE, ROWS.max(clients.into()), clients.into())?);
    let bench = Bench { stage, clients };
    let mut turns = CASES.map(|_| Turns::default());
    for _ in 0..options.rounds {
        for (case, turns) in CASES.into_iter().zip(&mut turns) {
            bench.turn(case, turns)?;
        }
    }
    for (case, turns) in CASES.into_iter().zip(&turns) {
        report.add(section(case, options, turns));
    }
    Ok(())
}

fn section(case: Case, options: &Options, turns: &Turns) -> Section {
    let (clients, rounds) = (options.returning, options.rounds);
    let (title, note) = match case {
        Case::Remembered => ("the daemon remembers", format!("{MISSED} changes missed")),
        Case::Restarted => ("restarted daemon", format!("{MISSED} changes missed")),
        Case::RestartedShapes => {
            ("restarted daemon, each its own customer", "a change each missed".to_owned())
        }
        Case::Expired => ("expired cursors", format!("{ROWS} rows each, of one shape")),
    };
    let mut section = Section::new(format!("{clients} WebSockets come back: {title}"));
    section.note(format!(
        "all at once with cursors and snapshot:true, {note}; {rounds} turns, each with a new daemon;"
    ));
    section.note("live: everything that was missed has come, and the commit or synced behind it");
    section.series("half of them are live after", "ms", &turns.median_ms);
    section.series("the last one is live after", "ms", &turns.last_ms);
    section.series("the daemon's processor time until then", "CPU s", &turns.cpu_seconds);
    section.series("its memory at most, beyond before", "MiB", &turns.peak_mib);
    section.series("scans of the log while it ran, polls included", "", &turns.log_scans);
    let at_most = |bound| Some(Target::AtMost(bound));
    let bound = if case == Case::Expired { 2.0 } else { 0.0 };
    section.aimed_series("reads of the whole table", "", &turns.table_scans, at_most(bound));
    section.series("snapshot reads, as the daemon counts", "", &turns.snapshot_reads);
    section
}

impl Bench<'_> {
    fn turn(&self, case: Case, turns: &mut Turns) -> anyhow::Result<()> {
        let (url, by_customer) = (self.stage.url(DATABASE), case == Case::RestartedShapes);
        let mut scans_before = self.scans()?;
        let mut daemon = Daemon::start(&url, TABLE)?;
        let group = Group {
            address: daemon.address,
            table: TABLE.to_owned(),
            count: self.clients as usize,
            by_customer,
        };
        let mut crowd = Crowd::gather(&Kind::Return(group))?;
        let left: u32 = crowd.order(Order::Leave)?;
        ensure!(left == self.clients, "clients had gone before: {left} were left");
        self.change(if by_customer { self.clients.into() } else { MISSED })?;
        if case != Case::Remembered {
            daemon.stop()?;
            if case == Case::Expired {
                self.expire()?;
            }
            scans_before = self.scans()?;
            daemon = Daemon::start(&url, TABLE)?;
        }
        daemon.wait_until_live()?;
        std::thread::sleep(SETTLE);
        let until = match case {
            Case::Remembered | Case::Restarted => Until::Events(MISSED),
            Case::RestartedShapes => Until::Events(1),
            Case::Expired => Until::Synced,
        };
        let pid = daemon.pid();
        forget_peak(pid)?;
        let (memory, cpu) = (resident_bytes(pid)?, cpu_time(pid)?);
        let order = Order::Return { address: daemon.address, until };
        let returned: Returned = crowd.order(order)?;
        turns.cpu_seconds.push((cpu_time(pid)? - cpu).as_secs_f64());
        let more = peak_bytes(pid)?.saturating_sub(memory);
        turns.peak_mib.push(more as f64 / f64::from(1 << 20));
        turns.median_ms.push(returned.median_ms);
        turns.last_ms.push(returned.last_ms);
        turns.snapshot_reads.push(daemon.metric("rowcast_snapshot_reads_total")?);
        self.expect_one_more(case, &mut crowd, &returned.received)?;
        drop(crowd);
        daemon.stop()?;
        let scans = self.scans()?;
        turns.table_scans.push(scans.0 - scans_before.0);
        turns.log_scans.push(scans.1 - scans_before.1);
        Ok(())
    }

    /// A change of each of the first orders, in one transaction.
    fn change(&self, orders: u64) -> anyhow::Result<()> {
        let mut sql = self.stage.sql(DATABASE)?;
        // Scans of the whole table are the daemon's alone.
        sql.run("set enable_seqscan = off")?;
        sql.run(&format!("update {TABLE} set version = version + 1 where id <= {orders}"))
    }

    /// Changes once more, and fails unless everybody gets that, and nobody has got anything twice.
    fn expect_one_more(
        &self,
        case: Case,
        crowd: &mut Crowd,
        before: &Received,
    ) -> anyhow::Result<()> {
        let (missed, changed, rows) = match case {
            Case::Remembered | Case::Restarted => (MISSED, 1, 0),
            Case::RestartedShapes => (1, self.clients.into(), 0),
            Case::Expired => (0, 1, ROWS.max(self.clients.into())),
        };
        ensure!(before.rows == (rows, rows), "{rows} rows were to come: {before:?}");
        self.change(changed)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let received: Received = crowd.order(Order::Count)?;
            if received.events == (missed + 1, missed + 1) {
                return Ok(());
            }
            if received.failed.is_some() || Instant::now() > deadline {
                bail!("{} events were to come: {received:?}", missed + 1);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Truncates what the log had until now.
    fn expire(&self) -> anyhow::Result<()> {
        let mut sql = self.stage.sql(DATABASE)?;
        let deadline = Instant::now() + PATIENCE;
        let mut rotations = 0;
        while rotations < 3 {
            match sql.text("select rowcast.rotate()")?.as_str() {
                "t" => rotations += 1,
                _ if Instant::now() > deadline => bail!("the log can't be rotated"),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        Ok(())
    }

    /// How often the table has been scanned as a whole, and how often the log's tables or their indexes: once no daemon runs,
    /// since sessions that go on say late what they did.
    fn scans(&self) -> anyhow::Result<(f64, f64)> {
        let mut sql = self.stage.sql("postgres")?;
        let deadline = Instant::now() + PATIENCE;
        let others = format!("select count(*) from pg_stat_activity where datname = '{DATABASE}'");
        while sql.text(&others)? != "0" {
            ensure!(Instant::now() < deadline, "sessions of {DATABASE} don't end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut sql = self.stage.sql(DATABASE)?;
        let table = format!("select seq_scan from pg_stat_user_tables where relname = '{TABLE}'");
        let log = "select coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) from pg_stat_user_tables \
                   where schemaname = 'rowcast' and relname like 'log\\_%'";
        Ok((sql.text(&table)?.parse()?, sql.text(log)?.parse()?))
    }
}
