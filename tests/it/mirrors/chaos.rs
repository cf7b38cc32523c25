//! What happens to everybody, at random.

use std::fmt;
use std::time::Duration;

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rowcast::demo::cluster::Stop;

use super::proxy::Flow;
use super::round::Round;
use super::stage::Server;
use super::tables::SPARE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A daemon is killed with -9, and starts again.
    Kill,
    /// PostgreSQL stops in an orderly way, and starts again.
    Restart,
    /// PostgreSQL stops at once, and recovers.
    Crash,
    /// Some of the daemons' backends are terminated.
    Terminate,
    /// Connections end.
    Cut,
    /// A client stops reading for a while.
    Stall,
    /// A connection is slow.
    Throttle,
    /// The log is rotated.
    Rotate,
    /// A client goes to the other daemon.
    Move,
    /// No daemon is there for longer than the retention.
    Away,
    /// A column is dropped.
    Alter,
}

impl Kind {
    pub const ALL: [Kind; 11] = [
        Kind::Kill,
        Kind::Restart,
        Kind::Crash,
        Kind::Terminate,
        Kind::Cut,
        Kind::Stall,
        Kind::Throttle,
        Kind::Rotate,
        Kind::Move,
        Kind::Away,
        Kind::Alter,
    ];

    fn weight(self) -> u32 {
        match self {
            Kind::Cut => 30,
            Kind::Kill | Kind::Stall | Kind::Rotate => 12,
            Kind::Terminate | Kind::Move => 10,
            Kind::Throttle => 6,
            Kind::Restart | Kind::Crash => 4,
            Kind::Away => 3,
            Kind::Alter => 2,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

const MAX_CALM_MILLIS: u64 = 900;

impl Round {
    /// Until the time is over.
    pub async fn disturb(&mut self, until: std::time::Instant) {
        while std::time::Instant::now() < until && !self.over.is_cancelled() {
            let calm = self.rng.random_range(50..MAX_CALM_MILLIS);
            tokio::time::sleep(Duration::from_millis(calm)).await;
            let kinds = self.kinds.clone();
            let Ok(&kind) = kinds.choose_weighted(&mut self.rng, |kind| kind.weight()) else {
                continue;
            };
            self.happen(kind).await;
        }
    }

    async fn happen(&mut self, kind: Kind) {
        let which = self.rng.random_range(0..self.daemons.len());
        let done = match kind {
            Kind::Kill => self.kill(which).await,
            Kind::Restart => self.restart(Stop::Fast).await,
            Kind::Crash => self.restart(Stop::Immediate).await,
            Kind::Terminate => self.terminate().await,
            Kind::Cut => self.cut(),
            Kind::Stall => self.flow(Flow::Stalled),
            Kind::Throttle => self.flow(Flow::BytesPerSecond(20_000)),
            Kind::Rotate => self.rotate().await,
            Kind::Move => self.moves(),
            Kind::Away => self.away().await,
            Kind::Alter => self.alter().await,
        };
        if let Some(told) = done {
            self.counts.name(&kind.to_string());
            self.tell(&format!("{kind} {told}"));
        }
    }

    async fn kill(&mut self, which: usize) -> Option<String> {
        self.note_metrics(&self.daemons[which..=which]).await;
        self.tell(&format!("kill {which} begins"));
        self.daemons[which].kill();
        let millis = self.rng.random_range(0..600);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.daemons[which].start_again().await;
        Some(format!("{which}, started again after {millis} ms"))
    }

    async fn restart(&mut self, how: Stop) -> Option<String> {
        self.tell(&format!("restart {how:?} begins"));
        self.server.restart(how).await;
        Some(format!("{how:?}"))
    }

    async fn terminate(&mut self) -> Option<String> {
        let client = Server::connect(&self.url).await;
        let part = self.rng.random_range(0.3..1.0);
        let query = format!(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity
              where application_name like 'rowcast%' and datname = current_database()
                and random() < {part}"
        );
        let ended: i64 = client.query_one(&query, &[]).await.ok()?.get(0);
        Some(format!("{ended} backends"))
    }

    /// Some mirrors, drawn.
    fn some(&mut self) -> Vec<usize> {
        let count = self.proxies.len();
        let most = if self.rng.random_bool(0.2) { count } else { 3 };
        let wanted = self.rng.random_range(1..=most.min(count));
        let all: Vec<_> = (0..count).collect();
        all.choose_multiple(&mut self.rng, wanted).copied().collect()
    }

    fn cut(&mut self) -> Option<String> {
        let some = self.some();
        for &at in &some {
            self.proxies[at].cut();
        }
        Some(format!("{some:?}"))
    }

    fn flow(&mut self, flow: Flow) -> Option<String> {
        let some = self.some();
        for &at in &some {
            let proxy = std::sync::Arc::clone(&self.proxies[at]);
            if !proxy.is_free() {
                continue;
            }
            proxy.flow(flow);
            let secs = self.rng.random_range(0.2..5.0);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs_f64(secs)).await;
                proxy.flow(Flow::Free);
            });
        }
        Some(format!("{some:?}"))
    }

    async fn rotate(&mut self) -> Option<String> {
        let client = Server::connect(&self.url).await;
        let times = self.rng.random_range(1..=3);
        let mut done = 0;
        for _ in 0..times {
            let rotated = client.query_one("select rowcast.rotate()", &[]).await.ok()?;
            done += u32::from(rotated.get::<_, bool>(0));
        }
        Some(format!("{done} times"))
    }

    fn moves(&mut self) -> Option<String> {
        if self.daemons.len() < 2 {
            return None;
        }
        let some = self.some();
        for &at in &some {
            let which = self.rng.random_range(0..self.daemons.len());
            let proxy = &self.proxies[at];
            proxy.lead_to(self.daemons[which].address);
            proxy.cut();
        }
        Some(format!("{some:?}"))
    }

    async fn away(&mut self) -> Option<String> {
        let retention = self.retention_secs?;
        self.note_metrics(&self.daemons).await;
        self.tell("away begins");
        for daemon in &mut self.daemons {
            daemon.kill();
        }
        // The audience lasts some seconds longer than the last daemon.
        let millis = retention * 1_000 + self.rng.random_range(0..4_000);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        for daemon in &mut self.daemons {
            daemon.start_again().await;
        }
        Some(format!("for {millis} ms"))
    }

    /// Drops a column that no rule and no subscription names.
    async fn alter(&mut self) -> Option<String> {
        let at = self.tables.borrow().iter().position(|table| table.column(SPARE).is_some())?;
        let name = self.tables.borrow()[at].name.clone();
        let client = Server::connect(&self.url).await;
        let sql = format!("set lock_timeout = '2s'; alter table {name} drop {SPARE}");
        client.batch_execute(&sql).await.ok()?;
        self.tables.send_modify(|tables| {
            let mut changed = (**tables).clone();
            changed[at].columns.retain(|column| column.0 != SPARE);
            *tables = changed.into();
        });
        Some(name)
    }
}
