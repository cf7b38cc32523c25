//! Tables at random, with rows of edge values, as the log would have them.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rowcast::catalog::{self, Column, TableSettings};
use rowcast::event::RowText;
use tokio_postgres::Client;

use super::expr::{array_item, quoted};
use super::pool;
use super::types::{KINDS, Kind, TYPES, Ty, UNSURE};
use crate::support::connect;

/// As the capture pins them.
const SETTINGS: &str = "set timezone = 'UTC'; set intervalstyle = 'postgres'; set datestyle = 'ISO, MDY';
set bytea_output = 'hex'; set extra_float_digits = 1; set jit = off; set client_min_messages = warning;";

const CAN_BE: &str =
    "create function can_be(value text, type text) returns boolean language plpgsql as $$
begin
  execute format('select %L::%s', value, type);
  return true;
exception when others then
  return false;
end
$$";

const COLUMNS: std::ops::RangeInclusive<usize> = 10..=20;
const ROWS: std::ops::RangeInclusive<usize> = 10..=30;

/// A connection that reads and writes as the capture does.
pub async fn session(url: &str) -> Client {
    let client = connect(url).await;
    client.batch_execute(SETTINGS).await.unwrap();
    client
}

/// What a server's columns can be, and the values that they take.
#[derive(Debug)]
pub struct World {
    kinds: Vec<Usable>,
}

#[derive(Debug)]
struct Usable {
    /// In `KINDS`.
    kind: usize,
    values: Vec<&'static str>,
}

impl World {
    /// Creates the types in a new database.
    pub async fn create(client: &Client) -> Self {
        client.batch_execute(TYPES).await.unwrap();
        client.batch_execute(CAN_BE).await.unwrap();
        let has_icu = client.batch_execute(UNSURE).await.is_ok();
        let mut kinds = Vec::new();
        for (at, kind) in KINDS.iter().enumerate() {
            if has_icu || kind.collation.is_empty() || kind.collation.starts_with('"') {
                kinds.push(Usable { kind: at, values: usable(client, kind).await });
            }
        }
        kinds.retain(|usable| has_icu || !KINDS[usable.kind].collation.contains("icu"));
        Self { kinds }
    }

    /// The kinds of columns that there can be.
    pub fn kinds(&self) -> impl Iterator<Item = usize> {
        self.kinds.iter().map(|usable| usable.kind)
    }

    fn choose(&self, rng: &mut StdRng) -> &Usable {
        self.kinds
            .choose_weighted(rng, |usable| KINDS[usable.kind].weight)
            .expect("there are kinds")
    }
}

async fn usable(client: &Client, kind: &Kind) -> Vec<&'static str> {
    let (Ty::One(scalar) | Ty::Many(scalar)) = kind.ty;
    let values: Vec<&str> = match kind.sql {
        "point" => vec!["(1,2)"],
        "d_int[]" => vec!["{1,NULL}", "{}"],
        "bit(3)" => vec!["101"],
        "money" => vec!["1.5"],
        // Rounded, it is beyond what the type has.
        "timestamp(0)" => {
            pool::values(scalar).iter().copied().filter(|text| !text.contains("294276")).collect()
        }
        _ => pool::values(scalar).to_vec(),
    };
    let type_name = kind.sql.strip_suffix("[]").unwrap_or(kind.sql);
    let type_name = if type_name == "d_ints" { "int" } else { type_name };
    let sql = "select value from unnest($1::text[]) with ordinality as given(value, place)
      where can_be(value, $2) order by place";
    let taken = client.query(sql, &[&values, &type_name]).await.unwrap();
    let taken: Vec<String> = taken.iter().map(|row| row.get(0)).collect();
    values.into_iter().filter(|value| taken.iter().any(|one| one == value)).collect()
}

/// A table with its rows.
#[derive(Debug)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// For each column, which of `KINDS`; none for the key.
    pub kinds: Vec<Option<usize>>,
    /// For each row and column, what was put in.
    values: Vec<Vec<Option<String>>>,
    /// As the log has them.
    pub rows: Vec<RowText>,
}

impl Table {
    pub async fn random(client: &Client, world: &World, rng: &mut StdRng, name: &str) -> Self {
        let width = rng.random_range(COLUMNS);
        let usable: Vec<&Usable> = (0..width).map(|_| world.choose(rng)).collect();
        let row_count = rng.random_range(ROWS);
        let huge = rng.random_bool(0.02);
        let mut values: Vec<Vec<Option<String>>> = (0..row_count)
            .map(|_| usable.iter().map(|usable| value(usable, rng, huge)).collect())
            .collect();
        values[0].fill(None);
        let columns: Vec<(String, usize)> = usable
            .iter()
            .enumerate()
            .map(|(at, usable)| (column_name(at, rng), usable.kind))
            .collect();
        Self::create(client, name, &columns, values).await
    }

