//! How many changes one core finds the shapes for, by the number of shapes: everything between the log's rows and the
//! frames, without readers and sockets.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rowcast::cursor::{Cursor, Era};
use rowcast::event::Change;
use rowcast::identity::Claims;
use rowcast::policy::{Current, Request, Served};
use rowcast::shape::{Router, ShapeKey};
use rowcast::wire::Commit;
use serde_json::json;

use crate::Options;
use crate::orders::Orders;
use crate::process::{memory_bytes, thread_cpu_time};
use crate::report::{Report, Section, Target};
use crate::stage::Stage;

const POLICY: &str = "customer_id = auth.sub::bigint";
/// True for all of them: so both variants have the same events.
const FILTER: &str = "total >= $1 and status <> 'cancelled'";
const SHAPES: [u64; 3] = [10, 1_000, 100_000];
/// Different changes; none of the figures is of the same few again and again.
const CHANGES: usize = 50_000;
/// Customers that no shape is for.
const NOBODY: Range<u64> = 1_000_000..2_000_000;
const TURN: Duration = Duration::from_millis(700);
const LARGE_BATCH: usize = 100;
/// Shapes that every change has to be evaluated for.
const SCANNED: u64 = 1_000;
const SCANNED_CHANGES: usize = 2_000;

/// Shapes, and who changes what they are of.
struct Side {
    served: Arc<Served>,
    router: Router,
    shapes: u64,
}

/// What the turns have in common.
struct Bench {
    rounds: u32,
    commit: Commit,
}

/// A filter's parameter, by the number of its shape.
type Param = fn(u64) -> String;

/// A turn.
struct Routed {
    changes_per_cpu_second: f64,
    events_per_change: f64,
}

pub fn measure(stage: &Stage, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut orders = Orders::create(stage, "routing")?;
    let tables = orders.served(POLICY)?;
    let subscribed = subscribe_many(&tables, options.rounds)?;
    let sides = |filter: Option<&str>| -> anyhow::Result<Vec<Side>> {
        SHAPES.iter().map(|&shapes| Side::of_customers(&tables, shapes, filter)).collect()
    };
    let (mut plain, mut filtered) = (sides(None)?, sides(Some(FILTER))?);
    let pools = SHAPES.map(|shapes| orders.updates(1..1 + shapes, CHANGES));
    let pools = pools.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let nobodys = orders.updates(NOBODY, CHANGES)?;
    let bench = Bench { rounds: options.rounds, commit: commit()? };
    report.add(bench.compare("routing, a frame for each change", &mut plain, &pools, 1)?);
    let title = "routing, a hundred changes a batch";
    report.add(bench.compare(title, &mut plain, &pools, LARGE_BATCH)?);
    let title = "routing, policy and filter";
    report.add(bench.compare(title, &mut filtered, &pools, 1)?);
    report.add(bench.nobody(&mut plain, &nobodys)?);
    report.add(subscribed);
    drop((plain, filtered, pools));
    report.add(bench.scanned(&mut orders)?);
    Ok(())
}

impl Bench {
    /// The sides take turns.
    fn compare(
        &self,
        title: &str,
        sides: &mut [Side],
        pools: &[Vec<Change>],
        batch: usize,
    ) -> anyhow::Result<Section> {
        let mut rates = vec![Vec::new(); SHAPES.len()];
        for _ in 0..self.rounds {
            for ((side, pool), rates) in sides.iter_mut().zip(pools).zip(&mut rates) {
                let routed = side.route(pool, batch, &self.commit);
                ensure!(routed.events_per_change >= 1.0, "every change is somebody's");
                rates.push(routed.changes_per_cpu_second);
            }
        }
        let mut section = Section::new(title);
        section.note("updates of rows of 12 columns, 1 of 20 to another customer; every one is seen through one shape, or two;");
        section.note("from the rows' text to the frames: read, found, evaluated, encoded, framed; by the thread's processor time");
        for (shapes, rates) in SHAPES.iter().zip(&rates) {
            section.series(&format!("{shapes} shapes customer_id = X"), "changes/CPU s", rates);
        }
        section.ratio("1,000 / 10 shapes", &rates[1], &rates[0], None);
        section.ratio("100,000 / 10 shapes", &rates[2], &rates[0], Some(Target::AtLeast(0.8)));
        Ok(section)
    }

    /// What a change costs that no shape is for.
    fn nobody(&self, sides: &mut [Side], changes: &[Change]) -> anyhow::Result<Section> {
        let mut section = Section::new("routing, changes that are nobody's");
        let mut costs = vec![Vec::new(); sides.len()];
        for _ in 0..self.rounds {
            for (side, costs) in sides.iter_mut().zip(&mut costs) {
                let routed = side.route(changes, 1, &self.commit);
                ensure!(routed.events_per_change == 0.0, "nobody has this customer");
                costs.push(1e6 / routed.changes_per_cpu_second);
            }
        }
        for (side, costs) in sides.iter().zip(&costs) {
            let name = format!("a change, with {} shapes", side.shapes);
            section.aimed_series(&name, "CPU µs", costs, Some(Target::AtMost(5.0)));
        }
        Ok(section)
    }

