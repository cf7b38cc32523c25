//! One who mirrors: subscriptions, the ways by which they are followed, and what is common to all ways.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, UNIX_EPOCH};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::copy::{Copy, Fault};
use super::counts::Counts;
use super::proxy::Proxy;
use super::{poll, socket, stream};
use crate::random::{Asked, Expr, Identity};

/// Nothing at all comes for so long only if something is wrong.
pub const SILENCE: Duration = Duration::from_secs(45);
const MAX_PAUSE_MILLIS: u64 = 250;

/// A subscription.
#[derive(Clone, Debug)]
pub struct Spec {
    pub table: usize,
    pub asked: Asked,
    pub filter: Option<Expr>,
    /// In milliseconds; live feeds alone take it.
    pub coalesce: u64,
}

/// How a copy is kept up to date for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Socket,
    Stream,
    /// Polls that wait so long, in seconds.
    Poll(u64),
    /// The rows, again and again.
    Rows,
}

impl Way {
    pub const ALL: [Way; 5] = [Way::Socket, Way::Stream, Way::Poll(0), Way::Poll(3), Way::Rows];
}

/// Why a way came to its end.
#[derive(Debug)]
pub enum End {
    /// As connections do: it goes on later.
    Broken(String),
    /// As the protocol doesn't allow.
    Fault(Fault),
}

impl End {
    /// With what was said.
    pub fn with(self, told: &str) -> Self {
        match self {
            End::Broken(why) => End::Broken(format!("{why}: {told}")),
            End::Fault(why) => End::Fault(format!("{why}: {told}")),
        }
    }

    pub fn broken(error: impl std::fmt::Display) -> Self {
        End::Broken(error.to_string())
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        End::Fault(fault)
    }
}

/// A credential, and when it ends.
pub struct Token {
    pub text: Option<String>,
    pub ends: Option<Instant>,
}

impl Token {
    /// Whether a refusal may be because of its end; the clock of tokens ticks in seconds.
    pub fn may_have_ended(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() + Duration::from_secs(2) > ends)
    }
}

pub struct Mirror {
    pub name: String,
    pub identity: Arc<Identity>,
    pub specs: Vec<Spec>,
    pub copies: Vec<Arc<Mutex<Copy>>>,
    /// Two copies of one connection that always show the same version.
    pub pair: Option<(usize, usize)>,
    pub ways: Vec<Way>,
    /// How long its tokens last, in seconds.
    pub token_secs: Option<u64>,
    /// Turns to another way, leaves subscriptions and comes back, by itself.
    pub is_restless: bool,
    pub proxy: Arc<Proxy>,
    pub counts: Arc<Counts>,
    /// Everybody's end, and the first fault.
    pub over: CancellationToken,
    pub fault: Arc<Mutex<Option<String>>>,
}

impl Mirror {
    pub async fn run(self: Arc<Self>, mut rng: StdRng) {
        while !self.over.is_cancelled() {
            let way = *self.ways.choose(&mut rng).unwrap();
            let turns = self.is_restless && rng.random_bool(0.7);
            let secs = if turns { rng.random_range(1.0..8.0) } else { 3_600.0 };
            let until = Instant::now() + Duration::from_secs_f64(secs);
            for index in 0..self.copies.len() {
                self.copy(index).note(&format!("by {way:?}"));
            }
            let ended = tokio::select! {
                ended = self.follow(way, until, &mut rng) => ended,
                () = self.over.cancelled() => return,
            };
            let why = match ended {
                Ok(()) => "turns".to_owned(),
                Err(End::Broken(why)) => why,
                Err(End::Fault(fault)) => return self.fail(&fault),
            };
            for index in 0..self.copies.len() {
                self.copy(index).broke_off(&why);
            }
            self.counts.sessions.add(1);
            let pause = rng.random_range(1..MAX_PAUSE_MILLIS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn follow(&self, way: Way, until: Instant, rng: &mut StdRng) -> Result<(), End> {
        match way {
            Way::Socket => Box::pin(socket::follow(self, until, rng)).await,
            Way::Stream => Box::pin(stream::follow(self, until, rng)).await,
            Way::Rows => Box::pin(poll::read_again(self, until, rng)).await,
            Way::Poll(wait) => Box::pin(poll::follow(self, wait, until, rng)).await,
        }
    }

    pub fn copy(&self, index: usize) -> MutexGuard<'_, Copy> {
        self.copies[index].lock().unwrap()
    }

    fn fail(&self, fault: &str) {
        let trails: Vec<_> = (0..self.copies.len()).map(|at| self.copy(at).trail()).collect();
        let told = format!("{}: {fault}\n{}", self.name, trails.join("\n"));
        self.fault.lock().unwrap().get_or_insert(told);
        self.over.cancel();
    }

    pub fn token(&self, rng: &mut StdRng) -> Token {
        let Some(secs) = self.token_secs.filter(|_| self.identity.token.is_some()) else {
            return Token { text: self.identity.token.clone(), ends: None };
        };
        let secs = rng.random_range(2..=secs);
        let text = self.identity.token_until(UNIX_EPOCH.elapsed().unwrap().as_secs() + secs);
        Token { text, ends: Some(Instant::now() + Duration::from_secs(secs)) }
    }
}

impl Spec {
    /// `name=value&…`, as `rows` and `changes` understand it; `more` comes behind it.
    pub fn query(&self, more: &[(&str, String)]) -> String {
        let mut query = Vec::new();
        if let Some(filter) = &self.asked.filter {
            query.push(("where", filter.clone()));
            query.push(("params", json!(self.asked.params).to_string()));
        }
        if let Some(columns) = &self.asked.columns {
            query.push(("columns", columns.join(",")));
        }
        query.extend(more.iter().cloned());
        let encoded = |(name, value): (&str, String)| {
            format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC))
        };
        query.into_iter().map(encoded).collect::<Vec<_>>().join("&")
    }
}
