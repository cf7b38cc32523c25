//! The capture stops by itself, says so, and begins anew.

use super::fixture::Db;

const T: &str = "create table t (id int primary key, v text)";
const STOP: &str = "select setval('rowcast.capture_until', 0), setval('rowcast.held_until', 0)";

async fn epoch(db: &Db) -> String {
    db.value("select epoch from rowcast.meta").await
}

#[tokio::test]
async fn changes_that_pass_while_nobody_reads_are_counted() {
    let db = Db::watching(T, &["t"]).await;
    db.run(&format!("{STOP}; insert into t values (1), (2); update t set v = 'b'; truncate t"))
        .await;
    assert_eq!(db.log().await, [""; 0]);
    assert_eq!(db.value("pg_sequence_last_value('rowcast.skipped')").await, "5");
}

#[tokio::test]
async fn a_new_epoch_waits_for_the_transactions_that_skipped() {
    let db = Db::watching(T, &["t"]).await;
    let (before, writer) = (epoch(&db).await, db.session_with("begin").await);
    db.run(STOP).await;
    writer.batch_execute("insert into t values (1)").await.unwrap();
    db.run("select rowcast.keep_alive(5000)").await;
    assert_eq!(db.value("rowcast.renew_epoch('s')").await, "false");
    assert_eq!(epoch(&db).await, before);
    writer.batch_execute("commit").await.unwrap();
    assert_eq!(db.value("rowcast.renew_epoch('s')").await, "true");
    assert_ne!(epoch(&db).await, before);
    let again = epoch(&db).await;
    assert_eq!(db.value("rowcast.renew_epoch('s')").await, "true");
    assert_eq!(epoch(&db).await, again, "nothing was skipped since");
    assert_eq!(db.value("rowcast.renew_epoch('other')").await, "true");
    assert_ne!(epoch(&db).await, again, "another server");
}

#[tokio::test]
async fn a_held_bell_keeps_the_capture_on() {
    let db = Db::watching(T, &["t"]).await;
    db.run(
        "select setval('rowcast.capture_until', 0), setval('rowcast.held_until', 99999999999999)",
    )
    .await;
    db.run("insert into t values (1); truncate t").await;
    assert_eq!(db.log().await.len(), 2);
}

#[tokio::test]
async fn without_a_daemon_writers_stop_the_capture_of_a_log_that_is_too_large() {
    let db = Db::watching(T, &["t"]).await;
    db.run("select rowcast.configure(86400000, 300000)").await;
    db.run("insert into t select n from generate_series(1, 5000) as n").await;
    db.run("select pg_sleep(0.1)").await;
    db.run("insert into t select -n from generate_series(1, 5000) as n").await;
    let logged: i32 = db.value("select count(*) from rowcast.log_0").await.parse().unwrap();
    assert!((1..=5001).contains(&logged), "{logged}");
    assert_eq!(db.value("rowcast.keep_alive(5000)").await, "false");
    db.run("truncate rowcast.log_0").await;
    assert_eq!(db.value("rowcast.keep_alive(5000)").await, "true");
}

#[tokio::test]
async fn large_rows_are_looked_at_one_by_one() {
    let db = Db::watching(T, &["t"]).await;
    db.run(
        "alter table rowcast.log_0 alter new set storage external;
         alter table t alter v set storage external; select rowcast.configure(86400000, 10000000)",
    )
    .await;
    db.run("insert into t select n, repeat('x', 1000000) from generate_series(1, 100) as n").await;
    let size: i64 = db.value("rowcast.log_size()").await.parse().unwrap();
    assert!((9_000_000..13_000_000).contains(&size), "{size}");
}
