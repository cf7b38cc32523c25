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
fn a_row_is_regular_if_its_columns_come_as_the_table_has_them() {
    for (json, regular, complete) in [
        (r#"{"a":1,"b":2}"#, true, true),
        (r#"{"a":1,"b":2,"added":3}"#, true, true),
        (r#"{"b":2,"a":1}"#, false, true),
        (r#"{"a":1,"other":3,"b":2}"#, false, true),
        (r#"{"other":3,"a":1,"b":2}"#, false, true),
        (r#"{"a":1}"#, false, false),
        (r#"{"a":1,"renamed":2}"#, false, false),
    ] {
        let text = row(json);
        let read = Row::read(&text, &columns(&["a", "b"])).unwrap();
        assert_eq!((read.is_regular(), read.is_complete()), (regular, complete), "{json}");
    }
    let by_key = RowText { json: r#"{"b":1}"#.to_owned(), key_only: true };
    let columns = columns(&["a", "b"]);
    let read = Row::read(&by_key, &columns).unwrap();
    assert!(read.is_regular() && read.is_complete());
    assert_eq!(
        Row::read(&row(r#"{"b":1,"x y":{"z":1},"b2":2}"#), &columns).unwrap().names(),
        ["b", "x y", "b2"]
    );
}

#[test]
fn a_column_that_comes_twice_is_no_row() {
    let columns = columns(&["a", "b"]);
    assert!(Row::read(&row(r#"{"a":1,"b":2,"a":3}"#), &columns).is_err());
    assert!(Row::read(&row(r#"{"a":1,"\u0061":3,"b":2}"#), &columns).is_err());
}

#[test]
fn a_key_is_the_same_if_its_text_is() {
    let (one, other) = (Some(r#"{"k":1,"v":1}"#), Some(r#"{"k":2,"v":1}"#));
    for (old, new, key, expected) in [
        (one, other, &[0][..], false),
        (one, other, &[1], true),
        (one, other, &[], true),
        (one, one, &[0, 1], true),
        (None, one, &[0], true),
    ] {
        let change = change(Op::Update, old, new);
        let rows = Rows::read(&change, &columns(&["k", "v"])).unwrap();
        assert_eq!(rows.same_key(key), expected, "{change:?}");
    }
}
