//! What of a change is seen.

use super::*;

const OWN: &str = "customer = auth.customer or auth.role = 'admin'";

fn view_of(served: &Served, who: Value) -> View {
    served.view(&Request::whole("orders"), &claims(who)).unwrap()
}

#[test]
fn rows_enter_and_leave() {
    let served = served(OWN, &[]);
    let seven = view_of(&served, json!({"customer": 7}));
    let cases = [
        (
            Op::Insert,
            None,
            row(1, 7, "a", 1),
            vec!["created: id=1 customer=7 status=\"a\" margin=1"],
        ),
        (Op::Insert, None, row(1, 8, "a", 1), vec![]),
        (
            Op::Update,
            row(1, 8, "a", 1),
            row(1, 7, "b", 1),
            vec!["created enter: id=1 customer=7 status=\"b\" margin=1"],
        ),
        (
            Op::Update,
            row(1, 7, "a", 1),
            row(1, 8, "b", 2),
            vec!["removed leave: id=1 customer=7 status=\"a\" margin=1"],
        ),
        (
            Op::Update,
            row(1, 7, "a", 1),
            row(1, 7, "b", 1),
            vec![
                "patched: id=1 customer=7 status=\"b\" margin=1 [status] \
                 was id=1 customer=7 status=\"a\" margin=1",
            ],
        ),
        (Op::Update, row(1, 8, "a", 1), row(1, 9, "b", 1), vec![]),
        (
            Op::Delete,
            row(1, 7, "a", 1),
            None,
            vec!["removed: id=1 customer=7 status=\"a\" margin=1"],
        ),
        (Op::Delete, row(1, 8, "a", 1), None, vec![]),
        (Op::Truncate, None, None, vec!["truncated"]),
    ];
    for (op, old, new, expected) in cases {
        let change = change(op, old, new);
        assert_eq!(told(&served, &seven, &change), expected, "{change:?}");
    }
}

#[test]
fn a_key_change_is_two_events_for_whom_both_rows_are() {
    let served = served(OWN, &[]);
    let seven = view_of(&served, json!({"customer": 7}));
    let update = |old, new| told(&served, &seven, &change(Op::Update, old, new));
    let (old, new) = (
        "removed: id=1 customer=7 status=\"a\" margin=1",
        "created: id=2 customer=7 status=\"a\" margin=1",
    );
    assert_eq!(update(row(1, 7, "a", 1), row(2, 7, "a", 1)), [old, new]);
    let (left, entered) =
        (old.replace("removed", "removed leave"), new.replace("created", "created enter"));
    assert_eq!(update(row(1, 7, "a", 1), row(2, 8, "a", 1)), [left]);
    assert_eq!(update(row(1, 8, "a", 1), row(2, 7, "a", 1)), [entered]);
    assert!(update(row(1, 8, "a", 1), row(2, 8, "a", 1)).is_empty());
}

#[test]
fn what_only_others_can_see_is_no_news() {
    let served = served("true", &[("margin", "auth.role = 'admin'")]);
    let clerk = view_of(&served, json!({"role": "clerk"}));
    let admin = view_of(&served, json!({"role": "admin"}));
    let margin_alone = change(Op::Update, row(1, 7, "a", 1), row(1, 7, "a", 2));
    assert!(told(&served, &clerk, &margin_alone).is_empty());
    assert!(told(&served, &admin, &margin_alone)[0].contains("[margin]"));
    let other_secret = |row: Option<RowText>| {
        let json = row.unwrap().json.replace(r#""secret":"s""#, r#""secret":"t""#);
        Some(RowText { json, key_only: false })
    };
    let hidden = change(Op::Update, row(1, 7, "a", 1), other_secret(row(1, 7, "a", 1)));
    assert!(told(&served, &admin, &hidden).is_empty());
    let both = change(Op::Update, row(1, 7, "a", 1), row(1, 7, "b", 2));
    let expected =
        "patched: id=1 customer=7 status=\"b\" [status] was id=1 customer=7 status=\"a\"";
    assert_eq!(told(&served, &clerk, &both), [expected]);
}

#[test]
fn a_masked_column_comes_and_goes_with_its_row() {
    let served = served("true", &[("margin", "customer = auth.customer")]);
    let seven = view_of(&served, json!({"customer": 7}));
    let update = |old, new| told(&served, &seven, &change(Op::Update, old, new));
    assert_eq!(
        update(row(1, 8, "a", 1), row(1, 7, "a", 1)),
        ["patched: id=1 customer=7 status=\"a\" margin=1 [customer margin] \
          was id=1 customer=8 status=\"a\""]
    );
    assert_eq!(
        update(row(1, 7, "a", 1), row(1, 8, "a", 1)),
        [
            "patched: id=1 customer=8 status=\"a\" [customer] was id=1 customer=7 status=\"a\" margin=1"
        ]
    );
    assert!(update(row(1, 8, "a", 1), row(1, 8, "a", 2)).is_empty(), "masked before and after");
    let narrow = served.view(&request(Some(&["margin"]), None), &claims(json!({"customer": 7})));
    let gone =
        told(&served, &narrow.unwrap(), &change(Op::Update, row(1, 7, "a", 1), row(1, 8, "a", 1)));
    assert_eq!(gone, ["patched: id=1 [] was id=1 margin=1"], "only that it is gone");
}

#[test]
fn what_can_not_be_judged_is_invisible() {
    let served = served(OWN, &[]);
    let (seven, admin) =
        (view_of(&served, json!({"customer": 7})), view_of(&served, json!({"role": "admin"})));
    let by_key = || Some(RowText { json: r#"{"id":1}"#.to_owned(), key_only: true });
    let update = |view, old, new| told(&served, view, &change(Op::Update, old, new));
    let left = "removed leave: id=1 customer=7 status=\"a\" margin=1";
    assert_eq!(update(&seven, row(1, 7, "a", 1), by_key()), [left]);
    assert!(update(&seven, by_key(), by_key()).is_empty());
    assert!(update(&admin, row(1, 7, "a", 1), by_key())[0].starts_with("patched: too large"));
    let key_alone = served_by_key();
    let view = view_of(&key_alone, json!({"id": 1}));
    assert_eq!(
        told(&key_alone, &view, &change(Op::Insert, None, by_key())),
        ["created: too large"]
    );
}

fn served_by_key() -> Served {
    served("id = auth.id", &[])
}

#[test]
fn a_truncation_is_told_to_whom_there_could_be_rows() {
    let served = served("customer = auth.customer", &[]);
    let nobody = view_of(&served, json!({}));
    let truncate = change(Op::Truncate, None, None);
    assert!(told(&served, &nobody, &truncate).is_empty());
    assert_eq!(told(&served, &view_of(&served, json!({"customer": 7})), &truncate), ["truncated"]);
    assert!(told(&served, &nobody, &change(Op::Insert, None, row(1, 7, "a", 1))).is_empty());
}

#[test]
fn a_filter_narrows_the_policy_and_nothing_widens_it() {
    let served = served(OWN, &[]);
    let filtered = |filter| {
        served.view(&request(None, Some(filter)), &claims(json!({"customer": 7}))).unwrap()
    };
    let insert = |view: &View, new| told(&served, view, &change(Op::Insert, None, new)).len();
    let open = filtered("status = 'open' or true");
    assert_eq!((insert(&open, row(1, 7, "x", 1)), insert(&open, row(1, 8, "open", 1))), (1, 0));
    let open = filtered("status = 'open'");
    assert_eq!((insert(&open, row(1, 7, "x", 1)), insert(&open, row(1, 7, "open", 1))), (0, 1));
}
