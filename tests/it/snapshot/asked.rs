//! What can be asked for, and how the answer looks.

use futures_util::future::join_all;
use rowcast::changelog::Replays;
use rowcast::database::Database;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::fixture::{Answer, Shop, rows_path};
use crate::support::connect;

const SQL: &str = r#"
    create table orders (id int primary key, "a,b" text, at timestamptz, price numeric, doc json, place point);
    insert into orders
    select n, case when n % 4 > 0 then chr(97 + n % 3) end, case when n % 5 > 0 then timestamptz '2026-01-01' + n % 7 * interval '1 day' end,
           n % 6 / 4.0, '{}', '(1,2)'
      from generate_series(1, 60) as n;
    create table empty (id int primary key);
    create table parted (id int, part int, primary key (id, part)) partition by list (part);
    create table part_1 (part int not null, id int not null);
    alter table parted attach partition part_1 for values in (1);
    create table part_2 partition of parted for values in (2);
    insert into parted values (1, 1), (2, 2);
    create table parent (id int primary key, name text);
    create table child (extra text) inherits (parent);
    insert into parent values (1, 'parent'); insert into child values (2, 'child', 'more')"#;

const TABLES: &str = "
[[table]]\nname = 'orders'\nrows = 'true'
[[table]]\nname = 'empty'\nrows = 'true'
[[table]]\nname = 'parted'\nrows = 'true'
[[table]]\nname = 'parent'\nrows = 'true'\nkey = ['id']
";

async fn shop() -> Shop {
    Shop::open(SQL, TABLES).await
}

