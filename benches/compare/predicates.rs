//! How fast predicates are evaluated, with reading the row and without.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rowcast::catalog::Column;
use rowcast::event::{Row, RowText};
use rowcast::identity::Claims;
use rowcast::policy::{Request, Served};
use rowcast::predicate::{Bound, Cells};

use crate::Options;
use crate::orders::Orders;
use crate::process::thread_cpu_time;
use crate::report::{Report, Section};
use crate::stage::Stage;

const ROWS: usize = 2_000;
const TURN: Duration = Duration::from_millis(300);

/// What people write, and what it is called here.
const TYPICAL: [(&str, &str); 6] = [
    ("bigint =", "customer_id = 4711"),
    ("text = and numeric range", "status = 'packed' and total between 100 and 500.50"),
    (
        "in (20 texts)",
        "number in ('R-00000001', 'R-00000002', 'R-00000003', 'R-00000004', 'R-00000005', 'R-00000006', \
         'R-00000007', 'R-00000008', 'R-00000009', 'R-00000010', 'R-00000011', 'R-00000012', 'R-00000013', \
         'R-00000014', 'R-00000015', 'R-00000016', 'R-00000017', 'R-00000018', 'R-00000019', 'R-00000020')",
    ),
    ("'X' = any (text[])", "'gift' = any (tags)"),
    ("jsonb ->> 'name' like", "address ->> 'city' like 'Town 1%'"),
    ("timestamptz range", "created_at >= '2024-05-01 12:00:00Z' and created_at < '2024-05-02'"),
];

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut orders = Orders::create(stage, "predicates")?;
    let rows = orders.rows(ROWS)?;
    let served = orders.served("true")?.get();
    let mut section = Section::new("predicates");
    section.note(format!(
        "{ROWS} rows of 12 columns, one predicate; decoded: the values it reads are known already"
    ));
    for (name, predicate) in TYPICAL {
        let bound = bound(&served, predicate)?;
        let table = served.tables().next().context("the table")?;
        let (mut read, mut decoded) = (vec![], vec![]);
        for _ in 0..options.rounds {
            read.push(with_reading(&bound, &rows, &table.table().columns)?);
            decoded.push(of_values(&bound, &rows, &table.table().columns)?);
        }
        section.series(&format!("{name}, row read"), "a CPU second", &read);
        section.series(&format!("{name}, decoded"), "a CPU second", &decoded);
    }
    report.add(section);
    Ok(())
}

/// As a client's filter.
fn bound(served: &Served, predicate: &str) -> anyhow::Result<Bound> {
    let filter = Some(predicate.to_owned());
    let view = served.view(&Request { filter, ..Request::whole("orders") }, &Claims::default())?;
    Ok(view.rows().clone())
}

/// Evaluations a second, from the row's text.
fn with_reading(bound: &Bound, rows: &[RowText], columns: &[Column]) -> anyhow::Result<f64> {
    turn(rows, |text| {
        let row = Row::read(text, columns)?;
        Ok(bound.holds(&Cells::new(&row, columns)))
    })
}

/// Evaluations a second, of values that were decoded before.
fn of_values(bound: &Bound, rows: &[RowText], columns: &[Column]) -> anyhow::Result<f64> {
    let rows: Vec<Row<'_>> =
        rows.iter().map(|text| Row::read(text, columns)).collect::<Result<_, _>>()?;
    let cells: Vec<Cells<'_>> = rows.iter().map(|row| Cells::new(row, columns)).collect();
    turn(&cells, |cells| Ok(bound.holds(cells)))
}

fn turn<T>(items: &[T], mut holds: impl FnMut(&T) -> anyhow::Result<bool>) -> anyhow::Result<f64> {
    let mut once = || -> anyhow::Result<usize> {
        items.iter().try_fold(0, |count, item| Ok(count + usize::from(holds(item)?)))
    };
    let expected = once()?;
    ensure!(expected < items.len(), "it tells rows apart");
    let (begun, cpu_before) = (Instant::now(), thread_cpu_time()?);
    let mut evaluations = 0;
    while begun.elapsed() < TURN {
        ensure!(once()? == expected, "the same answer each time");
        evaluations += items.len();
    }
    let cpu = thread_cpu_time()? - cpu_before;
    Ok(evaluations as f64 / cpu.as_secs_f64())
}
