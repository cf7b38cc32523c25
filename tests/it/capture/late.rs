//! Triggers that change the watched table again: the last that is logged of a row is what it ended as.

use super::fixture::Db;

/// A table whose trigger, on the first level only, runs a statement for each row.
fn table_with_trigger(body: &str) -> String {
    format!(
        "create table t (id int primary key, v int, n int default 0);
         create function again() returns trigger language plpgsql as
           $$ begin if pg_trigger_depth() < 2 then {body}; end if; return null; end $$;
         create trigger again after insert or update or delete on t for each row execute function again()"
    )
}

async fn assert_right_after(body: &str, statements: &str) {
    let db = Db::watching(&table_with_trigger(body), &["t"]).await;
    db.run(statements).await;
    db.assert_applied("public.t", &["id"]).await;
    let log = db.log().await;
    assert!(!log.is_empty() && !log.contains(&"nothing".to_owned()), "{log:?}");
}

const MANY: &str = "insert into t values (1, 1), (2, 2), (3, 3); update t set v = v + 1;
    begin; update t set v = 0; update t set id = id + 10; delete from t where id = 12; commit;
    delete from t where id < 12";

#[tokio::test]
async fn when_it_changes_the_same_row() {
    assert_right_after("update t set n = n + 1 where id = new.id", MANY).await;
}

#[tokio::test]
async fn when_it_changes_every_row() {
    assert_right_after("update t set n = n + 1", MANY).await;
}

#[tokio::test]
async fn when_it_removes_rows_that_are_still_to_be_logged() {
    assert_right_after("delete from t where id > new.id", MANY).await;
}

#[tokio::test]
async fn when_it_puts_removed_rows_back() {
    let back =
        "insert into t select id, 7, 7 from (values (11), (13)) as k (id) on conflict do nothing";
    assert_right_after(&format!("if tg_op = 'DELETE' then {back}; end if"), MANY).await;
}

#[tokio::test]
async fn when_what_it_did_is_rolled_back() {
    let body =
        "begin update t set n = n + 1; raise exception 'no'; exception when others then null; end";
    assert_right_after(body, MANY).await;
}

#[tokio::test]
async fn a_removal_from_a_table_without_a_key_stays_one() {
    let db = Db::with(&table_with_trigger("update t set n = n + 1")).await;
    db.watch("t", Some(&[])).await;
    db.run("insert into t values (1, 1), (2, 2)").await;
    db.clear().await;
    db.run("delete from t").await;
    let removed = db.log().await.iter().filter(|line| line.starts_with("- ")).count();
    assert_eq!(removed, 2, "{:?}", db.log().await);
}

#[tokio::test]
async fn a_late_row_may_be_of_any_size_and_its_columns_called_anything() {
    let db = Db::watching(
        "create table t (t int primary key, k text, n int default 0);
         create function again() returns trigger language plpgsql as
           $$ begin if pg_trigger_depth() < 2 then update t set n = n + 1, k = repeat('x', 20000000); end if; return null; end $$;
         create trigger again after update on t for each row execute function again();
         insert into t values (1, 'a'), (2, 'b')",
        &["t"],
    )
    .await;
    db.run("update t set k = 'c'").await;
    let lines = db.log().await;
    assert_eq!(lines[3], r#"~ {"t":2,"k":"b","n":0} -> {"t":2} (cut 2)"#, "{lines:?}");
}

#[tokio::test]
async fn rows_that_policies_hide_from_rowcast_s_owner_are_not_taken_to_be_gone() {
    let db = Db::with(&table_with_trigger("update t set n = n + 1")).await;
    let owner = db.value("'rowcast_owner_of_' || current_database()").await;
    db.watch("t", None).await;
    db.run(&format!(
        "create role {owner}; grant select on t to {owner}; alter table t enable row level security;
         grant usage, create on schema rowcast to {owner};
         grant select, insert on all tables in schema rowcast to {owner};
         grant usage, select, update on all sequences in schema rowcast to {owner};
         grant execute on all functions in schema rowcast to {owner};
         alter function rowcast.capture() owner to {owner}"
    ))
    .await;
    db.run("insert into t values (1, 1), (2, 2); update t set v = 5").await;
    let log = db.log().await;
    db.run(&format!("drop owned by {owner} cascade; drop role {owner}")).await;
    assert!(log.iter().all(|line| !line.starts_with("- ")), "{log:?}");
}

#[tokio::test]
async fn one_statement_s_triggers_do_not_make_the_next_one_s_rows_late() {
    let db =
        Db::watching(&table_with_trigger("update t set n = n + 1 where id = new.id"), &["t"]).await;
    db.run("insert into t values (1, 1)").await;
    let writer = db.session().await;
    writer.batch_execute("begin").await.unwrap();
    writer.batch_execute("update t set v = 2").await.unwrap();
    let late = "select rowcast.is_late((select id::text from rowcast.watched), 1)";
    assert!(!writer.query_one(late, &[]).await.unwrap().get::<_, bool>(0));
    writer.batch_execute("commit").await.unwrap();
}
