//! What may be asked for, and what isn't there.

use super::*;
use crate::predicate::Fault;

const OWN: &str = "customer = auth.customer or auth.role = 'admin'";
const MASKS: [(&str, &str); 2] = [
    ("margin", "auth.role = 'admin'"),
    ("status", "customer = auth.customer or auth.role = 'admin'"),
];

fn names(view: &View) -> Vec<&str> {
    view.columns().map(|(_, name)| name).collect()
}

#[test]
fn columns_are_there_for_whom_they_can_be() {
    let served = served(OWN, &MASKS);
    let whole = |who| served.view(&Request::whole("orders"), &claims(who)).unwrap();
    assert_eq!(names(&whole(json!({"role": "admin"}))), ["id", "customer", "status", "margin"]);
    assert_eq!(names(&whole(json!({"customer": 7}))), ["id", "customer", "status"]);
    assert_eq!(names(&whole(json!({}))), ["id", "customer"]);
}

#[test]
fn what_is_hidden_looks_like_what_does_not_exist() {
    let served = served(OWN, &MASKS);
    let customer = claims(json!({"customer": 7}));
    let error = |request| served.view(&request, &customer).unwrap_err();
    for name in ["margin", "secret", "nothing", "ID", ""] {
        assert_eq!(error(request(Some(&[name]), None)), Unknown::Column(name.to_owned()));
    }
    let fault = |name: &str| match error(request(None, Some(&format!("{name} is null")))) {
        Unknown::Filter(fault) => {
            let Fault { position, reason, instead } = fault;
            (position, reason.replace(name, "…"), instead)
        }
        other => panic!("{other:?}"),
    };
    for name in ["margin", "secret", "status"] {
        assert_eq!(fault(name), fault("nothing"), "{name}");
    }
    let masked = served.view(&request(Some(&["status"]), None), &customer).unwrap();
    assert_eq!(names(&masked), ["id", "status"], "a masked column may be asked for");
    let admin = claims(json!({"role": "admin"}));
    assert!(served.view(&request(Some(&["id"]), Some("margin is null")), &admin).is_ok());
}

#[test]
fn a_table_is_there_for_whom_it_can_be() {
    let served = served("auth.role = 'admin' or customer = 1 and auth.staff = true", &[]);
    let view = |who| served.view(&Request::whole("orders"), &claims(who));
    let listed = |who| served.tables_for(&claims(who)).count();
    for (who, is_there) in [
        (json!({}), false),
        (json!({"role": "clerk"}), false),
        (json!({"staff": false}), false),
        (json!({"staff": true}), true),
        (json!({"role": "admin"}), true),
    ] {
        let found = view(who.clone());
        assert_eq!(found.is_ok(), is_there, "{who}");
        assert_eq!(listed(who), usize::from(is_there));
        let Err(error) = found else { continue };
        assert_eq!(error, Unknown::Table("orders".to_owned()));
    }
}

#[test]
fn a_table_whose_rows_can_not_be_seen_is_empty_and_there() {
    let served = served("customer = auth.customer", &[]);
    let view = served.view(&Request::whole("orders"), &Claims::default()).unwrap();
    assert_eq!(view.rows().constant(), Some(false));
    assert_eq!(served.tables_for(&Claims::default()).count(), 1);
}

#[test]
fn a_listing_has_the_columns_of_the_identity() {
    let served = served(OWN, &MASKS);
    let listed = |who| {
        let listed: Vec<_> = served.tables_for(&claims(who)).collect();
        listed[0].columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed(json!({"customer": 7})), ["id", "customer", "status"]);
    assert_eq!(listed(json!({"role": "admin"})), ["id", "customer", "status", "margin"]);
}

#[test]
fn equal_bound_policies_are_one_view() {
    let served = served(OWN, &MASKS);
    let view = |request: &Request, who| served.view(request, &claims(who)).unwrap();
    let whole = Request::whole("orders");
    let admins = [json!({"role": "admin", "sub": 1}), json!({"role": "admin", "sub": 2})];
    let [one, other] = admins.map(|who| view(&whole, who));
    assert_eq!(one, other);
    let [seven, eight] = [7, 8].map(|id| view(&whole, json!({"customer": id})));
    assert_ne!(seven, eight);
    assert_ne!(one, seven);
    assert_eq!(seven, view(&whole, json!({"customer": 7, "sub": 3})));
    assert_ne!(seven, view(&request(Some(&["status"]), None), json!({"customer": 7})));
    assert_ne!(seven, view(&request(None, Some("customer > 0")), json!({"customer": 7})));
    assert_ne!(seven, view(&Request::whole("public.orders"), json!({"customer": 7})));
}

#[test]
fn views_that_differ_in_a_mask_alone_are_two() {
    let served = served("true", &[("margin", "customer = auth.customer")]);
    let view =
        |id| served.view(&Request::whole("orders"), &claims(json!({"customer": id}))).unwrap();
    assert_ne!(view(7), view(8));
    assert_eq!(view(7), view(7));
}

#[test]
fn a_key_is_always_visible() {
    let served = served("true", &[("id", "false")]);
    let view = served.view(&Request::whole("orders"), &Claims::default()).unwrap();
    assert_eq!(names(&view)[0], "id");
}
