//! `rowcast explain`: what somebody would get of a row, and why.

use serde_json::{Value, json};

use crate::support;
use crate::support::program::Place;

/// Orders of two customers, with a column that only an administrator sees.
async fn shop() -> Place {
    let url = support::fresh_database().await;
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create table orders (id int primary key, customer_id bigint, status text, margin numeric, note text);
             insert into orders values (42, 7, 'open', 1.50, 'x'), (43, 8, 'paid', 2.0, 'y')",
        )
        .await
        .unwrap();
    Place::with(&format!(
        "[database]\nurl = {url:?}\n[auth]\nanonymous = true\n[[table]]\nname = \"orders\"\n\
         rows = \"customer_id = auth.sub or auth.role = 'admin'\"\nhide = [\"note\"]\n\
         [table.columns]\nmargin = \"auth.role = 'admin'\"\n"
    ))
}

async fn explained(place: &Place, arguments: &[&str]) -> String {
    let all = [&["explain", "orders"], arguments].concat();
    place.run(&all).await.well()
}

async fn as_json(place: &Place, arguments: &[&str]) -> Value {
    let all = [arguments, &["--json"]].concat();
    serde_json::from_str(&explained(place, &all).await).unwrap()
}

#[tokio::test]
async fn each_part_is_shown_with_its_value() {
    let place = shop().await;
    let said = explained(&place, &["--key", "id=42", "--claim", "sub=7"]).await;
    assert_eq!(
        said,
        "orders for {\"sub\":7}\n\
         \n\
         rows\n\
         \x20 true        customer_id = auth.sub or auth.role = 'admin'\n\
         \x20   true        customer_id = auth.sub  (customer_id is 7, auth.sub is 7)\n\
         \x20   null        auth.role = 'admin'  (auth.role is missing)\n\
         \n\
         column margin\n\
         \x20 null        auth.role = 'admin'  (auth.role is missing)\n\
         \n\
         visible: {\"id\":42,\"customer_id\":7,\"status\":\"open\"}\n"
    );
}

#[tokio::test]
async fn what_is_invisible_is_told_with_its_reason() {
    let place = shop().await;
    let other = explained(&place, &["--key", "id=42", "--claim", "sub=8"]).await;
    assert!(other.contains("    false       customer_id = auth.sub"), "{other}");
    assert!(other.ends_with("invisible: `rows` is null\n"), "{other}");
    let broken = explained(&place, &["--key", "id=42", "--claim", "sub=seven"]).await;
    assert!(broken.contains("    undecidable customer_id = auth.sub"), "{broken}");
    let filter =
        ["--key", "id=42", "--claim", "sub=7", "--where", "status = $1", "--param", "paid"];
    let filtered = explained(&place, &filter).await;
    assert!(filtered.contains("\nfilter\n  false       status = $1  (status is \"open\")\n"));
    assert!(filtered.ends_with("invisible: the filter is false\n"), "{filtered}");
}

#[tokio::test]
async fn an_administrator_sees_the_margin_with_all_its_digits() {
    let place = shop().await;
    let all = ["--key", "id=42", "--key", "status=open", "--claim", "role=admin"];
    let said = explained(&place, &all).await;
    let row = r#"{"id":42,"customer_id":7,"status":"open","margin":1.50}"#;
    assert!(said.ends_with(&format!("visible: {row}\n")), "{said}");
    let judged = as_json(&place, &[&all[..], &["--columns", "margin"]].concat()).await;
    assert_eq!(judged["data"], json!({"id": 42, "margin": 1.5}));
    assert_eq!(judged["visible"], true);
    assert_eq!(judged["columns"]["margin"]["value"], "true");
    assert_eq!(judged["rows"]["parts"][0]["read"], json!({"customer_id": 7, "auth.sub": null}));
}

#[tokio::test]
async fn a_request_that_the_daemon_would_refuse_is_refused() {
    let place = shop().await;
    for (arguments, code, words) in [
        (&["orders", "--key", "id=44"][..], 1, "has no row with id=44"),
        (&["ordres", "--key", "id=42"], 2, "did you mean `orders`?"),
        (&["orders", "--key", "id"], 2, "write NAME=VALUE"),
        (&["orders", "--key", "no=1"], 2, "no column `no`"),
        (&["orders", "--key", "id=x"], 2, "invalid input syntax"),
        (&["orders", "--key", "id=42", "--claim", "sub"], 2, "is no claim"),
        (&["orders"], 2, "--key"),
        (
            &["orders", "--key", "id=42", "--claim", "sub=7", "--where", "margin > 1"],
            1,
            "character 1",
        ),
        (&["orders", "--key", "id=42", "--claim", "sub=7", "--columns", "note"], 1, "note"),
    ] {
        let ended = place.run(&[&["explain"], arguments].concat()).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_role_that_may_not_read_the_table_is_told_what_it_lacks() {
    let place = shop().await;
    place.run(&["install"]).await.well();
    let url = place.url();
    let admin = support::connect(&url).await;
    let name: String =
        admin.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let role = format!("reader_{name}");
    admin
        .batch_execute(&format!("create role {role}; alter database {name} set role {role}"))
        .await
        .unwrap();
    let ended = place.run(&["explain", "orders", "--key", "id=42"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("grant select on \"public\".\"orders\""), "{}", ended.stderr);
}
