//! Every statement that changes rows.

use futures_util::SinkExt as _;

use super::fixture::Db;

const T: &str = "create table t (id int primary key, v text)";

#[tokio::test]
async fn insert_update_and_delete_are_logged_with_the_rows_before_and_after() {
    let db = Db::watching(T, &["t"]).await;
    db.run("insert into t values (1, 'a'), (2, null); update t set v = 'b' where id = 1").await;
    db.run("delete from t where id = 1").await;
    assert_eq!(
        db.log().await,
        [
            r#"+ {"id":1,"v":"a"}"#,
            r#"+ {"id":2,"v":null}"#,
            r#"~ {"id":1,"v":"a"} -> {"id":1,"v":"b"}"#,
            r#"- {"id":1,"v":"b"}"#,
        ]
    );
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_not_logged() {
    let db = Db::watching("create table t (id int primary key, v numeric)", &["t"]).await;
    db.run("insert into t values (1, 1.0)").await;
    db.clear().await;
    db.run("update t set v = v; update t set v = 1.0").await;
    assert_eq!(db.log().await, [""; 0]);
    db.run("update t set v = 1.00").await;
    assert_eq!(db.log().await, [r#"~ {"id":1,"v":1.0} -> {"id":1,"v":1.00}"#]);
}

#[tokio::test]
async fn a_change_of_the_key_has_both_keys() {
    let db = Db::watching(T, &["t"]).await;
    db.run("insert into t values (1, 'a'); update t set id = 2").await;
    assert_eq!(db.log().await[1], r#"~ {"id":1,"v":"a"} -> {"id":2,"v":"a"}"#);
}

#[tokio::test]
async fn truncate_is_one_line_also_when_it_cascades() {
    let db = Db::watching(
        "create table t (id int primary key); create table child (id int primary key references t)",
        &["t", "child"],
    )
    .await;
    db.run("insert into t values (1); insert into child values (1); truncate t cascade").await;
    assert_eq!(db.log_by_table().await[2..], ["t T", "child T"]);
    db.clear().await;
    db.run("begin; truncate t cascade; rollback").await;
    assert_eq!(db.log().await, [""; 0]);
}

#[tokio::test]
async fn copied_rows_are_logged() {
    let db = Db::watching(T, &["t"]).await;
    let copy = db.admin.copy_in::<_, bytes::Bytes>("copy t from stdin").await.unwrap();
    let mut copy = std::pin::pin!(copy);
    copy.send("1\ta\n2\t\\N\n".into()).await.unwrap();
    copy.close().await.unwrap();
    assert_eq!(db.log().await, [r#"+ {"id":1,"v":"a"}"#, r#"+ {"id":2,"v":null}"#]);
}

#[tokio::test]
async fn an_upsert_is_logged_as_what_it_came_to() {
    let db = Db::watching(T, &["t"]).await;
    let upsert = "insert into t values (1, 'a'), (2, 'b') on conflict (id) do update set v = 'c'";
    db.run(&format!("insert into t values (2, 'x'); {upsert}")).await;
    db.run("insert into t values (1, 'y') on conflict do nothing").await;
    assert_eq!(
        db.log().await[1..],
        [r#"+ {"id":1,"v":"a"}"#, r#"~ {"id":2,"v":"x"} -> {"id":2,"v":"c"}"#]
    );
}

#[tokio::test]
async fn merge_is_logged_as_what_it_came_to() {
    let db = Db::watching(T, &["t"]).await;
    if db.version < 15 {
        return;
    }
    db.run("insert into t values (1, 'a'), (2, 'b'), (3, 'c')").await;
    db.clear().await;
    db.run(
        "merge into t using (values (1), (2), (4)) as s (id) on t.id = s.id
         when matched and t.id = 1 then delete when matched then update set v = 'm'
         when not matched then insert values (s.id, 'n')",
    )
    .await;
    let mut log = db.log().await;
    log.sort();
    assert_eq!(
        log,
        [
            r#"+ {"id":4,"v":"n"}"#,
            r#"- {"id":1,"v":"a"}"#,
            r#"~ {"id":2,"v":"b"} -> {"id":2,"v":"m"}"#,
        ]
    );
}

#[tokio::test]
async fn every_part_of_a_statement_with_several_is_logged() {
    let db = Db::watching(T, &["t"]).await;
    db.run("insert into t values (1, 'a'), (2, 'b')").await;
    db.clear().await;
    db.run(
        "with gone as (delete from t where id = 1 returning *), more as (insert into t values (3, 'c'))
         update t set v = 'd' where id = 2",
    )
    .await;
    let mut log = db.log().await;
    log.sort();
    assert_eq!(
        log,
        [
            r#"+ {"id":3,"v":"c"}"#,
            r#"- {"id":1,"v":"a"}"#,
            r#"~ {"id":2,"v":"b"} -> {"id":2,"v":"d"}"#,
        ]
    );
}

#[tokio::test]
async fn foreign_keys_that_cascade_are_logged_also_within_one_table() {
    let db = Db::watching(
        "create table a (id int primary key, up int references a on delete cascade on update cascade);
         create table b (id int primary key, a int references a on delete set null on update cascade)",
        &["a", "b"],
    )
    .await;
    db.run("insert into a values (1, null), (2, 1), (3, 2), (4, 4); insert into b values (1, 3)")
        .await;
    db.run("update a set id = 10 where id = 1; update a set id = 103 where id = 3").await;
    db.assert_applied("public.a", &["id"]).await;
    db.assert_applied("public.b", &["id"]).await;
    db.clear().await;
    db.run("delete from a").await;
    let removed = db.log_by_table().await.iter().filter(|line| line.starts_with("a - ")).count();
    assert!(removed >= 4, "{:?}", db.log().await);
    assert!(db.log_by_table().await.iter().any(|line| line.starts_with("b ~ ")));
}

#[tokio::test]
async fn rules_and_triggers_before_the_change_have_their_say_first() {
    let db = Db::watching(
        "create table t (id int primary key, v text);
         create view w as select * from t;
         create rule w_insert as on insert to w do instead insert into t values (new.id, 'ruled');
         create function upper_v() returns trigger language plpgsql as
           $$ begin if new.v = 'skip' then return null; end if; new.v := upper(new.v); return new; end $$;
         create trigger upper_v before insert or update on t for each row execute function upper_v()",
        &["t"],
    )
    .await;
    db.run("insert into w values (1, 'x'); insert into t values (2, 'skip')").await;
    db.run("update t set v = 'skip'; update t set v = 'ruled'").await;
    assert_eq!(db.log().await, [r#"+ {"id":1,"v":"RULED"}"#]);
}

#[tokio::test]
async fn a_table_without_a_key_is_logged_like_any_other() {
    let db = Db::with("create table t (v text)").await;
    db.watch("t", Some(&[])).await;
    db.run("insert into t values ('a'), ('a'); update t set v = 'b'; delete from t").await;
    let log = db.log().await;
    assert_eq!(log.len(), 6);
    assert_eq!(log[5], r#"- {"v":"b"}"#);
}

#[tokio::test]
async fn the_writer_may_say_who_it_is() {
    let db = Db::watching(T, &["t"]).await;
    db.run("begin; set local rowcast.origin = 'me'; insert into t values (1); truncate t; commit")
        .await;
    db.run("insert into t values (2)").await;
    let origins: Vec<Option<String>> =
        db.logged().await.into_iter().map(|row| row.origin).collect();
    let me = Some("me".to_owned());
    assert_eq!(origins[..2], [me.clone(), me]);
    assert_eq!(origins[2].as_deref().unwrap_or(""), "");
}
