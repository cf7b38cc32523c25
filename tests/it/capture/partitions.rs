//! Partitioned and inherited tables: every change is logged under the root.

use super::fixture::Db;

const P: &str = "
    create table p (id int, day int, v text, primary key (id, day)) partition by range (day);
    create table p1 partition of p for values from (0) to (10);
    create table p2 (v text, dropped int, day int not null, id int not null) ;
    alter table p2 drop column dropped;
    alter table p attach partition p2 for values from (10) to (20);
    create table p3 partition of p for values from (20) to (30) partition by list (id);
    create table p31 partition of p3 for values in (1, 2, 3)";

#[tokio::test]
async fn rows_are_logged_once_whatever_table_they_were_written_to() {
    let db = Db::watching(P, &["p"]).await;
    db.run("insert into p values (1, 1, 'a'), (1, 11, 'b'), (1, 21, 'c')").await;
    db.run("insert into p1 values (2, 2, 'd'); insert into p31 values (2, 22, 'e'); update p3 set v = 'f'").await;
    db.run("delete from p2; update p set v = 'g' where id = 2").await;
    assert_eq!(db.log_by_table().await.len(), 10);
    assert!(db.log_by_table().await.iter().all(|line| line.starts_with("p ")));
    db.assert_applied("public.p", &["id", "day"]).await;
}

#[tokio::test]
async fn a_partition_s_columns_may_come_in_another_order() {
    let db = Db::watching(P, &["p"]).await;
    db.run("insert into p values (1, 11, 'b')").await;
    assert_eq!(db.log().await, [r#"+ {"v":"b","day":11,"id":1}"#]);
}

#[tokio::test]
async fn a_row_that_moves_leaves_one_partition_and_enters_the_other() {
    let db = Db::watching(P, &["p"]).await;
    db.run("insert into p values (1, 1, 'a')").await;
    db.clear().await;
    db.run("update p set day = 21").await;
    let log = db.log().await;
    assert_eq!(log.len(), 2);
    assert_eq!(log[0], r#"- {"id":1,"day":1,"v":"a"}"#);
    assert_eq!(log[1], r#"+ {"id":1,"day":21,"v":"a"}"#);
}

#[tokio::test]
async fn truncating_the_root_empties_and_truncating_a_partition_resets() {
    let db = Db::watching(P, &["p"]).await;
    db.run("truncate p").await;
    assert_eq!(db.log().await, ["T"]);
    db.clear().await;
    db.run("truncate p1").await;
    assert_eq!(db.log().await, ["R"]);
    db.clear().await;
    db.run("truncate p31").await;
    assert_eq!(db.log().await, ["R"]);
}

#[tokio::test]
async fn a_partition_truncated_after_its_root_was_and_filled_again_resets() {
    let db = Db::watching(P, &["p"]).await;
    db.run("begin; truncate p; insert into p values (1, 1, 'a'); truncate p1; commit").await;
    assert_eq!(db.log().await, ["T", r#"+ {"id":1,"day":1,"v":"a"}"#, "R"]);
}

#[tokio::test]
async fn a_truncation_that_was_rolled_back_does_not_hide_another() {
    let db = Db::watching(P, &["p"]).await;
    db.run("begin; savepoint a; truncate p; rollback to a; truncate p1; commit").await;
    assert_eq!(db.log().await, ["R"]);
}

#[tokio::test]
async fn two_roots_truncated_at_once_are_two_lines() {
    let db = Db::watching(
        &format!(
            "{P}; create table q (id int primary key) partition by range (id);
                  create table q1 partition of q for values from (0) to (10)"
        ),
        &["p", "q"],
    )
    .await;
    db.run("truncate p, q").await;
    assert_eq!(db.log_by_table().await, ["p T", "q T"]);
}

#[tokio::test]
async fn a_partition_made_after_the_table_was_watched_is_captured_under_replication_too() {
    let db = Db::watching(P, &["p"]).await;
    db.run("create table p4 partition of p for values from (30) to (40)").await;
    db.run("create table p5 (id int not null, day int not null, v text); insert into p5 values (1, 41, 'x')").await;
    db.run("alter table p attach partition p5 for values from (40) to (50)").await;
    db.run("insert into p values (1, 31, 'a'); insert into p5 values (2, 42, 'b')").await;
    db.run("set session_replication_role = replica; delete from p where day in (31, 42)").await;
    assert_eq!(db.log().await.len(), 4);
}

#[tokio::test]
async fn a_detached_partition_is_captured_no_more() {
    let db = Db::watching(P, &["p"]).await;
    db.run("alter table p detach partition p1; insert into p1 values (1, 1, 'a'); update p1 set v = 'b'").await;
    assert_eq!(db.log().await, [""; 0]);
}

#[tokio::test]
async fn watching_again_adds_what_new_partitions_and_children_lack() {
    let db = Db::watching(&format!("{P}; create table i (id int primary key)"), &["p", "i"]).await;
    db.run("create table p4 partition of p for values from (30) to (40); create table i1 () inherits (i)").await;
    db.watch("p", None).await;
    db.watch("i", None).await;
    db.run("truncate p4; insert into i1 values (1)").await;
    assert_eq!(db.log_by_table().await, ["p R", r#"i + {"id":1}"#]);
}

const I: &str = "
    create table i (id int primary key, v text);
    create table i1 (more int) inherits (i);
    create table i2 () inherits (i1)";

#[tokio::test]
async fn children_s_rows_are_logged_under_their_parent() {
    let db = Db::watching(I, &["i"]).await;
    db.run("insert into i values (1, 'a'); insert into i1 values (2, 'b', 3); insert into i2 values (3, 'c')").await;
    db.run("update i set v = 'x'; update only i set v = 'y'; delete from i where id = 3").await;
    let log = db.log_by_table().await;
    assert_eq!(log.len(), 8);
    assert_eq!(log[1], r#"i + {"id":2,"v":"b","more":3}"#);
}

#[tokio::test]
async fn truncating_a_parent_resets_as_children_s_rows_may_stay() {
    let db = Db::watching(I, &["i"]).await;
    for statement in ["truncate only i", "truncate i2", "truncate i1"] {
        db.clear().await;
        db.run(statement).await;
        let log = db.log().await;
        assert!(!log.is_empty() && log.iter().all(|line| line == "R"), "{statement}: {log:?}");
    }
}
