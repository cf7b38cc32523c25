//! A round's tables: some at random, and those of which something is known about every state.

use rand::Rng as _;
use rand::rngs::StdRng;

use crate::random::{Expr, Policy, Table};

pub const ACCOUNTS: &str = "accounts";
pub const VERSIONS: [&str; 2] = ["version_a", "version_b"];
pub const ACCOUNTS_COUNT: i64 = 40;
const BALANCE: i64 = 1_000;
/// What all balances are together.
pub const TOTAL: i64 = ACCOUNTS_COUNT * BALANCE;
/// Nobody's rules speak of it: it may be dropped.
pub const SPARE: &str = "spare";

/// The random ones come last.
pub fn draw(rng: &mut StdRng) -> Vec<Table> {
    let mut tables = vec![accounts(), version(VERSIONS[0]), version(VERSIONS[1])];
    for at in 0..rng.random_range(1..=3) {
        tables.push(random(rng, format!("t{at}")));
    }
    tables
}

fn random(rng: &mut StdRng, name: String) -> Table {
    loop {
        let mut table = Table::random(rng, name.clone());
        if table.key.is_empty() {
            continue;
        }
        // Deferrable keys can't be mirrored, as `rowcast check` says.
        (table.deferrable, table.grows) = (false, false);
        table.ids = *[12, 60, 300].get(rng.random_range(0..3)).unwrap();
        if table.policy.only.is_none() && rng.random_bool(0.5) {
            table.columns.push((SPARE, "text"));
        }
        return table;
    }
}

fn plain(name: &str, columns: &[(&'static str, &'static str)]) -> Table {
    Table {
        name: name.to_owned(),
        columns: columns.to_vec(),
        key: vec!["id"],
        deferrable: false,
        grows: false,
        ids: 1,
        policy: Policy::open(),
    }
}

/// Administrators see all of it, others their own.
fn accounts() -> Table {
    let columns = [("id", "bigint"), ("owner", "text"), ("balance", "bigint"), ("note", "text")];
    let mut table = plain(ACCOUNTS, &columns);
    let parts = ["owner = auth.sub", "auth.role = 'admin'"];
    table.policy.rows = Expr::Or(parts.map(Expr::known).to_vec());
    table
}

fn version(name: &str) -> Table {
    plain(name, &[("id", "bigint"), ("version", "bigint")])
}

/// What the fixed tables have to begin with.
pub fn fill() -> String {
    let [a, b] = VERSIONS;
    format!(
        "insert into {ACCOUNTS} select g, 'u' || (1 + g % 3), {BALANCE}, null
           from generate_series(1, {ACCOUNTS_COUNT}) g;
         insert into {a} values (1, 0); insert into {b} values (1, 0)"
    )
}
