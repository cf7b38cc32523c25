//! Rotation while writers write.

use super::fixture::Db;

const T: &str = "create table t (id int primary key)";

async fn rotate(db: &Db) -> bool {
    db.value("rowcast.rotate()").await == "true"
}

#[tokio::test]
async fn a_transaction_goes_on_across_rotations_and_keeps_what_it_wrote() {
    let db = Db::watching(T, &["t"]).await;
    let writer = db.session_with("set lock_timeout = 1; begin; insert into t values (1)").await;
    assert!(rotate(&db).await);
    writer.batch_execute("insert into t values (2)").await.unwrap();
    assert!(rotate(&db).await);
    writer.batch_execute("insert into t values (3)").await.unwrap();
    assert!(!rotate(&db).await, "log_0 has a row of a transaction that still runs");
    writer.batch_execute("truncate t; commit").await.unwrap();
    assert_eq!(db.log().await, [r#"+ {"id":1}"#, r#"+ {"id":2}"#, r#"+ {"id":3}"#, "T"]);
    assert!(rotate(&db).await);
    assert_eq!(db.log().await.len(), 3);
}

#[tokio::test]
async fn a_transaction_with_an_old_snapshot_writes_where_it_does_not_get_lost() {
    let db = Db::watching(T, &["t"]).await;
    let writer = db.session_with("begin isolation level repeatable read; select 1").await;
    for _ in 0..2 {
        assert!(rotate(&db).await);
    }
    writer
        .batch_execute("insert into t values (1); truncate t; insert into t values (2)")
        .await
        .unwrap();
    assert!(!rotate(&db).await || !rotate(&db).await, "somebody writes to one of these");
    writer.batch_execute("commit").await.unwrap();
    assert_eq!(db.log().await, [r#"+ {"id":1}"#, "T", r#"+ {"id":2}"#]);
}

#[tokio::test]
async fn rotation_refuses_a_snapshot_that_may_not_show_the_last_rows() {
    let db = Db::with("").await;
    let session = db.session_with("begin isolation level repeatable read").await;
    assert!(session.batch_execute("select rowcast.rotate()").await.is_err());
}

#[tokio::test]
async fn each_rotation_moves_on_and_an_empty_table_s_is_no_loss() {
    let db = Db::watching(T, &["t"]).await;
    for current in ["1", "2", "0", "1"] {
        assert!(rotate(&db).await);
        assert_eq!(db.value("select current from rowcast.meta").await, current);
    }
    assert_eq!(db.value("select truncations from rowcast.meta").await, "0");
    db.run("insert into t values (1)").await;
    for truncations in ["0", "0", "1"] {
        assert!(rotate(&db).await);
        assert_eq!(db.value("select truncations from rowcast.meta").await, truncations);
    }
}

#[tokio::test]
async fn it_is_due_by_age_and_by_size() {
    let db = Db::watching(T, &["t"]).await;
    assert_eq!(db.value("rowcast.rotate_if_due()").await, "false");
    db.run("update rowcast.meta set rotated_at = now() - interval '13 hours'").await;
    assert_eq!(db.value("rowcast.rotate_if_due()").await, "true");
    db.run(
        "select rowcast.configure(86400000, 100000); insert into t select generate_series(1, 1000)",
    )
    .await;
    assert_eq!(db.value("rowcast.rotate_if_due()").await, "true");
}

#[tokio::test]
async fn the_list_of_what_was_lost_stays_short_and_its_floor_never_sinks() {
    let db = Db::with("").await;
    db.run(
        "insert into rowcast.truncated (nth, first_txid, last_txid, running)
           select n, '1', (2000 - n)::text::xid8, '3000:3000:' from generate_series(1, 1002) as n;
         update rowcast.meta set truncations = 1001; select rowcast.forget_truncations();
         update rowcast.meta set truncations = 1002; select rowcast.forget_truncations()",
    )
    .await;
    assert_eq!(db.value("select count(*) from rowcast.truncated").await, "1000");
    assert_eq!(db.value("select floor from rowcast.meta").await, "1999");
    assert_eq!(db.value("rowcast.reaches('1999:3000:')").await, "false");
}