    /// Shapes that can't be found by a value.
    fn scanned(&self, orders: &mut Orders) -> anyhow::Result<Section> {
        let tables = orders.served("true")?;
        let changes = orders.updates(1..100_000, SCANNED_CHANGES)?;
        let filters: [(&str, &str, Param); 2] = [
            ("total > X", "total > $1", |at| format!("{}.50", 10_000 + at)),
            ("title like '%X%'", "title like $1", |at| format!("%volume {at}%")),
        ];
        let mut section =
            Section::new(format!("routing, {SCANNED} shapes that every change is evaluated for"));
        section.note(
        "filters that are true for no row, so nothing is encoded; old and new row are both judged",
    );
        for (name, filter, param) in filters {
            let mut side = Side::new(&tables);
            for at in 0..SCANNED {
                let (filter, params) = (Some(filter.to_owned()), vec![json!(param(at))]);
                let request = Request { filter, params, ..Request::whole("orders") };
                side.add(&request, &Claims::default())?;
            }
            let (mut rates, mut costs) = (vec![], vec![]);
            for _ in 0..self.rounds {
                let rate = side.route(&changes, 1, &self.commit).changes_per_cpu_second;
                rates.push(rate);
                costs.push(1e9 / rate / SCANNED as f64);
            }
            section.series(name, "changes/CPU s", &rates);
            section.series(&format!("{name}: a shape and change"), "CPU ns", &costs);
        }
        Ok(section)
    }
}

/// What the most shapes cost to make and to keep.
fn subscribe_many(tables: &Current, rounds: u32) -> anyhow::Result<Section> {
    let mut section = Section::new("100,000 shapes");
    let most = SHAPES[2];
    for filter in [None, Some(FILTER)] {
        let (mut bytes, mut rates) = (vec![], vec![]);
        for _ in 0..rounds.min(3) {
            let before = memory_bytes(std::process::id())? as f64;
            let cpu_before = thread_cpu_time()?;
            let side = Side::of_customers(tables, most, filter)?;
            rates.push(most as f64 / (thread_cpu_time()? - cpu_before).as_secs_f64());
            let after = memory_bytes(std::process::id())? as f64;
            bytes.push((after - before) / most as f64);
            drop(side);
        }
        let of = if filter.is_some() { "policy and filter" } else { "policy" };
        section.series(&format!("{of}: made and added"), "shapes/CPU s", &rates);
        // What is freed isn't given back at once: the first is the one that grew from nothing.
        section.series(&format!("{of}: memory of a shape"), "bytes", &bytes[..1]);
    }
    section.note("views made of policy and claims, and the shapes found through them; readers aren't counted");
    Ok(section)
}

impl Side {
    fn new(tables: &Current) -> Self {
        Self { served: tables.get(), router: Router::new(tables.clone()), shapes: 0 }
    }

    /// One shape for each of the first customers.
    fn of_customers(tables: &Current, count: u64, filter: Option<&str>) -> anyhow::Result<Self> {
        let mut side = Self::new(tables);
        let params = if filter.is_some() { vec![json!(0)] } else { vec![] };
        let filter = filter.map(ToOwned::to_owned);
        let request = Request { filter, params, ..Request::whole("orders") };
        for customer in 1..=count {
            let claims = json!({ "sub": customer.to_string() });
            let claims = claims.as_object().cloned().unwrap_or_default();
            side.add(&request, &Claims::new(claims))?;
        }
        Ok(side)
    }

    fn add(&mut self, request: &Request, claims: &Claims) -> anyhow::Result<()> {
        let view = Arc::new(self.served.view(request, claims)?);
        self.router.add(ShapeKey { view, with_old: false, copy: 0 });
        self.shapes += 1;
        Ok(())
    }

    /// Routes changes for as long as a turn lasts.
    fn route(&mut self, changes: &[Change], batch: usize, commit: &Commit) -> Routed {
        let (begun, cpu_before) = (Instant::now(), thread_cpu_time().unwrap_or_default());
        let (mut routed, mut events) = (0, 0);
        while begun.elapsed() < TURN {
            for batch in changes.chunks(batch) {
                for change in batch {
                    events += self.router.route(change, &self.served);
                }
                routed += batch.len();
                std::hint::black_box(self.router.seal(commit));
            }
        }
        let cpu = thread_cpu_time().unwrap_or_default() - cpu_before;
        Routed {
            changes_per_cpu_second: routed as f64 / cpu.as_secs_f64(),
            events_per_change: events as f64 / routed as f64,
        }
    }
}

fn commit() -> anyhow::Result<Commit> {
    let era = Era { epoch: 0x1234_5678_9abc_def0, timeline: 1 };
    Ok(Commit::new(Arc::new(Cursor::new(era, "100000:100000:".parse()?))))
}
