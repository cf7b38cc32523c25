//! Tables that are altered while they are served.

use super::*;

fn view(served: &Served) -> Result<View, Unknown> {
    served.view(&Request::whole("orders"), &Claims::default())
}

fn shown(served: &Served) -> Vec<String> {
    view(served).unwrap().columns().map(|(_, name)| name.to_owned()).collect()
}

fn altered(columns: &[(i16, &str, &str)]) -> Served {
    served("true", &[]).rebind(&catalog(columns, &["id"]))
}

#[test]
fn a_column_that_came_later_does_not_exist() {
    let mut columns = COLUMNS.to_vec();
    columns.push((6, "added", "text"));
    let before = served("true", &[]);
    let after = before.rebind(&catalog(&columns, &["id"]));
    assert_eq!(view(&after), view(&before), "nothing has happened");
    columns[2] = (7, "status", "text");
    assert_eq!(shown(&altered(&columns)), ["id", "customer", "margin"], "nor under an old name");
}

#[test]
fn a_renamed_column_goes_by_its_new_name() {
    let mut columns = COLUMNS;
    columns[2].1 = "state";
    let after = altered(&columns);
    assert_eq!(shown(&after), ["id", "customer", "state", "margin"]);
    assert!(!view(&after).unwrap().looks_like(&view(&served("true", &[])).unwrap()));
}

#[test]
fn names_that_change_places_hide_and_show_the_same_columns() {
    let mut columns = COLUMNS;
    (columns[4].1, columns[2].1) = (columns[2].1, columns[4].1);
    let after = altered(&columns);
    assert_eq!(view(&after).unwrap_err(), Unknown::Altered("orders".to_owned()));
    assert_eq!(after.tables().count(), 0);
    assert_eq!(after.altered().map(|(name, _)| name).collect::<Vec<_>>(), ["orders"]);
}

#[test]
fn what_the_configuration_speaks_of_must_be_there() {
    let (names, number) = (["customer", "margin", "secret"], [1, 3, 4]);
    let policy = served("customer > 0", &[("margin", "false")]);
    for (name, at) in names.into_iter().zip(number) {
        let mut columns = COLUMNS;
        columns[at].1 = "renamed";
        let after = policy.rebind(&catalog(&columns, &["id"]));
        assert_eq!(view(&after).unwrap_err(), Unknown::Altered("orders".to_owned()), "{name}");
        let mended = after.rebind(&catalog(&COLUMNS, &["id"]));
        assert_eq!(view(&mended), view(&policy), "{name}");
        columns[at].1 = name;
        columns[at].0 = 9;
        let again = policy.rebind(&catalog(&columns, &["id"]));
        assert!(view(&again).is_err(), "another column has the name {name}");
    }
}

#[test]
fn a_type_that_a_rule_does_not_fit_ends_the_table() {
    let policy = served("margin > 5", &[]);
    let mut columns = COLUMNS;
    columns[3].2 = "point";
    assert!(view(&policy.rebind(&catalog(&columns, &["id"]))).is_err());
    columns[3].2 = "bigint";
    assert!(view(&policy.rebind(&catalog(&columns, &["id"]))).is_ok());
}

#[test]
fn a_table_that_is_gone_is_known_to_those_alone_who_knew_it() {
    let policy = served("auth.role = 'admin'", &[]);
    let after = policy.rebind(&Catalog::default());
    let ask = |who| after.view(&Request::whole("orders"), &claims(who)).unwrap_err();
    assert_eq!(ask(json!({"role": "admin"})), Unknown::Altered("orders".to_owned()));
    assert_eq!(ask(json!({})), Unknown::Table("orders".to_owned()));
}

#[test]
fn a_key_that_was_hidden_is_not_shown() {
    let after = served("true", &[]).rebind(&catalog(&COLUMNS, &["status"]));
    assert_eq!(view(&after).unwrap().key_names().collect::<Vec<_>>(), ["status"]);
    let narrow = TableSettings {
        columns: Some(strings(&["id", "customer"])),
        hide: Vec::new(),
        ..settings("true", &[])
    };
    let before = Served::bind(&catalog(&COLUMNS, &["id"]), &[narrow], 1 << 20).unwrap();
    let after = before.rebind(&catalog(&COLUMNS, &["status"]));
    assert!(view(&after).is_err(), "it was not among the visible columns");
}

#[test]
fn a_view_looks_the_same_if_other_columns_changed() {
    let before = served("true", &[]);
    let look = |columns: &[(i16, &str, &str)], asked: &[&str]| {
        let after = before.rebind(&catalog(columns, &["id"]));
        let ask =
            |served: &Served| served.view(&request(Some(asked), None), &Claims::default()).unwrap();
        assert_ne!(ask(&after), ask(&before));
        ask(&after).looks_like(&ask(&before))
    };
    let mut columns = COLUMNS;
    columns[2].1 = "state";
    assert!(look(&columns, &["customer"]));
    columns = COLUMNS;
    columns[3].2 = "numeric";
    assert!(look(&columns, &["customer"]));
    assert!(!look(&columns, &["margin"]));
    let mut fewer = COLUMNS.to_vec();
    fewer.remove(2);
    assert!(look(&fewer, &["customer"]), "positions have changed");
    columns = COLUMNS;
    columns[0].2 = "integer";
    assert!(!look(&columns, &["customer"]), "the key is always seen");
}

#[test]
fn another_type_of_a_column_that_decides_is_no_small_change() {
    let before = served("margin > 5", &[]);
    let mut columns = COLUMNS;
    columns[3].2 = "bigint";
    let after = before.rebind(&catalog(&columns, &["id"]));
    let ask = |served: &Served| {
        served.view(&request(Some(&["customer"]), None), &Claims::default()).unwrap()
    };
    assert!(!ask(&after).looks_like(&ask(&before)));
}

#[test]
fn what_is_served_to_whom_has_a_number() {
    let before = served("true", &[]);
    let mut columns = COLUMNS.to_vec();
    columns.push((6, "added", "text"));
    assert_eq!(altered(&columns).sight(), before.sight(), "what isn't served makes no difference");
    columns[2].1 = "state";
    assert_ne!(altered(&columns).sight(), before.sight(), "another name");
    for other in [served("customer = auth.sub", &[]), served("true", &[("margin", "false")])] {
        assert_ne!(other.sight(), before.sight(), "another policy");
    }
}
