//! Writers whose search path leads to functions, operators, types and tables of the same names as PostgreSQL's.

use super::fixture::Db;

/// A schema with a double, which fails when it is used, of each function and operator that any of rowcast's functions may mean.
const TRAPS: &str = r#"
create schema trap;
create type trap.json as (a int); create type trap.text as (a int); create type trap.int4 as (a int);
create type trap.xid8 as (a int); create type trap.record as (a int); create type trap.bool as (a int);
create type trap.regclass as (a int); create type trap.float8 as (a int);
do $$
declare f record; made int := 0;
begin
  for f in
    select proname, pg_get_function_identity_arguments(oid) as args, prorettype::regtype as result
      from pg_proc
     where pronamespace = 'pg_catalog'::regnamespace and prokind = 'f'
       and (select string_agg(prosrc, ' ') from pg_proc where pronamespace = 'rowcast'::regnamespace) like '%' || proname || '%'
  loop
    begin
      execute format('create function trap.%I(%s) returns %s language plpgsql as %L',
        f.proname, f.args, f.result, 'begin raise exception ''trapped''; end');
      made := made + 1;
    exception when others then null;
    end;
  end loop;
  assert made > 100, made;
  made := 0;
  for f in
    select oprname, oprleft::regtype as l, oprright::regtype as r, oprresult::regtype as result
      from pg_operator where oprnamespace = 'pg_catalog'::regnamespace and oprkind = 'b'
       and oprname in ('=', '<>', '<', '>', '<=', '>=', '*', '/', '+', '-', '%', '|', '||', '*<>', '*=', '~', '~~', '!~')
  loop
    begin
      execute format('create function trap.op(%s, %s) returns %s language plpgsql as %L', f.l, f.r, f.result,
        'begin raise exception ''trapped''; end');
    exception when others then null;
    end;
    begin
      execute format('create operator trap.%s (leftarg = %s, rightarg = %s, function = trap.op)', f.oprname, f.l, f.r);
      made := made + 1;
    exception when others then null;
    end;
  end loop;
  assert made > 100, made;
end $$;
grant usage on schema trap to public"#;

const TABLES: &str = "
    create table t (id int primary key, v text, m money default 1, w timestamptz);
    create table plain (id int primary key, v text);
    create table late (id int primary key, v text);
    create function again() returns trigger language plpgsql set search_path = public as
      $$ begin if pg_trigger_depth() < 2 then update late set v = v || '!'; end if; return null; end $$;
    create trigger again after update on late for each row execute function again();
    create table p (id int primary key) partition by range (id);
    create table p1 partition of p for values from (0) to (10)";

const WRITE: &str = "
    insert into public.t values (1, 'a'), (2, 'b'); update public.t set v = 'c'; delete from public.t;
    insert into public.plain values (1, 'a'), (2, pg_catalog.repeat('x', 1000)), (3, pg_catalog.repeat('x', 10000)),
      (4, pg_catalog.repeat('x', 100000)), (5, pg_catalog.repeat('x', 20000000));
    insert into public.late values (1, 'a'), (2, 'b'); update public.late set v = 'c'; delete from public.late;
    insert into public.p values (1); truncate public.p1; truncate public.p; truncate public.plain";

const SHADOWS: &str = "
    create temp table json (a int); create temp table text (a int); create temp table int4 (a int);
    create temp table xid8 (a int); create temp table regclass (a int); create temp table record (a int);
    create temp table watched (a int); create temp table meta (a int); create temp table log_0 (a int);
    create temp table pg_class (a int); create temp table pg_type (a int); create temp table pg_proc (a int);
    create temp sequence seq; create temp sequence held_until";

async fn assert_not_trapped(settings: &str) {
    let db = Db::watching(TABLES, &["t", "plain", "late", "p"]).await;
    db.run("select setval('rowcast.audience_until', 99999999999999)").await;
    db.session_with(WRITE).await;
    let expected = db.log_by_table().await;
    assert_eq!(expected.iter().filter(|line| line.contains("(cut")).count(), 1, "{expected:?}");
    db.clear().await;
    db.run(TRAPS).await;
    let writer = db.session_with(settings).await;
    writer.batch_execute(WRITE).await.unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(db.log_by_table().await, expected);

    db.run("select setval('rowcast.capture_until', 0)").await;
    let writer = db.session_with(settings).await;
    writer.batch_execute(WRITE).await.unwrap_or_else(|e| panic!("stopped: {e:?}"));
}

#[tokio::test]
async fn doubles_of_functions_operators_and_types_are_never_used() {
    assert_not_trapped("set search_path = trap, pg_catalog").await;
}

#[tokio::test]
async fn temporary_objects_shadow_nothing() {
    assert_not_trapped(SHADOWS).await;
}

#[tokio::test]
async fn both_at_once() {
    assert_not_trapped(&format!("{SHADOWS}; set search_path = pg_temp, trap, pg_catalog")).await;
}
