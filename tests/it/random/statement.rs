//! What writers do, at random: rows move, keys change and are swapped.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::{GROWN, Table, grown, value};

/// One or several statements that change a table.
pub fn statement(rng: &mut StdRng, table: &Table) -> String {
    let name = &table.name;
    let others = table.others();
    let id = rng.random_range(1..=table.ids);
    let mut set = |names: &[&str]| {
        let parts = names.iter().map(|name| {
            let column = table.column(name).unwrap();
            format!("{name} = {}", value(rng, table, column))
        });
        parts.collect::<Vec<_>>().join(", ")
    };
    let by: Vec<&str> = ["customer", "org", "owner", "flag"]
        .into_iter()
        .filter(|name| others.contains(name))
        .collect();
    let any = set(&[others.choose(&mut rand_of(id)).unwrap()]);
    let moved = if by.is_empty() { any.clone() } else { set(&by) };
    let hidden = if table.policy.hide.is_empty() { any.clone() } else { set(&table.policy.hide) };
    let all = set(&others);
    let other_id = rng.random_range(1..=table.ids);
    let one = others.choose(rng).unwrap();
    match rng.random_range(0..100) {
        0..28 => insert(rng, table),
        28..40 => format!("update {name} set {any} where id = {id}"),
        40..50 => format!("update {name} set {moved} where id = {id}"),
        50..55 => format!("update {name} set {moved} where id between {id} and {other_id}"),
        55..60 => format!("update {name} set {all} where id = {id}"),
        60..66 => format!("update {name} set {hidden} where id = {id}"),
        66..70 => format!("update {name} set {one} = {one} where id = {id}"),
        70..76 => format!("update {name} set id = {other_id} where id = {id}"),
        76..80 => format!("update {name} set id = {other_id}, {moved} where id = {id}"),
        80..84 => swap(name, id, other_id),
        84..87 => {
            format!("{0} {id}; {0} {id}", format_args!("update {name} set {moved} where id ="))
        }
        87..95 => format!("delete from {name} where id = {id}"),
        95..97 if table.grows => format!("update {name} set {GROWN} = {} where id = {id}", grown()),
        97 => format!("delete from {name}"),
        95..97 => format!("delete from {name} where id = {other_id}"),
        98 => format!("truncate {name}"),
        _ => format!("update {name} set {any}"),
    }
}

/// A choice that doesn't need the writer's own source.
fn rand_of(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn insert(rng: &mut StdRng, table: &Table) -> String {
    let names: Vec<_> = table.columns.iter().map(|column| column.0).collect();
    let mut rows = Vec::new();
    for _ in 0..rng.random_range(1..=3) {
        let values: Vec<_> =
            table.columns.iter().map(|&column| value(rng, table, column)).collect();
        rows.push(format!("({})", values.join(", ")));
    }
    format!("insert into {} ({}) values {}", table.name, names.join(", "), rows.join(", "))
}

/// Both rows have the other's key after it: at once where the key may be checked later.
fn swap(name: &str, one: u64, other: u64) -> String {
    format!(
        "update {name} set id = -id where id = {one}; update {name} set id = {one} where id = {other}; \
         update {name} set id = {other} where id = -{one}"
    )
}
