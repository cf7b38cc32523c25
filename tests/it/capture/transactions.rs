//! What is rolled back is not in the log, however it came to be; what commits is, whenever it does.

use super::fixture::Db;

const T: &str = "create table t (id int primary key, v text)";

#[tokio::test]
async fn what_a_savepoint_takes_back_is_not_logged() {
    let db = Db::watching(T, &["t"]).await;
    db.run(
        "begin; insert into t values (1); savepoint a; insert into t values (2);
         savepoint b; insert into t values (3); release b; rollback to a; insert into t values (4); commit",
    )
    .await;
    db.run(
        "do $$ begin
           begin insert into t values (5); raise exception 'no'; exception when others then null; end;
           begin insert into t values (6); exception when others then null; end;
         end $$",
    )
    .await;
    db.run("begin; insert into t values (7); rollback").await;
    let added: Vec<String> = db.logged().await.into_iter().filter_map(|row| row.new).collect();
    let id = |id: i32| format!(r#"{{"id":{id},"v":null}}"#);
    assert_eq!(added, [1, 4, 6].map(id));
}

#[tokio::test]
async fn all_of_a_transaction_has_one_id_and_comes_at_once() {
    let db = Db::watching(T, &["t"]).await;
    let writer = db.session().await;
    writer.batch_execute("begin; insert into t values (1); savepoint a").await.unwrap();
    writer.batch_execute("insert into t values (2); truncate t").await.unwrap();
    assert_eq!(db.log().await, [""; 0]);
    writer.batch_execute("commit").await.unwrap();
    assert_eq!(db.value("select count(*) from rowcast.log_0").await, "3");
    assert_eq!(db.value("select count(distinct txid) from rowcast.log_0").await, "1");
}

#[tokio::test]
async fn prepared_transactions_are_logged_when_they_commit_though_somebody_listens() {
    let db = Db::watching(T, &["t"]).await;
    db.run("select setval('rowcast.audience_until', 99999999999999)").await;
    let name = db.value("current_database()").await;
    for (id, end) in [(1, "commit"), (2, "rollback")] {
        let prepared = format!("begin; insert into t values ({id}); prepare transaction '{name}'");
        db.run(&prepared).await;
        let lines = usize::from(id == 2);
        assert_eq!(db.log().await.len(), lines);
        db.run(&format!("{end} prepared '{name}'")).await;
    }
    assert_eq!(db.log().await, [r#"+ {"id":1,"v":null}"#]);
}

#[tokio::test]
async fn a_session_that_applies_a_replica_s_changes_is_logged() {
    let db = Db::watching(
        "create table t (id int primary key, v text);
         create table p (id int primary key) partition by range (id);
         create table p1 partition of p for values from (0) to (10)",
        &["t", "p"],
    )
    .await;
    let writer = db.session_with("set session_replication_role = replica").await;
    writer
        .batch_execute("insert into t values (1); update t set v = 'b'; truncate t")
        .await
        .unwrap();
    writer.batch_execute("insert into p values (1); delete from p1; truncate p").await.unwrap();
    assert_eq!(db.log().await.len(), 6, "{:?}", db.log().await);
}

#[tokio::test]
async fn changes_that_deferred_triggers_make_at_commit_are_logged() {
    let db = Db::watching(
        "create table t (id int primary key, v text);
         create function late() returns trigger language plpgsql as
           $$ begin update t set v = 'late' where id = new.id and v is null; return null; end $$;
         create constraint trigger late after insert on t deferrable initially deferred
           for each row execute function late();
         create table parent (id int primary key);
         create table child (id int primary key,
           parent int references parent on delete cascade deferrable initially deferred)",
        &["t", "child"],
    )
    .await;
    db.run("begin; insert into t values (1), (2); delete from t where id = 2; commit").await;
    db.assert_applied("public.t", &["id"]).await;
    assert_eq!(db.rows("public.t").await, [r#"{"id":1,"v":"late"}"#]);
    db.run("insert into parent values (1); insert into child values (1, 1); delete from parent")
        .await;
    db.assert_applied("public.child", &["id"]).await;
}

#[tokio::test]
async fn serializable_transactions_do_not_fail_because_of_the_log() {
    let db = Db::watching(
        "create table a (id int primary key); create table b (id int primary key);
         create table pa (id int primary key) partition by range (id);
         create table pa1 partition of pa for values from (0) to (10)",
        &["a", "b", "pa"],
    )
    .await;
    let (one, two) = (db.session().await, db.session().await);
    for writer in [&one, &two] {
        writer.batch_execute("begin isolation level serializable; select 1").await.unwrap();
    }
    one.batch_execute("truncate a; insert into a values (1); truncate pa").await.unwrap();
    two.batch_execute("truncate b; insert into b values (1)").await.unwrap();
    one.batch_execute("commit").await.unwrap();
    two.batch_execute("commit").await.unwrap();
    assert_eq!(db.log().await.len(), 5);
}
