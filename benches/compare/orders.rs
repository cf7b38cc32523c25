//! A table of orders and its changes as the log has them: PostgreSQL wrote every row.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use rowcast::catalog::{Catalog, TableId, TableSettings};
use rowcast::event::{Change, Op, RowText, Seq};
use rowcast::policy::{Current, Served, current};

use crate::stage::{Sql, Stage};

const ID: TableId = TableId(1);
const MAX_ROW_BYTES: usize = 64 << 10;
/// Of so many updates, one gives the order to another customer.
const MOVES: u64 = 20;

const TABLE: &str = "
    set timezone = 'UTC';
    create table orders (
      id bigint primary key, customer_id bigint not null, number text not null, status text not null,
      total numeric(12,2) not null, currency text not null, is_paid boolean not null, title text not null,
      tags text[] not null, address jsonb not null, created_at timestamptz not null,
      updated_at timestamptz not null);
    create function an_order(id bigint, customer bigint, version integer) returns orders
    language sql immutable as $$
      select row(
        id, customer, 'R-' || lpad(id::text, 8, '0'),
        (array['placed', 'packed', 'under way', 'delivered'])[1 + (id + version) % 4],
        (id * 37 % 100000) / 100.0 + version, 'EUR', version > 0, 'Order no. ' || id || ' of ' || 1 + id % 9 || ' books',
        array['books', 'region-' || id % 40, (array['gift', 'express', 'plain'])[1 + id % 3]],
        jsonb_build_object(
          'name', 'Customer ' || customer, 'street', 'Long Street ' || id % 200, 'city', 'Town ' || id % 50,
          'country', (array['DE', 'FR', 'IT', 'PL'])[1 + id % 4]),
        timestamptz '2024-05-01 10:00:00Z' + id * interval '17.123 s',
        timestamptz '2026-02-01 10:00:00Z' + version * interval '61.000001 s'
      )::orders
    $$";

/// The database with the table.
pub struct Orders {
    sql: Sql,
}

impl Orders {
    pub fn create(stage: &Stage, database: &str) -> anyhow::Result<Self> {
        let mut sql = stage.create_database(database)?;
        sql.run(TABLE)?;
        Ok(Self { sql })
    }

    /// The table, served with this policy.
    pub fn served(&mut self, rows: &str) -> anyhow::Result<Current> {
        let settings =
            [TableSettings { rows: rows.to_owned(), ..TableSettings::open_to_all("orders") }];
        let found = self.sql.tables(&settings)?.into_iter().next().context("the table")?;
        let catalog = Catalog { tables: HashMap::from([(ID, Arc::new(found.into_table(ID)))]) };
        let served = Served::bind(&catalog, &settings, MAX_ROW_BYTES)?;
        let (_, tables) = current(served);
        Ok(tables)
    }

    /// Updates of orders whose customers are drawn from these.
    pub fn updates(&mut self, customers: Range<u64>, count: usize) -> anyhow::Result<Vec<Change>> {
        let (first, many) = (customers.start, customers.end - customers.start);
        let drawn = |by: &str| format!("{first} + mod(abs(hashint8({by})::bigint), {many})");
        let (before, moved) = (drawn("i"), drawn("-i"));
        let query = format!(
            "select string_agg(row_to_json(an_order(i, {before}, 0))::text || E'\\t' || row_to_json(an_order(
               i, case when i % {MOVES} = 0 then {moved} else {before} end, 1))::text, E'\\n')
             from generate_series(1::bigint, {count}) as i"
        );
        let text = self.sql.text(&query)?;
        text.lines().zip(1..).map(|(line, seq)| update(line, seq)).collect()
    }

    /// The rows alone.
    pub fn rows(&mut self, count: usize) -> anyhow::Result<Vec<RowText>> {
        let updates = self.updates(0..100_000, count)?;
        Ok(updates.into_iter().filter_map(|change| change.new).collect())
    }
}

fn update(line: &str, seq: i64) -> anyhow::Result<Change> {
    let (old, new) = line.split_once('\t').context("two rows")?;
    let row = |json: &str| Some(RowText { json: json.to_owned(), key_only: false });
    Ok(Change {
        seq: Seq(seq),
        txid: 1_000 + seq.unsigned_abs(),
        table: ID,
        op: Op::Update,
        old: row(old),
        new: row(new),
        at: UNIX_EPOCH + Duration::from_micros(1_770_000_000_000_000 + seq.unsigned_abs() * 91),
        origin: None,
    })
}
