//! What PostgreSQL says: it is asked about every row before and after every change.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::model::{Change, Verdict};
use crate::random::{Claims, Object, Table, View, object};

/// Every committed change of a table.
pub async fn changes(client: &Client, table: &Table) -> Vec<Change> {
    let query = format!(
        "select audit_n, audit_tx, audit_op, audit_origin, row_to_json(audit_old)::text, \
         row_to_json(audit_new)::text from audit_{} order by audit_n",
        table.name
    );
    let rows = client.query(&query, &[]).await.unwrap();
    let row = |json: Option<&str>| json.map_or_else(Object::default, object);
    rows.iter()
        .map(|found| Change {
            n: found.get(0),
            tx: found.get(1),
            op: found.get(2),
            origin: found.get(3),
            old: row(found.get(4)),
            new: row(found.get(5)),
        })
        .collect()
}

/// What is visible before and after every change, by the policy and this filter.
pub async fn verdicts(
    client: &Client,
    table: &Table,
    claims: &Claims,
    view: &View<'_>,
    filter: &str,
) -> BTreeMap<i64, Verdict> {
    let rows = format!("({} and ({filter}))", table.policy.rows.sql(claims));
    let masks = view.masks.iter().map(|mask| mask.sql(claims));
    let wanted: Vec<_> =
        [rows].into_iter().chain(masks).map(|it| format!("coalesce({it}, false)")).collect();
    let wanted = wanted.join(", ");
    let of = |side: &str| {
        format!("(select array[{wanted}]::boolean[] from (select (a.audit_{side}).*) as t)")
    };
    let query =
        format!("select audit_n, {}, {} from audit_{} as a", of("old"), of("new"), table.name);
    let rows = client.query(&query, &[]).await.unwrap_or_else(|error| panic!("{error:?}: {query}"));
    let verdict = |row: &tokio_postgres::Row| Verdict { old: row.get(1), new: row.get(2) };
    rows.iter().map(|row| (row.get(0), verdict(row))).collect()
}