#[tokio::test]
async fn the_order_is_that_of_sql_with_ties_and_nulls() {
    let shop = shop().await;
    for (order, sql) in [
        ("price.desc,id", "price desc, id"),
        ("at,id.desc", "at, id desc"),
        ("at.desc,id", "at desc, id"),
        ("at.nullsfirst,id", "at nulls first, id"),
        (r#""a,b".desc.nullslast,at.asc,id.asc"#, r#""a,b" desc nulls last, at asc, id"#),
    ] {
        for limit in ["7", "60", "1000"] {
            let answer = shop.rows("orders", &[("order", order), ("limit", limit)]).await;
            let ids: Vec<_> = answer.column("id").iter().map(|id| Some(id.to_string())).collect();
            let expected = shop
                .asked(&format!(
                    "select id::text as shown from orders order by {sql} limit {limit}"
                ))
                .await;
            assert_eq!(ids, expected, "{order}");
        }
    }
}

#[tokio::test]
async fn what_has_no_order_and_what_is_no_parameter_is_refused() {
    let shop = shop().await;
    for (name, value, code, named) in [
        ("order", "doc", "invalid_request", "json"),
        ("order", "place.desc", "invalid_request", "ordered by"),
        ("order", "", "unknown_column", "\"\""),
        ("order", "id,,id", "unknown_column", "\"\""),
        ("order", "\"id", "invalid_request", "quote"),
        ("limit", "-1", "invalid_request", "\"limit\""),
        ("cursor", "x", "invalid_request", "\"cursor\" is not a parameter"),
        ("wait", "1", "invalid_request", "\"wait\" is not a parameter"),
        ("coalesce", "1", "invalid_request", "\"coalesce\" is not a parameter"),
        ("old", "true", "invalid_request", "\"old\" is not a parameter"),
        ("snapshot", "true", "invalid_request", "\"snapshot\" is not a parameter"),
    ] {
        let answer = shop.rows("orders", &[(name, value)]).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{name}={value}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn an_answer_is_an_object_or_lines_and_both_have_the_cursor() {
    let shop = shop().await;
    for (table, count) in [("orders", 60), ("empty", 0)] {
        let json = shop.rows(table, &[]).await;
        assert_eq!(json.headers["content-type"], "application/json");
        assert_eq!(json.headers["rowcast-cursor"], json.json()["cursor"].as_str().unwrap());
        assert_eq!(json.rows().len(), count);
        let request = shop.http.get(shop.url(&rows_path(table, &[])));
        let lines = shop.send(request.header("accept", "text/x, application/x-ndjson;q=0.9")).await;
        assert_eq!(lines.headers["content-type"], "application/x-ndjson");
        assert!(lines.headers.contains_key("rowcast-cursor"));
        let rows: Vec<Value> =
            lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows, json.rows());
        assert!(lines.text.is_empty() || lines.text.ends_with("}\n"));
        let head = shop.send(shop.http.head(shop.url(&rows_path(table, &[])))).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        assert!(head.headers.contains_key("rowcast-cursor"));
        assert_eq!(head.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn partitions_and_children_are_read_with_their_root() {
    let shop = shop().await;
    let parted = shop.rows("parted", &[("order", "id")]).await;
    assert_eq!(parted.rows(), [json!({"id": 1, "part": 1}), json!({"id": 2, "part": 2})]);
    let parent = shop.rows("parent", &[("order", "id")]).await;
    assert_eq!(
        parent.rows(),
        [json!({"id": 1, "name": "parent"}), json!({"id": 2, "name": "child"})]
    );
}

/// What was committed before the snapshot is in the rows, what comes after it follows its cursor.
#[tokio::test]
async fn changes_follow_the_cursor() {
    let shop = shop().await;
    shop.client.batch_execute("insert into empty values (1)").await.unwrap();
    let mut running = connect(&shop.database).await;
    let running = running.transaction().await.unwrap();
    running.batch_execute("insert into empty values (2)").await.unwrap();
    shop.client.batch_execute("insert into empty values (3)").await.unwrap();
    let answer = shop.rows("empty", &[("order", "id")]).await;
    assert_eq!(answer.column("id"), [json!(1), json!(3)]);
    running.commit().await.unwrap();
    assert_eq!(after(&shop, &answer).await, [json!(2)]);
}

/// Each row is among the rows, or follows their cursor, but never both.
#[tokio::test]
async fn rows_and_what_follows_their_cursor_make_the_table() {
    let shop = shop().await;
    let stop = CancellationToken::new();
    let writers = (0..3).map(async |writer| {
        let client = connect(&shop.database).await;
        for n in (0..).take_while(|_| !stop.is_cancelled()) {
            let (one, other) = (n * 10 + writer, n * 10 + writer + 5);
            let insert = format!("insert into empty values ({one}), ({other})");
            client.batch_execute(&insert).await.unwrap();
        }
    });
    let reader = async {
        let mut answers = Vec::new();
        for _ in 0..40 {
            answers.push(shop.rows("empty", &[]).await);
        }
        stop.cancel();
        answers
    };
    let (_, answers) = tokio::join!(join_all(writers), reader);
    let sorted = |mut ids: Vec<Value>| {
        ids.sort_by_key(Value::as_i64);
        ids
    };
    let whole = sorted(shop.rows("empty", &[]).await.column("id"));
    for answer in answers {
        let (mut ids, more) = (answer.column("id"), after(&shop, &answer).await);
        assert!(!more.is_empty() || ids.len() == whole.len());
        ids.extend(more);
        assert_eq!(sorted(ids), whole);
    }
}

/// The ids of what was inserted after the answer's cursor.
async fn after(shop: &Shop, answer: &Answer) -> Vec<Value> {
    let cursor = answer.headers["rowcast-cursor"].to_str().unwrap().parse().unwrap();
    let database = Database::resolve(Some(&shop.database), &|_| None).unwrap();
    let mut replay = Replays::new(database).after(&cursor).await.unwrap();
    let mut ids = Vec::new();
    while let Some(changes) = replay.next().await.unwrap() {
        for change in changes {
            let row: Value = serde_json::from_str(&change.new.unwrap().json).unwrap();
            ids.push(row["id"].clone());
        }
    }
    ids
}
