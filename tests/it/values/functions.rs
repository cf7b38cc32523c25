//! Functions, `||`, and the operators of arrays.

use rowcast::predicate::Undecidable;
use rowcast::predicate::value::{self, Modifier, Value};

use super::edges::EDGES;
use super::{answers, data_type, quoted, session};

fn parse(text: &str, name: &str) -> Value {
    value::from_text(text, &data_type(name)).unwrap()
}

fn edges(name: &str) -> &'static [&'static str] {
    EDGES.iter().find(|(of, _)| *of == name).unwrap().1
}

fn shown(value: Result<Value, Undecidable>) -> String {
    value::to_text(&value.unwrap())
}

async fn judge(cases: Vec<(String, String)>) {
    let client = session().await;
    let (expressions, ours): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let theirs = answers(&client, &expressions).await;
    assert!(theirs.len() > 30);
    for ((expression, ours), theirs) in expressions.iter().zip(ours).zip(theirs) {
        assert_eq!(ours, theirs, "{expression}");
    }
}

#[tokio::test]
async fn text_functions_agree() {
    let mut cases = Vec::new();
    for name in ["text", "character(3)", "bytea"] {
        for text in edges(name) {
            let (sql, value) = (format!("{}::{name}", quoted(text)), parse(text, name));
            cases.push((format!("length({sql})"), value::length(&value).unwrap().to_string()));
            if name != "bytea" {
                cases.push((format!("lower(({sql}) collate \"C\")"), shown(value::lower(&value))));
                cases.push((format!("upper(({sql}) collate \"C\")"), shown(value::upper(&value))));
            }
            for other in edges(name) {
                let right = parse(other, name);
                let is_prefix =
                    || if value::starts_with(&value, &right).unwrap() { "t" } else { "f" };
                if name == "text" {
                    cases.push((
                        format!("starts_with({sql}, {})", quoted(other)),
                        is_prefix().to_owned(),
                    ));
                }
                let joined = format!("{sql} || {}::{name}", quoted(other));
                cases.push((joined, shown(value::concat(&value, &right))));
            }
        }
    }
    judge(cases).await;
}

#[tokio::test]
async fn array_operators_agree() {
    let mut cases = Vec::new();
    let flag = |holds: Result<bool, Undecidable>| if holds.unwrap() { "t" } else { "f" }.to_owned();
    for name in ["integer[]", "text[]", "numeric[]", "double precision[]"] {
        for text in edges(name) {
            let (sql, left) = (format!("{}::{name}", quoted(text)), parse(text, name));
            cases.push((
                format!("cardinality({sql})"),
                value::cardinality(&left).unwrap().to_string(),
            ));
            for dimension in [-1, 0, 1, 2, 3, 4] {
                let length = value::array_length(&left, &Value::Int(dimension)).unwrap();
                let length = length.map_or(String::new(), |length| length.to_string());
                cases.push((format!("array_length({sql}, {dimension})"), length));
            }
            for other in edges(name) {
                let (other_sql, right) = (format!("{}::{name}", quoted(other)), parse(other, name));
                cases.push((format!("{sql} @> {other_sql}"), flag(value::contains(&left, &right))));
                cases.push((format!("{sql} && {other_sql}"), flag(value::overlaps(&left, &right))));
                if let Ok(joined) = value::concat(&left, &right) {
                    cases.push((format!("{sql} || {other_sql}"), value::to_text(&joined)));
                }
            }
        }
    }
    judge(cases).await;
}

#[tokio::test]
async fn constants_are_fitted_alike() {
    let mut cases = Vec::new();
    let mut fit = |text: &str, name: &str, to: &str, modifier| {
        let fitted = value::fit(parse(text, name), modifier);
        let ours = fitted.map_or("error".to_owned(), |value| value::to_text(&value));
        cases.push((format!("{}::{name}::{to}", quoted(text)), ours));
    };
    for text in edges("numeric") {
        for (precision, scale) in [(1, 0), (5, 2), (38, 10), (1000, 900), (3, 3)] {
            fit(
                text,
                "numeric",
                &format!("numeric({precision},{scale})"),
                Modifier::Precision(precision, scale),
            );
        }
    }
    for text in
        ["0.95", "9.995", "-0.005", "0.0004", "0.0005", "99.5", "999.994", "999.995", "0.9995"]
    {
        for (precision, scale) in [(2, 0), (2, 1), (3, 3), (5, 2)] {
            fit(
                text,
                "numeric",
                &format!("numeric({precision},{scale})"),
                Modifier::Precision(precision, scale),
            );
        }
    }
    for text in ["", "a", "abc", "abcd", "ab  ", "éééé", "a   b"] {
        fit(text, "text", "varchar(3)", Modifier::Length(3));
        fit(text, "bpchar", "char(3)", Modifier::Length(3));
    }
    judge(cases).await;
}
