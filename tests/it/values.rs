//! Values of every type: what the daemon makes of them, and what PostgreSQL does.

mod edges;
mod forms;
mod functions;
mod json;
mod literals;
mod order;
mod patterns;

use std::sync::Arc;

use rowcast::catalog::{Collation, DataType, EnumType, Scalar};
use tokio_postgres::Client;

use crate::support::{connect, fresh_database};

/// A session as predicates mean it, with an enum and a cast that answers NULL where it fails.
async fn session() -> Client {
    let client = connect(&fresh_database().await).await;
    let setup = "
        set timezone to 'UTC'; set datestyle to 'ISO'; set intervalstyle to 'postgres';
        create type mood as enum ('sad', 'ok', 'very happy');
        create function attempt(expression text) returns text language plpgsql as $$
        declare result text;
        begin
          execute 'select format(''%s'', ' || expression || ')' into result;
          return result;
        exception when others then return 'error';
        end $$;";
    client.batch_execute(setup).await.unwrap();
    client
}

/// What PostgreSQL answers to each of the expressions: the output function's text, "" for NULL, "error".
async fn answers(client: &Client, expressions: &[String]) -> Vec<String> {
    let sql = "select attempt(e) from unnest($1::text[]) with ordinality as u(e, i) order by i";
    let rows = client.query(sql, &[&expressions]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn quoted(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn data_type(name: &str) -> DataType {
    let labels = ["sad", "ok", "very happy"].map(str::to_owned).to_vec();
    let mood =
        || Scalar::Enum(Arc::new(EnumType { name: "mood".to_owned(), labels: labels.clone() }));
    match name {
        "mood" => DataType::Scalar(mood()),
        "mood[]" => DataType::Array(mood()),
        "bpchar" => DataType::Scalar(Scalar::Char(Collation::C)),
        "text" => DataType::Scalar(Scalar::Text(Collation::C)),
        other => DataType::named(other),
    }
}
