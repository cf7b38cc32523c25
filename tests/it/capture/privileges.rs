//! Who may do what with the log, and whose rights run.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::fixture::Db;

/// A role of this test's own, which ends with it.
struct Role(String);

impl Role {
    async fn new(db: &Db, name: &str) -> Self {
        let name = format!("{name}_of_{}", db.value("current_database()").await);
        db.run(&format!("create role {name} login")).await;
        Self(name)
    }

    async fn session(&self, db: &Db) -> Client {
        db.session_with(&format!("set session authorization {}", self.0)).await
    }

    async fn gone(self, db: &Db) {
        db.run(&format!("reset role; drop owned by {0} cascade; drop role {0}", self.0)).await;
    }
}

async fn refused(client: &Client, sql: &str) -> bool {
    let error = client.batch_execute(sql).await.err();
    error.is_some_and(|error| error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE))
}

#[tokio::test]
async fn a_writer_needs_no_right_on_the_log_and_has_none() {
    let db = Db::watching("create table t (id int primary key, v text)", &["t"]).await;
    let role = Role::new(&db, "writer").await;
    db.run(&format!("grant insert, update, select, delete, truncate on t to {}", role.0)).await;
    let writer = role.session(&db).await;
    writer
        .batch_execute("insert into t values (1, 'a'); update t set v = repeat('x', 20000000)")
        .await
        .unwrap();
    writer.batch_execute("set timezone = 'Asia/Tokyo'; delete from t; truncate t").await.unwrap();
    assert_eq!(db.log().await.len(), 4);
    for sql in [
        "select * from rowcast.log_0",
        "insert into rowcast.log_0 (seq) values (1)",
        "truncate rowcast.log_0",
        "select * from rowcast.meta",
        "select nextval('rowcast.seq')",
        "select setval('rowcast.held_until', 1)",
        "create table rowcast.x ()",
    ] {
        assert!(refused(&writer, sql).await, "{sql}");
    }
    role.gone(&db).await;
}

#[tokio::test]
async fn nobody_else_may_call_a_function_or_use_it_in_a_trigger() {
    let db = Db::with("").await;
    let role = Role::new(&db, "stranger").await;
    db.run(&format!(
        "grant usage on schema rowcast to {0}; grant create on schema public to {0}",
        role.0
    ))
    .await;
    let open = format!(
        "select coalesce(string_agg(oid::regprocedure::text, ' '), 'none') from pg_proc
          where pronamespace = 'rowcast'::regnamespace and has_function_privilege('{}', oid, 'execute')",
        role.0
    );
    assert_eq!(db.value(&open).await, "none");
    let stranger = role.session(&db).await;
    let trigger = "create table mine (id int); create trigger x after insert on mine
                   for each row execute function rowcast.capture('1')";
    assert!(refused(&stranger, trigger).await);
    role.gone(&db).await;
}

#[tokio::test]
async fn the_owner_of_a_table_installs_without_being_superuser() {
    let db = Db::with("drop schema if exists rowcast cascade").await;
    db.run("drop schema rowcast cascade").await;
    let role = Role::new(&db, "owner").await;
    db.run(&format!(
        "create schema app authorization {0}; grant create on database {1} to {0}",
        role.0,
        db.value("current_database()").await
    ))
    .await;
    db.run(&format!("set session authorization {}", role.0)).await;
    db.run("create table app.t (id int primary key); create table app.p (id int primary key) partition by range (id)").await;
    db.run("create table app.p1 partition of app.p for values from (0) to (10)").await;
    db.watch("app.t", None).await;
    db.watch("app.p", None).await;
    db.run("reset session authorization; set session_replication_role = replica").await;
    db.run("insert into app.t values (1); insert into app.p values (1); truncate app.p").await;
    assert_eq!(db.log().await.len(), 3);
    db.run("set session_replication_role = origin").await;
    role.gone(&db).await;
}

#[tokio::test]
async fn a_role_that_may_only_make_triggers_gets_all_but_what_replicas_apply() {
    let db = Db::with("create table t (id int primary key)").await;
    db.run("drop schema rowcast cascade").await;
    let role = Role::new(&db, "maker").await;
    let database = db.value("current_database()").await;
    db.run(&format!(
        "grant create on database {database} to {0}; grant trigger, select on t to {0}",
        role.0
    ))
    .await;
    db.run(&format!("set session authorization {}", role.0)).await;
    db.watch("t", None).await;
    db.watch("t", None).await;
    db.run("reset session authorization; insert into t values (1)").await;
    assert_eq!(db.log().await, [r#"+ {"id":1}"#]);
    role.gone(&db).await;
}

#[tokio::test]
async fn a_type_with_a_cast_to_json_of_somebody_s_own_is_refused() {
    let db = Db::with(
        "create type evil as enum ('a');
         create function evil_json(evil) returns json language plpgsql as $$ begin return '1'; end $$;
         create cast (evil as json) with function evil_json(evil);
         create domain worse as evil; create type nested as (x worse[]);
         create table a (id int primary key, v evil); create table b (id int primary key, v nested[]);
         create table r (id int primary key); create table child (v worse) inherits (r)",
    )
    .await;
    for table in ["a", "b", "r"] {
        let error = db
            .admin
            .batch_execute(&format!("select rowcast.watch('{table}', '{{id}}')"))
            .await
            .unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(error.code(), &SqlState::FEATURE_NOT_SUPPORTED);
        assert!(
            error
                .message()
                .contains("type public.evil is cast to json by public.evil_json(public.evil)"),
            "{}",
            error.message()
        );
    }
    db.run("drop cast (evil as json); select rowcast.watch('a', '{id}'); insert into a values (1, 'a')").await;
    assert_eq!(db.log().await, [r#"+ {"id":1,"v":"a"}"#]);
}