    /// Creates a table with these columns, and puts these rows in.
    pub async fn create(
        client: &Client,
        name: &str,
        columns: &[(String, usize)],
        values: Vec<Vec<Option<String>>>,
    ) -> Self {
        let kinds: Vec<Option<usize>> =
            std::iter::once(None).chain(columns.iter().map(|(_, kind)| Some(*kind))).collect();
        let mut table =
            Self { name: name.to_owned(), columns: Vec::new(), kinds, values, rows: Vec::new() };
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        client
            .batch_execute(&table.ddl(&names))
            .await
            .unwrap_or_else(|e| panic!("{}: {e:?}", table.ddl(&names)));
        for row in 0..table.values.len() {
            let insert = table.insert(row);
            client.batch_execute(&insert).await.unwrap_or_else(|e| panic!("{insert}: {e:?}"));
        }
        table.load(client).await;
        table
    }

    async fn load(&mut self, client: &Client) {
        let settings = TableSettings::open_to_all(&self.name);
        let loaded = catalog::load(client, &[settings]).await.unwrap();
        self.columns = loaded.found[0].columns.clone();
        let sql = format!("select row_to_json(t)::text from {} as t order by id", self.name);
        let rows = client.query(&sql, &[]).await.unwrap();
        self.rows = rows.iter().map(|row| RowText { json: row.get(0), key_only: false }).collect();
    }

    fn ddl(&self, names: &[&str]) -> String {
        let columns = names.iter().zip(self.kinds.iter().skip(1)).map(|(name, kind)| {
            let kind = &KINDS[kind.expect("it isn't the key")];
            let collate = if kind.collation.is_empty() { "" } else { " collate " };
            format!(", {} {}{collate}{}", identifier(name), kind.sql, kind.collation)
        });
        format!("create table {} (id int primary key{})", self.name, columns.collect::<String>())
    }

    fn insert(&self, row: usize) -> String {
        let values =
            self.values[row].iter().zip(self.kinds.iter().skip(1)).map(
                |(value, kind)| match value {
                    Some(value) => {
                        let kind = &KINDS[kind.expect("it isn't the key")];
                        format!(", {}::{}", quoted(value), kind.sql)
                    }
                    None => ", null".to_owned(),
                },
            );
        format!("insert into {} values ({row}{})", self.name, values.collect::<String>())
    }

    /// What makes the values of these columns in this row again.
    pub fn replay(&self, columns: &[usize], row: usize) -> String {
        let shown = columns.iter().filter(|&&at| at > 0).map(|&at| {
            let kind = KINDS[self.kinds[at].expect("it isn't the key")].label();
            let mut value = format!("{:?}", self.values[row][at - 1]);
            if value.len() > 300 {
                value = format!(
                    "{}… ({} bytes)",
                    value.chars().take(300).collect::<String>(),
                    value.len()
                );
            }
            format!("\n      {} {kind} = {value}", identifier(&self.columns[at].name))
        });
        shown.collect()
    }
}

fn value(usable: &Usable, rng: &mut StdRng, huge: bool) -> Option<String> {
    if rng.random_bool(0.15) {
        return None;
    }
    let Kind { ty, sql, .. } = KINDS[usable.kind];
    if huge && sql == "numeric" && rng.random_bool(0.3) {
        return pool::HUGE.choose(rng).map(|&text| text.to_owned());
    }
    match ty {
        Ty::One(_) => usable.values.choose(rng).map(|&text| text.to_owned()),
        Ty::Many(_) => Some(array(&usable.values, rng)),
    }
}

/// An array of some of these.
pub fn array(values: &[&str], rng: &mut StdRng) -> String {
    let count = rng.random_range(0..4);
    let item = |rng: &mut StdRng| match values.choose(rng) {
        Some(value) if rng.random_bool(0.85) => array_item(value),
        _ => "NULL".to_owned(),
    };
    let list = |rng: &mut StdRng, count: usize| {
        let items: Vec<String> = (0..count).map(|_| item(rng)).collect();
        format!("{{{}}}", items.join(","))
    };
    match rng.random_range(0..12) {
        0 => "{}".to_owned(),
        1 if count > 0 => {
            let inner: Vec<String> = (0..2).map(|_| list(rng, count)).collect();
            format!("{{{}}}", inner.join(","))
        }
        2 if count > 0 => format!("[3:{}]={}", 2 + count, list(rng, count)),
        3 => format!("[-1:0][2:2]={{{},{}}}", list(rng, 1), list(rng, 1)),
        _ => list(rng, count),
    }
}

fn column_name(at: usize, rng: &mut StdRng) -> String {
    let prefix =
        *["c", "c", "c", "c", "C ", "größe", "q\"", "id"].choose(rng).expect("there are some");
    format!("{prefix}{at}")
}

/// A name, quoted if it has to be.
pub fn identifier(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
