use std::time::UNIX_EPOCH;

use super::*;
use crate::catalog::Column;

fn columns(names: &[&str]) -> Vec<Column> {
    let column = |name: &&str| Column::built_in(1, name, "text");
    names.iter().map(column).collect()
}

fn row(json: &str) -> RowText {
    RowText { json: json.to_owned(), key_only: false }
}

fn change(op: Op, old: Option<&str>, new: Option<&str>) -> Change {
    Change {
        seq: Seq(1),
        txid: 1,
        table: TableId(1),
        op,
        old: old.map(row),
        new: new.map(row),
        at: UNIX_EPOCH,
        origin: None,
    }
}

#[test]
fn a_row_is_split_into_the_columns_of_the_catalog() {
    for (json, expected) in [
        (r#"{"a":1,"b":"x"}"#, [Some("1"), Some("\"x\"")]),
        (r#"{"b":"x","a":1}"#, [Some("1"), Some("\"x\"")]),
        (
            "{ \"a\" : [1,\n2] , \"b\":{\"x\":1,\"x\":2} }",
            [Some("[1,\n2]"), Some(r#"{"x":1,"x":2}"#)],
        ),
        (
            r#"{"a":1e400,"b":12345678901234567890123.4500}"#,
            [Some("1e400"), Some("12345678901234567890123.4500")],
        ),
        (r#"{"b":"\ud800 \u0000"}"#, [None, Some(r#""\ud800 \u0000""#)]),
        (r#"{"\u0061":null,"b":true,"added later":5}"#, [Some("null"), Some("true")]),
        ("{}", [None, None]),
    ] {
        let text = row(json);
        let read = Row::read(&text, &columns(&["a", "b"])).unwrap();
        assert_eq!([read.value(0), read.value(1),], expected, "{json}");
        assert_eq!(read.value(2), None);
        assert_eq!(read.text_of_listed().is_none(), json.contains("added"), "{json}");
    }
}

#[test]
fn names_may_be_anything() {
    let names = ["a\"b", "näme", "back\\slash", "tab\t", "😀", ""];
    let json = r#"{"a\"b":1,"näme":2,"back\\slash":3,"tab\t":4,"\ud83d\ude00":5,"":6}"#;
    let text = row(json);
    let read = Row::read(&text, &columns(&names)).unwrap();
    let values: Vec<_> = (0..6).map(|at| read.value(at).unwrap()).collect();
    assert_eq!(values, ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn deep_nesting_is_no_recursion() {
    let json = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let text = row(&json);
    assert!(Row::read(&text, &columns(&["a"])).unwrap().value(0).unwrap().len() == 200_000);
}

#[test]
fn what_is_no_row_is_an_error() {
    for json in ["", "null", "[]", "{", r#"{"a":}"#, r#"{"a":1}}"#, r#"{"a":1} x"#] {
        assert!(Row::read(&row(json), &columns(&["a"])).is_err(), "{json}");
    }
}

#[test]
fn each_change_has_its_events() {
    use Kind::{Created, Patched, Removed, Truncated};
    let (one, other) = (Some(r#"{"k":1,"v":1}"#), Some(r#"{"k":2,"v":1}"#));
    let touched = Some(r#"{"k":1,"v":2}"#);
    for (change, key, expected) in [
        (change(Op::Insert, None, one), &[0][..], &[Created][..]),
        (change(Op::Update, one, touched), &[0], &[Patched]),
        (change(Op::Update, one, other), &[0], &[Removed, Created]),
        (change(Op::Update, one, other), &[], &[Patched]),
        (change(Op::Delete, one, None), &[0], &[Removed]),
        (change(Op::Truncate, None, None), &[0], &[Truncated]),
        (change(Op::Reset, None, None), &[0], &[]),
    ] {
        let rows = Rows::read(&change, &columns(&["k", "v"])).unwrap();
        let kinds: Vec<_> = rows.events(key, Patched).map(|event| event.kind).collect();
        assert_eq!(kinds, expected, "{change:?}");
    }
}
