//! Writers with odd settings: nothing fails, nothing waits.

use super::fixture::{Db, key_of};

const T: &str = "create table t (id int primary key, v text)";

#[tokio::test]
async fn no_setting_of_the_writer_s_makes_a_change_fail() {
    let db = Db::watching(T, &["t"]).await;
    for (id, settings) in [
        "set default_transaction_read_only = on; begin read write",
        "set plpgsql.extra_errors = 'all'; begin",
        "set plpgsql.variable_conflict = 'error'; begin",
        "set search_path = ''; begin",
        "set search_path = rowcast, pg_temp; begin",
        "set row_security = off; begin",
        "set statement_timeout = '20s'; set lock_timeout = 1; set idle_in_transaction_session_timeout = 20000; begin",
        "set work_mem = '64kB'; set temp_buffers = '800kB'; begin",
        "set extra_float_digits = -15; set timezone = 'Asia/Kathmandu'; set datestyle = 'German'; begin",
        "set synchronous_commit = off; set standard_conforming_strings = off; begin isolation level serializable",
        "set array_nulls = off; set transform_null_equals = on; begin isolation level repeatable read",
        "set check_function_bodies = off; begin; select set_config('rowcast.inner', '[1:9999999999][x', true)",
        "set rowcast.emptied = '1:1'; begin",
        "set rowcast.origin = ''; begin",
    ]
    .into_iter()
    .enumerate()
    {
        let writer = db.session_with(settings).await;
        let script = format!(
            "insert into public.t values ({id}, 'a'), (-{id} - 1, pg_catalog.repeat('x', 10000));
             update public.t set v = 'b' where id = {id}; delete from public.t; truncate public.t; commit"
        );
        writer.batch_execute(&script).await.unwrap_or_else(|e| panic!("{settings}: {e:?}"));
        assert_eq!(db.log().await.len(), 6, "{settings}");
        db.clear().await;
    }
}

#[tokio::test]
async fn a_bell_is_rung_only_for_those_who_listen_and_while_the_queue_has_room() {
    let db = Db::with("").await;
    let ring = db.value("pg_get_functiondef('rowcast.ring()'::regprocedure)").await;
    assert!(ring.contains("pg_notification_queue_usage() < 0.5"), "{ring}");
    assert!(ring.contains("current_setting('max_prepared_transactions') = '0'"), "{ring}");
}

#[tokio::test]
async fn a_writer_does_not_wait_while_an_epoch_begins() {
    let db = Db::watching(T, &["t"]).await;
    let daemon = db.session_with("begin; select rowcast.renew_epoch('x')").await;
    db.run("select setval('rowcast.capture_until', 0)").await;
    let writer = db.session_with("set lock_timeout = 1").await;
    writer.batch_execute("insert into t values (1); truncate t").await.unwrap();
    daemon.batch_execute("commit").await.unwrap();
    assert_eq!(db.log().await, [r#"+ {"id":1,"v":null}"#, "T"]);
}

#[tokio::test]
async fn a_change_is_logged_in_whatever_encoding_the_client_speaks() {
    let db = Db::watching(T, &["t"]).await;
    let writer = db.session_with("set client_encoding = 'LATIN1'").await;
    writer.batch_execute("insert into t values (1, chr(252))").await.unwrap();
    assert_eq!(db.log().await, [r#"+ {"id":1,"v":"ü"}"#]);
}

#[tokio::test]
async fn one_session_may_write_to_tables_of_any_shape_in_turn() {
    let db = Db::watching(
        "create table a (id int primary key, v text); create table b (v text, id int primary key, n int)",
        &["a", "b"],
    )
    .await;
    let writer = db.session_with("set timezone = 'Asia/Tokyo'").await;
    for (id, size) in [(1, 1), (2, 300), (3, 20_000), (4, 200_000), (5, 17_000_000)] {
        for insert in ["a (id, v)", "b (id, v)"] {
            let insert = format!("insert into {insert} values ({id}, repeat('x', {size}))");
            writer.batch_execute(&insert).await.unwrap();
        }
    }
    writer.batch_execute("alter table a add n int; update a set n = 1").await.unwrap();
    let keys: Vec<String> =
        db.logged().await.iter().map(|row| key_of(row.new.as_ref().unwrap(), &["id"])).collect();
    assert_eq!(keys.concat(), "1,1,2,2,3,3,4,4,5,5,1,2,3,4,5,");
    assert_eq!(db.value("select count(*) from rowcast.log_0 where cut is not null").await, "3");
}
