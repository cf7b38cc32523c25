//! Installing again, upgrading, taking away.

use std::collections::BTreeSet;

use rowcast::changelog;

use super::fixture::Db;

/// All that makes up rowcast's objects, as text that can be compared, but for the tables' numbers.
async fn objects(db: &Db) -> BTreeSet<String> {
    let query = "
        select pg_get_functiondef(oid) || coalesce(proacl::text, '') from pg_proc where pronamespace = 'rowcast'::regnamespace
        union all
        select concat_ws(' ', c.oid::regclass, relkind, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
                         pg_get_expr(adbin, adrelid), attstorage, reloptions, relacl)
          from pg_class as c left join pg_attribute as a on attrelid = c.oid and attnum > 0
          left join pg_attrdef as d on adrelid = c.oid and adnum = attnum
         where relnamespace = 'rowcast'::regnamespace
        union all
        select indexdef from pg_indexes where schemaname = 'rowcast'
        union all
        select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
         where connamespace = 'rowcast'::regnamespace
        union all
        select concat_ws(' ', seqrelid::regclass, seqtypid, seqstart, seqincrement, seqmax, seqmin, seqcache) from pg_sequence
         where seqrelid::regclass::text like 'rowcast.%'
        union all
        select concat_ws(' ', nspname, nspacl) from pg_namespace where nspname = 'rowcast'
        union all
        select regexp_replace(pg_get_triggerdef(oid), '(rowcast_|'')\\d+', '\\1N', 'g') || tgenabled::text from pg_trigger where tgname like '!rowcast%'";
    db.admin.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

const T: &str = "create table t (id int primary key, v text)";

#[tokio::test]
async fn installing_again_changes_nothing() {
    let db = Db::watching(T, &["t"]).await;
    let (before, version) = (objects(&db).await, db.value("select xmin from rowcast.meta").await);
    db.watch("t", None).await;
    assert_eq!(objects(&db).await, before);
    assert_eq!(db.value("select xmin from rowcast.meta").await, version);
}

#[tokio::test]
async fn an_older_installation_becomes_equal_to_a_fresh_one_and_keeps_its_log() {
    let fresh = Db::watching(T, &["t"]).await;
    let db = Db::watching(T, &["t"]).await;
    db.run("select rowcast.rotate(); insert into t values (1)").await;
    db.run(
        "create or replace function rowcast.ring() returns void language plpgsql as 'begin end';
         grant execute on function rowcast.ring() to public;
         create or replace function rowcast.capture() returns trigger language plpgsql as 'begin return null; end';
         update rowcast.meta set objects = 'older'",
    )
    .await;
    let epoch = db.value("select epoch from rowcast.meta").await;
    db.watch("t", None).await;
    assert_eq!(db.value("select epoch from rowcast.meta").await, epoch);
    db.run("insert into t values (2)").await;
    assert_eq!(db.log().await.len(), 2);
    assert_eq!(db.value("select count(*) from rowcast.log_1").await, "2");
    while db.value("select current from rowcast.meta").await != "0" {
        db.run("select rowcast.rotate()").await;
    }
    let (upgraded, fresh) = (objects(&db).await, objects(&fresh).await);
    let differences: Vec<&String> = upgraded.symmetric_difference(&fresh).collect();
    assert!(differences.is_empty(), "{differences:#?}");
}

#[tokio::test]
async fn uninstalling_leaves_nothing() {
    let everything = "select string_agg(k || o, ' ' order by k, o) from (
        select 'class ' as k, oid::regclass::text as o from pg_class where relnamespace not in ('pg_toast'::regnamespace)
        union all select 'proc ', oid::regprocedure::text from pg_proc
        union all select 'trigger ', tgname::text || tgrelid::regclass from pg_trigger where tgname not like 'RI%'
        union all select 'schema ', nspname::text from pg_namespace
        union all select 'type ', oid::regtype::text from pg_type where typname !~ '^_?pg_toast') as x";
    let sql = "create table t (id int primary key); create table p (id int primary key) partition by range (id);
               create table p1 partition of p for values from (0) to (10); create table c () inherits (t)";
    let bare = Db::with(sql).await;
    bare.run("drop schema rowcast cascade").await;
    let db = Db::watching(sql, &["t", "p"]).await;
    assert!(changelog::uninstall(&db.admin).await.unwrap().is_some());
    assert_eq!(db.value(everything).await, bare.value(everything).await);
    assert!(changelog::uninstall(&db.admin).await.unwrap().is_none());
    db.run("insert into t values (1); insert into p values (1)").await;
}

#[tokio::test]
async fn a_table_that_is_dropped_does_not_stand_in_the_way() {
    let db = Db::watching(&format!("{T}; create table u (id int primary key)"), &["t", "u"]).await;
    db.run("insert into t values (1); drop table t").await;
    db.watch("u", None).await;
    assert!(changelog::uninstall(&db.admin).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_no_longer_watched_is_no_longer_logged() {
    let db = Db::watching(
        "create table p (id int primary key) partition by range (id);
         create table p1 partition of p for values from (0) to (10);
         create table i (id int primary key); create table i1 () inherits (i)",
        &["p", "i"],
    )
    .await;
    db.run("select rowcast.unwatch(id) from rowcast.watched").await;
    db.run("insert into p values (1); insert into i1 values (1); truncate p, p1, i, i1").await;
    assert_eq!(db.value("select count(*) from rowcast.log_0").await, "0");
}
