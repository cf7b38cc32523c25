//! A table of orders as lists show them: rows of about 180 bytes as JSON.

use crate::stage::{Sql, Stage};

pub const TABLE: &str = "orders";

const CREATE: &str = "
    create table orders (
      id bigint primary key, customer_id bigint not null, version integer not null, status text not null,
      total numeric(12,2) not null, currency text not null, title text not null, created_at timestamptz not null)";

/// The database with so many orders of so many customers; the first ones are a different customer's each.
pub fn create(stage: &Stage, database: &str, rows: u64, customers: u64) -> anyhow::Result<Sql> {
    let mut sql = stage.create_database(database)?;
    sql.run(CREATE)?;
    sql.run(&format!(
        "insert into orders
         select i, 1 + (i - 1) % {customers}, 0, (array['placed', 'packed', 'under way', 'delivered'])[1 + i % 4],
           (i * 37 % 100000) / 100.0, 'EUR', 'Order no. ' || i || ' of ' || 1 + i % 9 || ' books',
           timestamptz '2024-05-01 10:00:00Z' + i * interval '17.123 s'
         from generate_series(1::bigint, {rows}) as i"
    ))?;
    sql.run("vacuum analyze orders")?;
    Ok(sql)
}
