//! Subscriptions at random.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::{Claims, Expr, Table, View};

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub table: String,
    pub filter: Option<String>,
    pub params: Vec<Value>,
    pub columns: Option<Vec<&'static str>>,
    pub old: bool,
}

/// A subscription at random; now and then one that speaks of what isn't there for these claims.
pub fn ask(rng: &mut StdRng, table: &Table, claims: &Claims) -> (Asked, Option<Expr>) {
    let name = if rng.random_bool(0.2) { "public." } else { "" };
    let mut asked = Asked {
        table: format!("{name}{}", table.name),
        filter: None,
        params: Vec::new(),
        columns: None,
        old: rng.random_bool(0.4),
    };
    let mut filter = None;
    let is_bold = rng.random_bool(0.2);
    if is_bold || rng.random_bool(0.5) {
        let depth = rng.random_range(0..3);
        let mut drawn = Expr::random(rng, table, depth, false);
        if is_bold {
            drawn = about_a_masked_column(rng, table, claims).unwrap_or(drawn);
        }
        if rng.random_bool(0.4) {
            let column =
                ["customer", "org", "owner"].into_iter().find(|it| table.column(it).is_some());
            if let Some(column) = column {
                let equal = Expr::equal_to_param(column);
                drawn = if rng.random_bool(0.5) { equal } else { Expr::And(vec![equal, drawn]) };
                asked.params = vec![json!("2")];
            }
        }
        asked.filter = Some(drawn.text());
        filter = Some(drawn);
    }
    if rng.random_bool(0.4) {
        let all: Vec<_> = table.columns.iter().map(|column| column.0).collect();
        let count = rng.random_range(1..=all.len());
        asked.columns = Some(all.choose_multiple(rng, count).copied().collect());
    }
    if !is_bold && View::new(table, claims, &asked, filter.as_ref()).is_err() {
        (asked.filter, asked.params, filter) = (None, Vec::new(), None);
        if View::new(table, claims, &asked, None).is_err() {
            asked.columns = None;
        }
    }
    (asked, filter)
}

/// A filter that would tell of values that this client may not always see.
fn about_a_masked_column(rng: &mut StdRng, table: &Table, claims: &Claims) -> Option<Expr> {
    const TRIES: u32 = 100;
    let view = View::whole(table, claims)?;
    let is_masked = |name: &&str| view.columns.iter().any(|it| it.0 == *name && it.1.is_some());
    let mut drawn = (0..TRIES).map(|_| Expr::random(rng, table, 0, false));
    drawn.find(|drawn| drawn.atoms().iter().any(|atom| atom.columns.iter().any(&is_masked)))
}
