//! What writers pay: pgbench without a trigger, with rowcast, and with a trigger that sends rows by NOTIFY.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::crowd::{Crowd, Kind, Received};
use crate::daemon::Daemon;
use crate::pgbench::{self, ROWS};
use crate::report::{Report, Section, Target};
use crate::stage::{NAIVE, Sql, Stage};
use crate::{Options, stage};

/// The sides, in the order of their turns: the audience's end is waited for during the third.
const SIDES: [Side; 4] = [Side::Bare, Side::Served, Side::Naive, Side::Unserved];
/// How long writers may take a daemon that has ended for alive.
const AUDIENCE: Duration = Duration::from_secs(30);
const TABLE: &str = "pgbench_accounts";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// No trigger.
    Bare,
    /// rowcast, its daemon, and one subscriber.
    Served,
    /// rowcast's triggers, and no daemon.
    Unserved,
    /// A trigger that sends the row by NOTIFY, and one listener.
    Naive,
}

impl Side {
    fn database(self) -> &'static str {
        match self {
            Side::Bare => "bare",
            Side::Served | Side::Unserved => "served",
            Side::Naive => "naive",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Side::Bare => "a  no trigger",
            Side::Served => "b  rowcast, daemon, 1 subscriber",
            Side::Unserved => "c  rowcast, no daemon",
            Side::Naive => "d  pg_notify(row), 1 listener",
        }
    }
}

/// Who listens during a turn.
struct Audience {
    daemon: Option<Daemon>,
    crowd: Option<Crowd>,
    before: Received,
}

/// One value per round for each side, in the order of `SIDES`.
type Rounds = [Vec<f64>; SIDES.len()];

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    for database in ["bare", "served", "naive"] {
        drop(stage.create_database(database)?);
        pgbench::fill(stage, database)?;
    }
    stage.sql("naive")?.run(&format!(
        "{NAIVE}; create trigger naive after update on {TABLE} for each row execute function naive()"
    ))?;
    Daemon::start(&stage.url("served"), TABLE)?.stop()?;
    for &clients in &options.clients {
        let turn = |side: Side| {
            let ran = pgbench::update(stage, side.database(), clients, options.seconds)?;
            Ok((ran.per_second, ran.transactions))
        };
        let rounds = alternate(stage, options.rounds, turn)?;
        report.add(updates_section(clients, options, &rounds));
    }
    let turn = |side: Side| update_all(&mut stage.sql(side.database())?);
    report.add(bulk_section(&alternate(stage, options.rounds, turn)?));
    Ok(())
}

/// Gives each side its turns; a turn answers what was measured and how many changes it made.
fn alternate(
    stage: &Stage,
    rounds: u32,
    turn: impl Fn(Side) -> anyhow::Result<(f64, u64)>,
) -> anyhow::Result<Rounds> {
    let mut measured = Rounds::default();
    for _ in 0..rounds {
        for (side, values) in SIDES.into_iter().zip(&mut measured) {
            tidy(stage, side)?;
            let mut audience = Audience::gather(stage, side)?;
            let (value, changes) = turn(side).with_context(|| format!("{side:?}"))?;
            audience.expect(changes)?;
            audience.leave()?;
            values.push(value);
        }
    }
    Ok(measured)
}

/// Begins each turn with as few dead rows, and as much of the write-ahead log to go, as the others.
fn tidy(stage: &Stage, side: Side) -> anyhow::Result<()> {
    let mut sql = stage.sql(side.database())?;
    sql.run(&format!("vacuum {TABLE}"))?;
    if side.database() == "served" {
        sql.run("vacuum rowcast.log_0")?;
    }
    sql.run("checkpoint")?;
    if side == Side::Unserved { wait_until_unheard(&mut sql) } else { Ok(()) }
}

/// Waits until writers know that nobody listens.
fn wait_until_unheard(sql: &mut Sql) -> anyhow::Result<()> {
    let heard = "select coalesce(pg_sequence_last_value('rowcast.audience_until'), 0) \
                 > extract(epoch from clock_timestamp()) * 1000";
    let deadline = Instant::now() + AUDIENCE;
    while sql.text(heard)? == "t" {
        if Instant::now() > deadline {
            bail!("the daemon has ended, and writers still ring");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn update_all(sql: &mut stage::Sql) -> anyhow::Result<(f64, u64)> {
    let begun = Instant::now();
    sql.run(&format!("update {TABLE} set abalance = abalance + 1"))?;
    Ok((begun.elapsed().as_secs_f64(), u64::from(ROWS)))
}

impl Audience {
    fn gather(stage: &Stage, side: Side) -> anyhow::Result<Self> {
        let url = stage.url(side.database());
        let (daemon, kind) = match side {
            Side::Bare | Side::Unserved => (None, None),
            Side::Served => {
                let daemon = Daemon::start(&url, TABLE)?;
                let (address, table) = (daemon.address, TABLE.to_owned());
                (Some(daemon), Some(Kind::Subscribe { address, table, count: 1 }))
            }
            Side::Naive => (None, Some(Kind::Listen { url, channel: "naive".to_owned() })),
        };
        let mut crowd = kind.as_ref().map(Crowd::gather).transpose()?;
        let before = crowd.as_mut().map(Crowd::received).transpose()?.unwrap_or_default();
        Ok(Self { daemon, crowd, before })
    }

    /// Fails unless every change arrives, once.
    fn expect(&mut self, changes: u64) -> anyhow::Result<()> {
        let Some(crowd) = &mut self.crowd else { return Ok(()) };
        crowd.wait_for_events(&self.before, changes).map(drop)
    }

    fn leave(self) -> anyhow::Result<()> {
        drop(self.crowd);
        self.daemon.map_or(Ok(()), Daemon::stop)
    }
}

fn updates_section(clients: u32, options: &Options, rounds: &Rounds) -> Section {
    let mut section = Section::new(format!("capture, {clients} clients"));
    section.note(format!(
        "pgbench -M prepared, single-row updates by primary key of {ROWS} rows, {} turns of {} s a side",
        options.rounds, options.seconds
    ));
    let [bare, served, naive, unserved] = rounds;
    for (side, values) in SIDES.into_iter().zip(rounds) {
        section.series(side.label(), "tps", values);
    }
    let aim = |bound| (clients == 16).then_some(Target::AtLeast(bound));
    section.ratio("b / a", served, bare, aim(0.65));
    section.ratio("c / a", unserved, bare, aim(0.7));
    section.ratio("b / d", served, naive, aim(3.0));
    section
}

fn bulk_section(rounds: &Rounds) -> Section {
    let mut section = Section::new(format!("capture, one UPDATE of {ROWS} rows"));
    let [bare, served, naive, unserved] = rounds;
    for (side, values) in SIDES.into_iter().zip(rounds) {
        section.series(side.label(), "s", values);
    }
    section.ratio("b / a (less is better)", served, bare, None);
    section.ratio("c / a (less is better)", unserved, bare, None);
    section.ratio("b / d (less is better)", served, naive, None);
    section
}
