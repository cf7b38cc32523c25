//! Predicates that were once judged differently, each in its smallest form.

use serde_json::Value;

use super::expr::{Expr, Part, Setting};
use super::grow::Case;
use super::judge::judge;
use super::ours;
use super::table::{Table, World, session};
use super::tally::Tally;
use super::types::{KINDS, Scalar, Ty};
use crate::support::fresh_database;

/// A predicate, the columns that it reads with their values, and what it is to be.
struct Once {
    /// Name, kind, value.
    columns: &'static [(&'static str, &'static str, Option<&'static str>)],
    predicate: &'static str,
    /// Parameters if it is an array, claims if it is an object.
    given: &'static str,
    accepted: bool,
}

const fn accepted(
    columns: &'static [(&'static str, &'static str, Option<&'static str>)],
    predicate: &'static str,
) -> Once {
    Once { columns, predicate, given: "[]", accepted: true }
}

const fn refused(
    columns: &'static [(&'static str, &'static str, Option<&'static str>)],
    predicate: &'static str,
) -> Once {
    Once { columns, predicate, given: "[]", accepted: false }
}

const fn with_claims(
    columns: &'static [(&'static str, &'static str, Option<&'static str>)],
    predicate: &'static str,
    given: &'static str,
) -> Once {
    Once { columns, predicate, given, accepted: true }
}

const CASES: &[Once] = &[
    accepted(&[("c", "char(4)", Some("a"))], "c = 'a  '"),
    accepted(&[("c", "integer", None)], "c not in (1, null)"),
    accepted(&[("c", "integer", None)], "c isnull"),
    accepted(&[("c", "integer", Some("1"))], "c NOTNULL"),
    refused(&[("c", "text", Some("a"))], "c < 'b'"),
    // A single value of jsonb is an array of one to `->` with a number.
    refused(&[("c", "jsonb", Some("\"x\""))], "c -> 0 is not distinct from c"),
    refused(&[("c", "jsonb", None)], "c is not null"),
    refused(&[("c", "json", None)], "(case when true then c end) is null"),
    refused(&[("c", "jsonb", None)], "coalesce(c, '{}') @> '{}'"),
    refused(&[("c", "jsonb", None)], "nullif(c, '1') = '2'"),
    accepted(&[("c", "jsonb", Some("\"x\""))], "c ->> -1 <> 'a'"),
    // A cast of an array keeps its collation.
    refused(
        &[("c", "text collate \"POSIX\"", None), ("d", "text[] collate \"C\"", None)],
        "c <> all(d::text[])",
    ),
    // A list of dates isn't cast to what it is compared with.
    accepted(
        &[("c", "timestamp", Some("2020-01-01"))],
        "c <> all('{5874897-12-31,1999-12-31}'::date[])",
    ),
    accepted(&[("c", "jsonb", Some("100"))], "c -> 1 is null"),
    refused(&[("c", "jsonb", Some("1"))], "c between c and '2'"),
    refused(&[("c", "jsonb", Some("1"))], "c = greatest(c, '2')"),
    refused(&[("c", "json[]", Some("{1}"))], "c is null"),
    refused(&[("c", "jsonb[]", Some("{1}"))], "'1' = any(c)"),
    refused(&[("c", "integer", Some("1"))], "'1.0' ?| '{a}'"),
    // Domains over enums have no operators; with a cast they do.
    refused(&[("c", "d_mood", Some("ok"))], "c = 'ok'"),
    accepted(&[("c", "d_mood", Some("ok"))], "c::mood > 'first'"),
    accepted(&[("c", "mood", Some("ok"))], "c between 'sad' and 'happy'"),
    // varchar[] and text[] have no operators in common.
    refused(&[("c", "varchar(5)[]", Some("{a}"))], "array['a'] @> c"),
    accepted(&[("c", "varchar(5)[]", Some("{a}"))], "'{a,b}' @> c"),
    accepted(&[("c", "varchar(5)[]", Some("{a}"))], "'a' = any(c)"),
    refused(&[("c", "integer", Some("1"))], "'{a}'::varchar[] && array['a']"),
    refused(&[("c", "text", Some("a"))], "c like '%_' escape 1"),
    refused(&[("c", "timestamptz", None)], "null::integer[]::timestamptz <= c"),
    refused(&[("c", "d_mood", None)], "coalesce(c, null) is null"),
    refused(&[("c", "json", Some("[[]]"))], "c #>> '{1,c}'::text = 'a'"),
    refused(
        &[("c", "text", Some("a"))],
        "true between symmetric c collate \"C\" !~* 'a' and 'true'",
    ),
    accepted(&[("c", "text", Some("b"))], "c collate \"C\" between ('a' collate \"C\") and 'c'"),
    refused(&[("c", "text", Some("a"))], "(null::text[] || array[c]) is not null"),
    refused(&[("c", "text", Some("a"))], "(null::text[] || array['a']) is not null"),
    // Two collations are one too many, unless one is explicit, which then holds for all.
    refused(
        &[("c", "text collate \"C\"", Some("a")), ("d", "text collate \"POSIX\"", Some("a"))],
        "c = d",
    ),
    refused(
        &[("c", "text collate \"POSIX\"", Some("a")), ("d", "text[] collate \"C\"", Some("{a}"))],
        "c <> all(d)",
    ),
    accepted(&[("c", "text collate \"en-x-icu\"", Some("ABC"))], "'a'::text collate \"C\" >= c"),
    accepted(&[("c", "text collate unsure", Some("zz"))], "'ß'::text collate \"C\" <= c"),
    accepted(
        &[("c", "text collate \"en-x-icu\"", Some("B"))],
        "greatest(c, 'a'::text collate \"C\") = 'a'",
    ),
    refused(
        &[("c", "text collate \"en-x-icu\"", Some("x"))],
        "case lower('x'::text collate \"C\") when c then true else false end",
    ),
    with_claims(&[("c", "bigint", Some("1"))], "auth.c0::int8 notnull", r#"{"c0": "1 2"}"#),
    with_claims(&[("c", "bigint", Some("1"))], "c in (c, auth.c0)", r#"{"c0": 0.0}"#),
    with_claims(
        &[("c", "smallint", Some("1"))],
        "not c between auth.c0 and 2",
        r#"{"c0": "-Infinity"}"#,
    ),
];

/// Splits a text at `$n` and `auth.…`, which stand for values.
fn read(text: &str) -> Expr {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let length = match (first, rest.strip_prefix("auth.")) {
            ('$', _) => after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len()),
            (_, Some(path)) => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
                path.find(|c| !is_name(c)).unwrap_or(path.len())
            }
            _ => 0,
        };
        if length == 0 {
            plain.push(first);
            rest = after;
            continue;
        }
        parts.push(Part::Text(std::mem::take(&mut plain)));
        let start = if first == '$' { 1 } else { "auth.".len() };
        let name = &rest[start..start + length];
        parts.push(match first {
            '$' => Part::Param(name.parse().unwrap()),
            _ => Part::Claim(name.split('.').map(str::to_owned).collect()),
        });
        rest = &rest[start + length..];
    }
    parts.push(Part::Text(plain));
    Expr { ty: Ty::One(Scalar::Bool), op: "as it is", kind: None, parts }
}

