//! What PostgreSQL shows of a table to somebody.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::mirror::Spec;
use crate::random::{Claims, Object, Table, View, object};

/// By key.
pub type Truth = BTreeMap<String, Object>;

pub async fn truth(client: &Client, table: &Table, claims: &Claims, spec: &Spec) -> Truth {
    let view = View::new(table, claims, &spec.asked, spec.filter.as_ref()).unwrap();
    let filter = spec
        .filter
        .as_ref()
        .map_or("true".to_owned(), |filter| filter.sql(&Claims::default()).replace("$1", "'2'"));
    let rows = table.policy.rows.sql(claims);
    let masks = view.masks.iter().map(|mask| format!("coalesce({}, false)", mask.sql(claims)));
    let masks: Vec<_> = ["true".to_owned()].into_iter().chain(masks).collect();
    let query = format!(
        "select row_to_json(t)::text, array[{}]::boolean[] from {} as t \
         where ({rows}) and ({filter})",
        masks.join(", "),
        table.name
    );
    let found = client.query(&query, &[]).await;
    let found = found.unwrap_or_else(|error| panic!("{error:?}: {query}"));
    let mut truth = Truth::new();
    for row in &found {
        let (whole, verdict): (Object, Vec<bool>) = (object(row.get(0)), row.get(1));
        let key: Vec<_> = table.key.iter().map(|name| whole.get(name)).collect();
        truth.insert(key.join("|"), view.seen(&whole, &verdict));
    }
    truth
}
