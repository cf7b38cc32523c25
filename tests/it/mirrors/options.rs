//! What a run is told by its environment.

use std::time::Duration;

use super::chaos::Kind;
use super::mirror::Way;

const SECS: u64 = 60;

pub struct Options {
    /// Of the first round; the next ones count from it.
    pub seed: u64,
    pub time: Duration,
    /// How many rounds may fail before it stops.
    pub failures: usize,
    pub chaos: Vec<Kind>,
    pub ways: Vec<Way>,
    /// Whether the client for JavaScript takes part.
    pub with_scripts: bool,
}

impl Options {
    pub fn from_environment() -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok();
            text.map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name}: {text}")))
        };
        let seed = number("ROWCAST_MIRRORS_SEED").unwrap_or_else(|| rand::random::<u32>().into());
        let time = Duration::from_secs(number("ROWCAST_MIRRORS_SECS").unwrap_or(SECS));
        let failures = number("ROWCAST_MIRRORS_FAILURES").unwrap_or(1) as usize;
        let chaos = std::env::var("ROWCAST_MIRRORS_CHAOS").unwrap_or_else(|_| "all".to_owned());
        let named = std::env::var("ROWCAST_MIRRORS_WAYS").ok();
        let (ways, with_scripts) = ways(named.as_deref());
        Self { seed, time, failures, chaos: kinds(&chaos), ways, with_scripts }
    }
}

/// `socket,stream,poll,rows,script`, or some of them.
fn ways(text: Option<&str>) -> (Vec<Way>, bool) {
    let Some(text) = text else { return (Way::ALL.to_vec(), true) };
    let named = |way: &Way| {
        let name = format!("{way:?}").to_lowercase();
        text.split(',').any(|wanted| name.starts_with(wanted))
    };
    let ways = Way::ALL.into_iter().filter(named).collect();
    (ways, text.split(',').any(|wanted| wanted == "script"))
}

/// `all`, `none`, or names: `kill,cut`; `-kill` is all but that.
fn kinds(text: &str) -> Vec<Kind> {
    let named = |name: &str| {
        let found = Kind::ALL.into_iter().find(|kind| kind.to_string() == name);
        found.unwrap_or_else(|| panic!("ROWCAST_MIRRORS_CHAOS: {name} is none of {:?}", Kind::ALL))
    };
    let parts: Vec<&str> = text.split(',').collect();
    let without: Vec<_> = parts.iter().filter_map(|it| it.strip_prefix('-')).map(named).collect();
    match text {
        "all" => Kind::ALL.to_vec(),
        "none" => Vec::new(),
        _ if without.is_empty() => parts.into_iter().map(named).collect(),
        _ => Kind::ALL.into_iter().filter(|kind| !without.contains(kind)).collect(),
    }
}