fn setting(given: &str) -> Setting {
    match serde_json::from_str(given).unwrap() {
        Value::Array(params) => Setting::Filter(params),
        Value::Object(claims) => Setting::Policy(claims),
        other => panic!("neither parameters nor claims: {other}"),
    }
}

#[tokio::test]
async fn what_was_once_judged_differently_is_not_any_more() {
    let url = fresh_database().await;
    let client = session(&url).await;
    let world = World::create(&client).await;
    let mut wrong = Vec::new();
    for (at, one) in CASES.iter().enumerate() {
        let kind = |label: &str| {
            let at = KINDS.iter().position(|kind| kind.label() == label);
            at.unwrap_or_else(|| panic!("no kind {label}"))
        };
        // Not every server has ICU's collations.
        if one.columns.iter().any(|(_, label, _)| !world.kinds().any(|at| at == kind(label))) {
            continue;
        }
        let columns: Vec<(String, usize)> =
            one.columns.iter().map(|&(name, label, _)| (name.to_owned(), kind(label))).collect();
        let values = one.columns.iter().map(|(_, _, value)| value.map(str::to_owned)).collect();
        let table = Table::create(&client, &format!("r{at}"), &columns, vec![values]).await;
        let case =
            Case { expr: read(one.predicate), setting: setting(one.given), is_explicit: true };
        let is_accepted = ours::read(&table, &case).is_ok_and(|read| read.is_ok());
        if is_accepted != one.accepted {
            wrong.push(format!("accepted: {is_accepted}, {}", one.predicate));
        }
        let found = judge(&client, &table, vec![case], &mut Tally::default()).await;
        wrong.extend(found.iter().map(|found| found.show(&table)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
