//! Tables and columns with any name, and of any number of columns.

use rowcast::catalog;

use super::fixture::{Db, listed};

/// Names that a careless quotation would break.
fn odd_names() -> Vec<String> {
    let odd = [
        "select",
        "Grün ☃",
        "a.b",
        "q\"uo\"te",
        "it's",
        "back\\slash",
        "100%s %I %1$s",
        "$1",
        "k",
        "t",
        "new",
        "old",
        " ",
    ];
    let long = ["x".repeat(63), "ü".repeat(31)];
    odd.into_iter().map(str::to_owned).chain(long).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[tokio::test]
async fn every_name_is_quoted_wherever_it_is_used() {
    for name in odd_names() {
        let q = quoted(&name);
        let db = Db::with(&format!(
            "create schema if not exists {q}; create table {q}.{q} ({q} int primary key, \"the rest\" text);
             create table {q}.child () inherits ({q}.{q})"
        ))
        .await;
        db.run(&format!(
            "select rowcast.watch('{}', array['{}'])",
            format!("{q}.{q}").replace('\'', "''"),
            name.replace('\'', "''")
        ))
        .await;
        db.run(&format!("insert into {q}.{q} values (1, 'a'), (2, repeat('x', 17000000)); update {q}.{q} set \"the rest\" = 'b' where {q} = 1")).await;
        let json = serde_json::to_string(&name).unwrap();
        let log = db.log().await;
        assert_eq!(log[1], format!("+ {{{json}:2}} (cut 2)"), "{name}");
        assert_eq!(
            log[2],
            format!("~ {{{json}:1,\"the rest\":\"a\"}} -> {{{json}:1,\"the rest\":\"b\"}}")
        );
        db.run("select rowcast.unwatch(id) from rowcast.watched").await;
        assert_eq!(
            db.value("select count(*) from pg_trigger where tgname like '!rowcast%'").await,
            "0"
        );
    }
}

#[tokio::test]
async fn a_table_that_is_renamed_or_moved_goes_on() {
    let db = Db::watching("create table t (id int primary key); create schema s", &["t"]).await;
    db.run("alter table t rename to u; alter table u set schema s; insert into s.u values (1)")
        .await;
    assert_eq!(db.log_by_table().await, [r#"s.u + {"id":1}"#]);
}

#[tokio::test]
async fn sixteen_hundred_columns_are_logged() {
    let columns: Vec<String> = (1..1600).map(|n| format!("c{n} int default {n}")).collect();
    let db = Db::watching(
        &format!("create table t (id int primary key, {})", columns.join(", ")),
        &["t"],
    )
    .await;
    db.run("insert into t (id) values (1); update t set c1599 = null").await;
    db.assert_applied("public.t", &["id"]).await;
    assert!(db.log().await[1].contains(r#""c1598":1598,"c1599":null}"#));
}

#[tokio::test]
async fn columns_that_come_and_go_are_followed() {
    let db = Db::watching(
        "create table t (id int generated always as identity primary key, gone int, v int,
                         twice int generated always as (v * 2) stored)",
        &["t"],
    )
    .await;
    db.run("insert into t (gone, v) values (1, 2)").await;
    db.run("alter table t drop column gone, add column later text default 'x'; update t set v = 3")
        .await;
    db.run("alter table t drop column twice; alter table t alter column v type text").await;
    db.run("update t set v = 'y'").await;
    assert_eq!(
        db.log().await,
        [
            r#"+ {"id":1,"gone":1,"v":2,"twice":4}"#,
            r#"~ {"id":1,"v":2,"twice":4,"later":"x"} -> {"id":1,"v":3,"twice":6,"later":"x"}"#,
            r#"~ {"id":1,"v":"3","later":"x"} -> {"id":1,"v":"y","later":"x"}"#,
        ]
    );
}

#[tokio::test]
async fn a_virtual_column_has_no_value_in_the_log_and_is_not_served() {
    let db = Db::with("create table t (id int primary key)").await;
    if db.version < 18 {
        return;
    }
    db.run("alter table t add column v int generated always as (id * 2) virtual").await;
    db.watch("t", None).await;
    db.run("insert into t values (1); update t set id = 2").await;
    assert_eq!(db.log().await[1], r#"~ {"id":1,"v":null} -> {"id":2,"v":null}"#);
    let loaded = catalog::load(&db.admin, &[listed("t", None)]).await.unwrap();
    assert_eq!(loaded.found[0].columns.len(), 1);
}

#[tokio::test]
async fn tables_with_row_security_and_unlogged_ones_are_captured_whole() {
    let db = Db::watching(
        "create table r (id int primary key); alter table r enable row level security;
         alter table r force row level security; create policy none on r using (false) with check (true);
         create unlogged table u (id int primary key)",
        &["r", "u"],
    )
    .await;
    let role = db.value("'writer_of_' || current_database()").await;
    db.run(&format!("create role {role}; grant all on r, u to {role}; set role {role}")).await;
    db.run("insert into r values (1); insert into u values (1); reset role; delete from r; delete from u").await;
    assert_eq!(db.log().await.len(), 4);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}
