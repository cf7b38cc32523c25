//! Mirrors at random.

use std::sync::{Arc, Mutex};

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::copy::Copy;
use super::mirror::{Mirror, Spec, Way};
use super::proxy::Proxy;
use super::round::Round;
use super::rules::{Always, Rules};
use super::script::{self, Script, Wanted};
use super::tables::{ACCOUNTS, SPARE, TOTAL, VERSIONS};
use crate::random::{Asked, Identity, Table, View, ask};

const COALESCE_MILLIS: [u64; 5] = [0, 0, 0, 100, 700];

pub fn count(rng: &mut StdRng) -> usize {
    rng.random_range(8..=14)
}

pub fn scripts_count(rng: &mut StdRng, wanted: bool) -> usize {
    let drawn = rng.random_range(0..=2);
    if wanted && script::is_possible() { drawn } else { 0 }
}

/// The first ones are those that something is known about.
pub async fn mirror(round: &mut Round, number: usize) -> Mirror {
    let tables = Arc::clone(&round.tables.borrow());
    let rng = &mut round.rng;
    let ways = round.ways.clone();
    let may_group = ways.contains(&Way::Socket);
    let is_group = may_group && (number == 0 || rng.random_bool(0.35));
    let person = if number < 4 { 0 } else { rng.random_range(0..round.people.len()) };
    let identity = Arc::clone(&round.people[person]);
    let mut specs = Vec::new();
    let has_pair = is_group && (number == 0 || rng.random_bool(0.4));
    if has_pair {
        specs.extend(VERSIONS.map(|name| whole(&tables, name, rng)));
    }
    if number < 4 {
        specs.push(whole(&tables, ACCOUNTS, rng));
    }
    let more = if is_group { rng.random_range(1..=4) } else { usize::from(specs.is_empty()) };
    specs.extend((0..more).map(|_| drawn(rng, &tables, &identity)));
    let ways = match (is_group, number) {
        (true, _) => vec![Way::Socket],
        (false, 0..4) => ways,
        (false, _) if rng.random_bool(0.5) => ways,
        (false, _) => vec![*ways.choose(rng).unwrap()],
    };
    let which = rng.random_range(0..round.daemons.len());
    let (is_restless, token_secs) = (rng.random_bool(0.5), rng.random_bool(0.3).then_some(8));
    let proxy = Arc::new(Proxy::start(round.daemons[which].address).await);
    let merges = specs.iter().any(|spec| spec.coalesce > 0);
    let copy = |(at, spec): (usize, &Spec)| {
        let name = format!("copy {number}.{at} of {}", described(spec, &tables, &identity));
        let rules = rules(spec, merges, &tables[spec.table], &identity);
        Arc::new(Mutex::new(Copy::new(name, rules, round.began)))
    };
    Mirror {
        name: format!("mirror {number} by {ways:?}"),
        copies: specs.iter().enumerate().map(copy).collect(),
        pair: has_pair.then_some((0, 1)),
        identity,
        specs,
        ways,
        token_secs,
        is_restless,
        proxy,
        counts: Arc::clone(&round.counts),
        over: round.over.clone(),
        fault: Arc::clone(&round.fault),
    }
}

/// One who uses the client for JavaScript.
pub async fn script(round: &mut Round, number: usize) -> Script {
    let tables = Arc::clone(&round.tables.borrow());
    let rng = &mut round.rng;
    let person = if number == 0 { 0 } else { rng.random_range(0..round.people.len()) };
    let identity = Arc::clone(&round.people[person]);
    let has_pair = rng.random_bool(0.5);
    let mut specs = Vec::new();
    if has_pair {
        specs.extend(VERSIONS.map(|name| whole(&tables, name, rng)));
    }
    specs.push(whole(&tables, ACCOUNTS, rng));
    specs.extend((0..rng.random_range(0..=2)).map(|_| drawn(rng, &tables, &identity)));
    let mut transports = vec!["websocket", "sse", "polling"];
    while transports.len() > 1 && rng.random_bool(0.4) {
        transports.remove(rng.random_range(0..transports.len()));
    }
    let rules =
        specs.iter().map(|spec| rules(spec, true, &tables[spec.table], &identity)).collect();
    let token_secs = rng.random_bool(0.3).then_some(15);
    let which = rng.random_range(0..round.daemons.len());
    let proxy = Arc::new(Proxy::start(round.daemons[which].address).await);
    let described: Vec<_> = specs.iter().map(|spec| described(spec, &tables, &identity)).collect();
    let name = format!("script {number} by {transports:?}\n{}", described.join("\n"));
    let wanted = Wanted { identity, specs, rules, transports, token_secs, has_pair };
    Script::start(name, wanted, proxy, &round.fault, &round.over).await
}

fn whole(tables: &[Table], name: &str, rng: &mut StdRng) -> Spec {
    let table = tables.iter().position(|table| table.name == name).unwrap();
    let old = rng.random_bool(0.3);
    let asked =
        Asked { table: name.to_owned(), filter: None, params: Vec::new(), columns: None, old };
    let coalesce = *COALESCE_MILLIS.choose(rng).unwrap();
    Spec { table, asked, filter: None, coalesce }
}

fn drawn(rng: &mut StdRng, tables: &[Table], identity: &Identity) -> Spec {
    loop {
        // Most of one of those at random.
        let at = rng.random_range(0..tables.len() + 2).max(2);
        let table = rng.random_range(0..3).max(at.min(tables.len() - 1));
        let of = &tables[table];
        if table < 3 {
            return whole(tables, &of.name, rng);
        }
        let (mut asked, filter) = ask(rng, of, &identity.claims);
        if let Some(columns) = &mut asked.columns {
            columns.retain(|name| *name != SPARE);
        }
        if asked.columns.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        if View::new(of, &identity.claims, &asked, filter.as_ref()).is_ok() {
            let coalesce = *COALESCE_MILLIS.choose(rng).unwrap();
            return Spec { table, asked, filter, coalesce };
        }
    }
}

fn rules(spec: &Spec, merges: bool, table: &Table, identity: &Identity) -> Rules {
    let sees_all = table.policy.rows.constant(&identity.claims) == Some(Some(true));
    let always = match sees_all && table.name == ACCOUNTS {
        true => Always::Sum(TOTAL),
        false => Always::Anything,
    };
    Rules {
        table: spec.asked.table.clone(),
        key: table.key.clone(),
        update: table.policy.updates,
        with_old: spec.asked.old,
        merges,
        always,
    }
}

fn described(spec: &Spec, tables: &[Table], identity: &Identity) -> String {
    let claims = serde_json::Value::from(identity.claims.given.clone());
    let table = &tables[spec.table];
    let (asked, ddl) = (&spec.asked, table.ddl());
    format!("{asked:?}, coalesce {}, claims {claims}\n{ddl}\n{}", spec.coalesce, table.toml())
}
