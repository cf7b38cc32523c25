//! The row that is explained, as it is now, in the form that the log would have it.

use anyhow::{Context as _, bail};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use crate::catalog::{Found, TableName};
use crate::cli::Usage;

/// The settings under which the capture prints rows; `sql/100_pinned_json.sql` has them, too.
const PINNED: &str = "
    begin read only;
    set local timezone = 'UTC'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex';
    set local extra_float_digits = 1; set local datestyle = 'ISO, MDY'; set local lc_monetary = 'C';
    set local row_security = off";

/// The only row that has these values.
pub async fn read(client: &Client, found: &Found, key: &[String]) -> anyhow::Result<String> {
    let (conditions, values) = conditions(found, key)?;
    let name = TableName { schema: found.schema.clone(), name: found.name.clone() };
    let query = format!(
        "select row_to_json(t)::text from {} as t where {} limit 2",
        name.sql(),
        conditions.join(" and ")
    );
    let parameters: Vec<(&(dyn ToSql + Sync), Type)> =
        values.iter().map(|value| (value as &(dyn ToSql + Sync), Type::TEXT)).collect();
    client.batch_execute(PINNED).await?;
    let rows = client.query_typed(&query, &parameters).await;
    let rows = rows.map_err(|error| not_read(error, found, &name))?;
    client.batch_execute("commit").await?;
    match rows.as_slice() {
        [row] => Ok(row.try_get(0)?),
        [] => bail!("`{}` has no row with {}", found.listed_as, key.join(", ")),
        _ => bail!("`{}` has more than one row with {}", found.listed_as, key.join(", ")),
    }
}

/// A refusal that says what to do, and never what the row has.
fn not_read(error: tokio_postgres::Error, found: &Found, name: &TableName) -> anyhow::Error {
    let table = &found.listed_as;
    match error.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => anyhow::anyhow!(
            "the role may not read all of `{table}`: grant select on {} to it",
            name.sql()
        ),
        Some(code) if code.code().starts_with("22") => {
            let said = error.as_db_error().map(|it| it.message().to_owned()).unwrap_or_default();
            Usage(format!("--key: {said}")).into()
        }
        _ => anyhow::Error::from(error).context(format!("`{table}` can't be read")),
    }
}

fn conditions(found: &Found, key: &[String]) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    for text in key {
        let usage = || Usage(format!("`{text}` is no key: write NAME=VALUE, as in id=42"));
        let (name, value) = text.split_once('=').with_context(usage)?;
        let column = found.columns.iter().find(|column| column.name == name);
        let missing = || Usage(format!("`{}` has no column `{name}`", found.listed_as));
        let column = column.with_context(missing)?;
        values.push(value.to_owned());
        let quoted = name.replace('"', "\"\"");
        let (place, of) = (values.len(), &column.type_name);
        conditions.push(format!("t.\"{quoted}\" = cast(${place}::text as {of})"));
    }
    Ok((conditions, values))
}
