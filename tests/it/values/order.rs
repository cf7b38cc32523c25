//! Decoding, printing, casts, and every pair of values compared.

use std::cmp::Ordering;

use rowcast::catalog::{DataType, Scalar};
use rowcast::predicate::value::{self, Value};
use tokio_postgres::Client;

use super::edges::EDGES;
use super::{answers, data_type, quoted, session};

/// The values as the log would have them, with their output.
async fn logged(client: &Client, name: &str, texts: &[&str]) -> Vec<(String, String)> {
    let sql = format!(
        "select (row_to_json(r)->'x')::text, format('%s', r.x) from
         (select i, t::{name} as x from unnest($1::text[]) with ordinality as u(t, i)) as r order by i"
    );
    let rows = client.query(&sql, &[&texts]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn decoded(json: &str, of: &DataType) -> Value {
    let value = value::from_log(json, of);
    value.unwrap_or_else(|e| panic!("{json} {of:?}: {e}")).expect("no NULL among the values")
}

#[tokio::test]
async fn the_log_and_the_text_come_back() {
    let client = session().await;
    for (name, texts) in EDGES {
        let of = data_type(name);
        for (text, (json, output)) in texts.iter().zip(logged(&client, name, texts).await) {
            let value = decoded(&json, &of);
            assert_eq!(value::to_text(&value), output, "{name} {text}");
            if !matches!(of, DataType::Scalar(Scalar::Char(_))) {
                assert_eq!(value::from_text(text, &of).unwrap(), value, "{name} {text}");
            }
            assert_eq!(value::from_text(&output, &of).unwrap(), value, "{name} {output}");
        }
    }
}

#[tokio::test]
async fn every_pair_is_ordered_as_postgresql_does() {
    let client = session().await;
    for (name, texts) in EDGES.iter().filter(|(name, _)| *name != "json") {
        let of = data_type(name);
        let collate =
            if name.starts_with("text") || name.starts_with("char") { "collate \"C\"" } else { "" };
        let sql = format!(
            "with v as materialized
               (select i, t::{name} {collate} as x from unnest($1::text[]) with ordinality as u(t, i))
             select case when a.x = b.x then '=' when a.x < b.x then '<' else '>' end
             from v as a, v as b order by a.i, b.i"
        );
        let rows = client.query(&sql, &[&texts]).await.unwrap();
        let logged = logged(&client, name, texts).await;
        let values: Vec<Value> = logged.iter().map(|(json, _)| decoded(json, &of)).collect();
        let pairs = values.iter().flat_map(|left| values.iter().map(move |right| (left, right)));
        for ((left, right), row) in pairs.zip(rows) {
            judge(left, right, row.get(0));
        }
    }
}

fn judge(left: &Value, right: &Value, expected: &str) {
    let is_equal = expected == "=";
    assert_eq!(value::equal(left, right), Some(is_equal), "{left:?} = {right:?}");
    if matches!(left, Value::Jsonb(_)) {
        return;
    }
    let order = match expected {
        "<" => Ordering::Less,
        "=" => Ordering::Equal,
        _ => Ordering::Greater,
    };
    assert_eq!(value::compare(left, right), Some(order), "{left:?} {expected} {right:?}");
    assert_eq!(
        value::key(left).unwrap() == value::key(right).unwrap(),
        is_equal,
        "{left:?} {right:?}"
    );
}

#[tokio::test]
async fn casts_give_what_postgresql_gives() {
    let client = session().await;
    let (mut expressions, mut ours) = (Vec::new(), Vec::new());
    for (from_name, texts) in EDGES {
        for (to_name, _) in EDGES {
            let (from, to) = (data_type(from_name), data_type(to_name));
            let Some(cast) = value::cast(&from, &to) else { continue };
            let to_name = to_name.split('(').next().unwrap().replace("character", "bpchar");
            let to_name = to_name.replace("bpchar varying", "character varying");
            for text in *texts {
                let value = value::from_text(text, &from).unwrap();
                ours.push(value::to_text(&cast.apply(&value).unwrap()));
                expressions.push(format!("({}::{from_name})::{to_name}", quoted(text)));
            }
        }
    }
    let theirs = answers(&client, &expressions).await;
    assert!(ours.len() > 300, "{}", ours.len());
    for ((expression, ours), theirs) in expressions.iter().zip(ours).zip(theirs) {
        let padded = expression.contains("(3)") && expression.contains("::bpchar");
        assert!(ours == theirs || padded, "{expression}: {ours:?}, not {theirs:?}");
    }
}

#[tokio::test]
async fn dates_and_floats_compare_across_types() {
    let client = session().await;
    let groups: [&[&str]; 2] = [
        &["date", "timestamp without time zone", "timestamp with time zone"],
        &["real", "double precision"],
    ];
    let (mut expressions, mut ours) = (Vec::new(), Vec::new());
    for group in groups {
        let values = EDGES.iter().filter(|(name, _)| group.contains(name));
        let values: Vec<_> =
            values.flat_map(|(name, texts)| texts.iter().map(move |text| (*name, *text))).collect();
        for (left_name, left) in &values {
            for (right_name, right) in &values {
                expressions.push(format!(
                    "{}::{left_name} < {}::{right_name}",
                    quoted(left),
                    quoted(right)
                ));
                let left = value::from_text(left, &data_type(left_name)).unwrap();
                let right = value::from_text(right, &data_type(right_name)).unwrap();
                ours.push(value::compare(&left, &right).unwrap().is_lt());
            }
        }
    }
    for ((expression, ours), theirs) in
        expressions.iter().zip(ours).zip(answers(&client, &expressions).await)
    {
        assert_eq!(if ours { "t" } else { "f" }, theirs, "{expression}");
    }
}
