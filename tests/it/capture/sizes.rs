//! Rows of any size: no error in the writer's transaction, and past the limit the key alone.

use super::fixture::Db;

/// Sizes of the JSON text of each new row, and whether it was cut.
async fn sizes(db: &Db) -> Vec<(usize, bool)> {
    let logged = db.logged().await;
    logged.iter().map(|row| (row.new.as_ref().map_or(0, String::len), row.cut.is_some())).collect()
}

const T: &str =
    "create table t (id int primary key, v text); alter table t alter v set storage external";

#[tokio::test]
async fn up_to_sixteen_mebibytes_of_json_are_logged_and_more_is_cut_to_the_key() {
    let db = Db::watching(T, &["t"]).await;
    let around = [8_192, 65_536, 262_144, 16_777_216_i32];
    for size in around.iter().flat_map(|at| [at - 64, at - 1, *at, at + 64]) {
        db.run(&format!("insert into t values ({size}, repeat('x', {size}))")).await;
    }
    for (size, cut) in sizes(&db).await {
        assert!(if cut { size < 20 } else { size <= 16_777_212 }, "{size} {cut}");
    }
    let cut: Vec<bool> = sizes(&db).await.into_iter().map(|(_, cut)| cut).collect();
    assert_eq!(cut.iter().filter(|cut| **cut).count(), 3, "{cut:?}");
    assert_eq!(cut[13..], [true, true, true]);
}

#[tokio::test]
async fn old_and_new_row_are_cut_each_for_itself() {
    let db = Db::watching(T, &["t"]).await;
    db.run("insert into t values (1, 'a'); update t set v = repeat('x', 67108864)").await;
    db.run("update t set id = 2; update t set v = 'b'; delete from t").await;
    assert_eq!(
        db.log().await[1..],
        [
            r#"~ {"id":1,"v":"a"} -> {"id":1} (cut 2)"#,
            r#"~ {"id":1} -> {"id":2} (cut 3)"#,
            r#"~ {"id":2} -> {"id":2,"v":"b"} (cut 1)"#,
            r#"- {"id":2,"v":"b"}"#,
        ]
    );
}

#[tokio::test]
async fn values_that_json_would_write_beyond_a_gibibyte_are_cut() {
    let db = Db::watching(T, &["t"]).await;
    db.run("alter table t alter v set storage main").await;
    db.run("insert into t values (1, repeat(e'\\x01', 200000000))").await;
    db.run("insert into t values (2, repeat(e'\\x01', 3000000))").await;
    assert_eq!(db.log().await, [r#"+ {"id":1} (cut 2)"#, r#"+ {"id":2} (cut 2)"#]);
}

#[tokio::test]
async fn few_bytes_that_stand_for_gibibytes_of_json_are_cut() {
    let db = Db::watching("create table t (id int primary key, v numeric[])", &["t"]).await;
    db.run("insert into t values (1, array_fill(1e131071, array[9000]))").await;
    db.run("insert into t values (2, array_fill(1e131071, array[200])), (3, array[1e131071])")
        .await;
    let sizes = sizes(&db).await;
    assert_eq!(sizes[0], (8, true));
    assert_eq!(sizes[1], (8, true));
    assert!(sizes[2].0 > 131_000 && !sizes[2].1);
}

#[tokio::test]
async fn a_key_too_large_to_be_logged_leaves_nothing_of_the_row() {
    let db = Db::with("create table t (k text, v text)").await;
    db.watch("t", Some(&["k"])).await;
    db.run("insert into t values (repeat('x', 17000000), 'a')").await;
    db.run("insert into t values (repeat('y', 60000), repeat('x', 17000000))").await;
    let logged = db.logged().await;
    assert_eq!((logged[0].cut, &logged[0].new), (Some(2), &None));
    assert_eq!(logged[1].new.as_ref().unwrap().len(), 60_008);
}

#[tokio::test]
async fn a_large_row_without_a_key_is_logged_as_empty() {
    let db = Db::with("create table t (v text)").await;
    db.watch("t", Some(&[])).await;
    db.run("insert into t values (repeat('x', 17000000)); delete from t").await;
    assert_eq!(db.log().await, ["+ {} (cut 2)", "- {} (cut 1)"]);
}

#[tokio::test]
async fn many_large_rows_fit_into_one_transaction() {
    let db = Db::watching(T, &["t"]).await;
    db.run("insert into t select n, repeat('x', 300000) from generate_series(1, 200) as n").await;
    db.run("update t set v = v || 'y'").await;
    assert_eq!(db.value("select count(*) from rowcast.log_0 where cut is null").await, "400");
}

/// A row of 2 GiB takes too long here: PostgreSQL gives its size as less than nothing, which the quick way must not take for small.
#[tokio::test]
async fn only_small_rows_take_the_quick_way() {
    let db = Db::with("").await;
    let source = db.value("pg_get_functiondef('rowcast.capture()'::regprocedure)").await;
    let (_, condition) = source.split_once("if (coalesce(").unwrap();
    let (condition, _) = condition.split_once("\n    and").unwrap();
    for (old, new, is_small) in [
        ("null", "255", "true"),
        ("100", "null", "true"),
        ("-5", "100", "false"),
        ("null", "-5", "false"),
        ("null", "256", "false"),
        ("300", "20", "false"),
    ] {
        let condition = format!("(coalesce({condition}")
            .replace("pg_catalog.pg_column_size(old)", &format!("{old}::int"))
            .replace("pg_catalog.pg_column_size(new)", &format!("{new}::int"));
        assert_eq!(db.value(&condition).await, is_small, "{old}, {new}");
    }
}
