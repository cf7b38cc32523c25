//! Policies, masks and filters.

use serde_json::{Value, json};

use super::fixture::{Shop, ids};

const SQL: &str = r#"
    create type mood as enum ('sad', 'fine');
    create table orders (id bigint primary key, customer bigint, status text, margin int, doc jsonb, raw json, m mood, secret text);
    insert into orders
    select n, n % 3, case when n % 2 = 0 then 'open' else 'closed' end, n * 10, jsonb_build_object('n', n), json_build_object('n', n),
           case when n % 4 = 0 then 'sad' else 'fine' end::mood, 'hidden ' || n
      from generate_series(1, 12) as n;
    insert into orders (id) values (13);
    create table nobodys (id int primary key)"#;

const TABLES: &str = r#"
[[table]]
name = "orders"
rows = "customer = auth.customer::bigint or auth.role = 'admin'"
hide = ["secret"]
[table.columns]
margin = "auth.role = 'admin' or status = 'open'"
[[table]]
name = "nobodys"
rows = "false"
"#;

async fn shop() -> Shop {
    Shop::open(SQL, TABLES).await
}

fn customer(number: i64) -> Value {
    json!({"customer": number})
}

#[tokio::test]
async fn everybody_gets_what_is_theirs() {
    let shop = shop().await;
    let theirs = shop.rows_as(customer(1), "orders", &[("order", "id")]).await;
    assert_eq!(theirs.column("id"), ids([1, 4, 7, 10]));
    let all = shop.rows_as(json!({"role": "admin"}), "orders", &[]).await;
    assert_eq!(all.rows().len(), 13);
    for answer in [&theirs, &all] {
        assert!(!answer.text.contains("secret") && !answer.text.contains("hidden"));
    }
    let anonymous = shop.rows("orders", &[]).await;
    assert_eq!(
        (anonymous.rows(), anonymous.headers.contains_key("rowcast-cursor")),
        (vec![], true)
    );
}

#[tokio::test]
async fn a_masked_column_is_in_the_rows_in_which_it_may_be_seen() {
    let shop = shop().await;
    let rows = shop.rows_as(customer(1), "orders", &[("order", "id")]).await.rows();
    let margins: Vec<_> = rows.iter().map(|row| row.get("margin").cloned()).collect();
    assert_eq!(margins, [None, Some(json!(40)), None, Some(json!(100))]);
    let narrow =
        shop.rows_as(customer(1), "orders", &[("columns", "margin"), ("order", "id")]).await;
    assert_eq!(
        narrow.rows(),
        [
            json!({"id": 1}),
            json!({"id": 4, "margin": 40}),
            json!({"id": 7}),
            json!({"id": 10, "margin": 100})
        ]
    );
}

#[tokio::test]
async fn filters_are_applied_with_their_parameters() {
    let shop = shop().await;
    let admin = || json!({"role": "admin"});
    for (filter, params, expected) in [
        ("status = $1 and id > $2", r#"["open", 6]"#, vec![8, 10, 12]),
        ("m = 'sad'", "[]", vec![4, 8, 12]),
        ("doc ->> 'n' = $1", r#"["5"]"#, vec![5]),
        ("(doc -> 'n')::text in ('5', '6') and id <> 6", "[]", vec![5]),
        ("status is null", "[]", vec![13]),
        ("id = any (array[3, 4])", "[]", vec![3, 4]),
        ("status like 'o%' and not (id < 9)", "[]", vec![10, 12]),
        ("id < 0", "[]", vec![]),
    ] {
        let query = [("where", filter), ("params", params), ("order", "id")];
        let answer = shop.rows_as(admin(), "orders", &query).await;
        assert_eq!(answer.column("id"), ids(expected), "{filter}");
    }
}

/// In all of them the limit is of what is seen, whether PostgreSQL can tell that or not.
#[tokio::test]
async fn a_limit_counts_what_is_seen() {
    let shop = shop().await;
    for filter in ["status = 'open'", "status = 'open' and raw ->> 'n' <> '12'"] {
        let query = [("where", filter), ("order", "id.desc"), ("limit", "2")];
        let expected = if filter.contains("raw") { [10, 8] } else { [12, 10] };
        let answer = shop.rows_as(json!({"role": "admin"}), "orders", &query).await;
        assert_eq!(answer.column("id"), ids(expected), "{filter}");
    }
    let none = shop.rows_as(customer(1), "orders", &[("limit", "0")]).await;
    assert_eq!((none.rows().len(), none.headers.contains_key("rowcast-cursor")), (0, true));
}

#[tokio::test]
async fn what_is_not_for_the_asker_looks_like_what_does_not_exist() {
    let shop = shop().await;
    for (table, query, status, code) in [
        ("nobodys", ("limit", "1"), 404, "unknown_table"),
        ("nothing", ("limit", "1"), 404, "unknown_table"),
        ("orders", ("columns", "secret"), 400, "unknown_column"),
        ("orders", ("order", "secret"), 400, "unknown_column"),
        ("orders", ("order", "margin"), 400, "unknown_column"),
        ("orders", ("order", "nothing.desc"), 400, "unknown_column"),
        ("orders", ("where", "margin > 1"), 400, "invalid_filter"),
    ] {
        let answer = shop.rows_as(customer(1), table, &[query]).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{table} {query:?}");
    }
    let admins =
        shop.rows_as(json!({"role": "admin"}), "orders", &[("order", "margin.desc")]).await;
    assert_eq!(admins.rows().len(), 13);
}
