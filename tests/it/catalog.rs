//! What is found of the listed tables in a real database, and what is said of those that aren't
//! there.

mod types;

use rowcast::catalog::{self, At, Found, Kind, LoadError, Problem, TableId};
use rowcast::policy::TableSettings;
use tokio_postgres::Client;

use crate::support;

fn listed(name: &str) -> TableSettings {
    TableSettings::open_to_all(name)
}

fn keyed(name: &str, key: &[&str]) -> TableSettings {
    TableSettings { key: Some(key.iter().map(|column| (*column).into()).collect()), ..listed(name) }
}

async fn database(sql: &str) -> Client {
    let client = support::connect(&support::fresh_database().await).await;
    client.batch_execute(sql).await.unwrap();
    client
}

/// The database's name, which no other test has.
async fn name_of(client: &Client) -> String {
    client.query_one("select current_database()::text", &[]).await.unwrap().get(0)
}

async fn found(client: &Client, tables: &[TableSettings]) -> Vec<Found> {
    let loaded = catalog::load(client, tables).await.unwrap();
    assert_eq!(loaded.faults, []);
    loaded.found
}

/// What is said of each fault: where, message and help.
async fn faults(client: &Client, tables: &[TableSettings]) -> Vec<(usize, At, String)> {
    let faults = match catalog::load(client, tables).await {
        Ok(loaded) => loaded.faults,
        Err(LoadError::Faults(faults)) => faults,
        Err(error) => panic!("{error}"),
    };
    let text = |problem: &Problem| format!("{problem} | {}", problem.help());
    faults.iter().map(|fault| (fault.table, fault.at, text(&fault.problem))).collect()
}

fn texts(faults: Vec<(usize, At, String)>) -> Vec<String> {
    faults.into_iter().map(|(_, _, text)| text).collect()
}

#[tokio::test]
async fn columns_come_in_order_and_the_key_in_the_primary_key_s() {
    let client = database(
        "create type mood as enum ('sad', 'ok');
         create table t (a int not null, gone text, b varchar(20) not null, c text[], m mood,
           primary key (b, a));
         alter table t drop column gone",
    )
    .await;
    let [table] = found(&client, &[listed("t")]).await.try_into().unwrap();
    let columns: Vec<(&str, &str)> =
        table.columns.iter().map(|c| (c.name.as_str(), c.type_name.as_str())).collect();
    assert_eq!(
        columns,
        [("a", "integer"), ("b", "character varying(20)"), ("c", "text[]"), ("m", "mood")]
    );
    assert_eq!(table.key, ["b", "a"]);
    assert_eq!(table.kind, Kind::Ordinary);
    let table = table.into_table(TableId(7));
    assert_eq!((table.id, table.listed_as.as_str()), (TableId(7), "t"));
}

#[tokio::test]
async fn names_are_taken_literally() {
    let client = database(
        r#"create schema "we.ird"; create schema sales;
           create table "we.ird"."Tab""le" ("Größe €" int primary key);
           create table sales.orders (id int primary key);
           create table "My Table" (id int primary key);
           create table "sales.orders" (x int primary key)"#,
    )
    .await;
    let names = [r#""we.ird"."Tab""le""#, "sales.orders", "My Table", r#""sales.orders""#];
    let found = found(&client, &names.map(listed)).await;
    let keys: Vec<&str> = found.iter().map(|table| table.key[0].as_str()).collect();
    assert_eq!(keys, ["Größe €", "id", "id", "x"]);
    let schemas: Vec<&str> = found.iter().map(|table| table.schema.as_str()).collect();
    assert_eq!(schemas, ["we.ird", "sales", "public", "public"]);
}

#[tokio::test]
async fn partitioned_and_inherited_tables_are_told_apart() {
    let client = database(
        "create table p (id int primary key) partition by range (id);
         create table p1 partition of p for values from (0) to (10) partition by range (id);
         create table p11 partition of p1 for values from (0) to (5);
         create table parent (id int primary key);
         create table child (extra text) inherits (parent)",
    )
    .await;
    let found = found(&client, &[listed("p"), listed("parent")]).await;
    assert_eq!(found[0].kind, Kind::Partitioned);
    assert_eq!(found[1].kind, Kind::Inherited);
    let said = faults(&client, &[listed("p11"), keyed("child", &["id"])]).await;
    assert_eq!(
        said,
        [
            (
                0,
                At::Name,
                "`p11` is a partition | list `p`: the changes of its partitions come under its name"
                    .into()
            ),
            (
                1,
                At::Key,
                "`key` may not identify a row of `child`: no unique index makes sure of it | readers take rows \
                 with equal keys for one row; key = [] sends events without a key"
                    .into()
            ),
        ]
    );
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_answered_with_the_one_that_was_meant() {
    let client = database(
        "create schema sales; create table orders (id int primary key);
         create table sales.invoices (id int primary key);
         create table \"Customers\" (id int primary key)",
    )
    .await;
    let names = ["ordres", "invoices", "customers", "sales.orders", "xyzzy"];
    assert_eq!(
        texts(faults(&client, &names.map(listed)).await),
        [
            "table `ordres` doesn't exist | did you mean `orders`?",
            "table `invoices` doesn't exist | there is `sales.invoices`",
            "table `customers` doesn't exist | there is `Customers`",
            "table `sales.orders` doesn't exist | there is `orders`",
            "table `xyzzy` doesn't exist | there is `Customers`, `orders`, `sales.invoices`",
        ]
    );
}

#[tokio::test]
async fn a_name_longer_than_postgres_keeps_is_not_cut() {
    let long = "x".repeat(63);
    let client = database(&format!("create table {long} (id int primary key)")).await;
    assert_eq!(found(&client, &[listed(&long)]).await.len(), 1);
    let said = faults(&client, &[listed(&format!("{long}y"))]).await;
    assert!(said[0].2.contains("doesn't exist"), "{said:?}");
}

#[tokio::test]
async fn what_is_no_table_is_refused_with_the_reason() {
    let client = database(
        "create table t (id int primary key); create view v as select * from t;
         create materialized view m as select * from t; create sequence s; create index i on t (id);
         create foreign data wrapper elsewhere; create server far foreign data wrapper elsewhere;
         create foreign table f (line text) server far;
         create temporary table tmp (id int primary key);
         create schema rowcast; create table rowcast.log (id int primary key)",
    )
    .await;
    let temporary = client
        .query_one("select nspname::text from pg_namespace where oid = pg_my_temp_schema()", &[])
        .await
        .unwrap();
    let temporary = format!("{}.tmp", temporary.get::<_, String>(0));
    let names =
        ["v", "m", "s", "i", "f", &temporary, "rowcast.log", "pg_catalog.pg_class"].map(listed);
    let said: Vec<String> = faults(&client, &names)
        .await
        .into_iter()
        .map(|(_, _, text)| text.split(" | ").next().unwrap().replace(&temporary, "tmp"))
        .collect();
    assert_eq!(
        said,
        [
            "`v` is a view",
            "`m` is a materialized view",
            "`s` is not a table",
            "`i` is not a table",
            "`f` is a foreign table",
            "`tmp` is a temporary table",
            "`rowcast.log` is one of rowcast's own",
            "`pg_catalog.pg_class` is a system catalog",
        ]
    );
}

#[tokio::test]
async fn columns_that_do_not_exist_are_pointed_at() {
    let client = database("create table t (id int primary key, total int, note text)").await;
    let table = TableSettings {
        columns: Some(vec!["id".into(), "totl".into()]),
        hide: vec!["nite".into(), "zzz".into()],
        key: Some(vec!["id".into(), "Total".into()]),
        ..listed("t")
    };
    assert_eq!(
        faults(&client, &[table]).await,
        [
            (0, At::Columns(1), "table `t` has no column `totl` | did you mean `total`?".into()),
            (0, At::Hide(0), "table `t` has no column `nite` | did you mean `note`?".into()),
            (0, At::Hide(1), "table `t` has no column `zzz` | it has `id`, `total`, `note`".into()),
            (0, At::KeyItem(1), "table `t` has no column `Total` | did you mean `total`?".into()),
        ]
    );
}

#[tokio::test]
async fn a_table_without_a_primary_key_needs_one_in_the_configuration() {
    let client = database(
        "create table bare (a int, b int);
         create table almost (sku text not null unique, region text)",
    )
    .await;
    assert_eq!(
        texts(faults(&client, &[listed("bare"), listed("almost")]).await),
        [
            "table `bare` has no primary key | name the columns that identify a row, key = [\"a\", \"b\"], or send \
             events without a key, key = []",
            "table `almost` has no primary key | name the columns that identify a row, key = [\"sku\"], or send \
             events without a key, key = []",
        ]
    );
    let found = found(&client, &[keyed("bare", &[]), keyed("almost", &["sku"])]).await;
    assert_eq!((found[0].key.len(), &found[1].key[0]), (0, &"sku".to_owned()));
}

#[tokio::test]
async fn a_key_that_the_database_does_not_enforce_is_warned_about() {
    let client = database(
        "create table t (a int, b int not null);
         create unique index on t (b) where a > 0; create unique index on t ((b + 1))",
    )
    .await;
    let loaded = catalog::load(&client, &[keyed("t", &["a", "b"])]).await.unwrap();
    assert_eq!(loaded.found[0].key, ["a", "b"]);
    let said: Vec<(At, String)> =
        loaded.faults.iter().map(|fault| (fault.at, fault.problem.to_string())).collect();
    assert_eq!(
        said,
        [
            (At::KeyItem(0), "column `a` of the key of `t` can be null".into()),
            (
                At::Key,
                "`key` may not identify a row of `t`: no unique index makes sure of it".into()
            ),
        ]
    );
}

#[tokio::test]
async fn a_primary_key_can_not_be_hidden() {
    let client = database("create table t (id int primary key, x int)").await;
    let table = TableSettings { hide: vec!["x".into(), "id".into()], ..listed("t") };
    let said = faults(&client, &[table]).await;
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].1, &said[0].2[..19]), (At::Hide(1), "column `id` identif"));
}

#[tokio::test]
async fn what_a_role_lacks_is_named_with_the_grant_that_gives_it() {
    let admin = database("").await;
    let role = format!("it's \"{}", name_of(&admin).await);
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    admin
        .batch_execute(&format!(
            "create role {quoted}; create schema closed;
             create table closed.t (id int primary key);
             create table half (id int primary key); grant select on half to {quoted};
             create table p (id int primary key) partition by range (id);
             create table p1 partition of p for values from (0) to (9);
             grant select, trigger on p to {quoted}; set role {quoted}"
        ))
        .await
        .unwrap();
    let tables = ["closed.t", "half", "p"].map(listed);
    let said = faults(&admin, &tables).await;
    let grants: Vec<String> =
        said.iter().map(|(_, _, text)| text.split(" | ").nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        grants,
        [
            format!("grant usage on schema \"closed\" to {quoted};"),
            format!("grant select on \"closed\".\"t\" to {quoted};"),
            format!("grant trigger on \"closed\".\"t\" to {quoted};"),
            format!("grant trigger on \"public\".\"half\" to {quoted};"),
            format!("grant trigger on \"public\".\"p1\" to {quoted};"),
        ]
    );
    let all = format!("reset role; {} set role {quoted}", grants.join(" "));
    admin.batch_execute(&all).await.unwrap();
    assert_eq!(found(&admin, &tables).await.len(), 3);
    admin
        .batch_execute(&format!("reset role; drop owned by {quoted}; drop role {quoted}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_table_that_has_rowcast_s_trigger_already_needs_no_right_to_create_it() {
    let admin = database("").await;
    let role = format!("reader_of_{}", name_of(&admin).await);
    admin
        .batch_execute(&format!(
            "create role {role}; create schema rowcast; create table t (id int primary key);
             create function rowcast.f() returns trigger language plpgsql as 'begin return null; end';
             create trigger x after insert on t for each row execute function rowcast.f();
             grant select on t to {role}; set role {role}"
        ))
        .await
        .unwrap();
    assert_eq!(found(&admin, &[listed("t")]).await.len(), 1);
    admin
        .batch_execute(&format!("reset role; drop owned by {role}; drop role {role}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn row_level_security_and_unlogged_tables_are_warned_about() {
    let client = database(
        "create unlogged table u (id int primary key); create table r (id int primary key);
         alter table r enable row level security",
    )
    .await;
    let loaded = catalog::load(&client, &[listed("u"), listed("r")]).await.unwrap();
    assert_eq!(loaded.found.len(), 2);
    let said: Vec<String> = loaded.faults.iter().map(|fault| fault.problem.to_string()).collect();
    assert!(said[0].starts_with("`u` is unlogged"), "{said:?}");
    assert!(said[1].starts_with("`r` has row-level security"), "{said:?}");
}

#[tokio::test]
async fn rows_that_can_not_be_read_are_warned_about() {
    let admin = database(
        "create table t (id int primary key); create table r (id int primary key);
         alter table r enable row level security",
    )
    .await;
    let role = format!("reader_{}", rand::random::<u32>());
    let grant = format!(
        "create role {role}; grant trigger, select on t, r to {role};
         grant usage on schema public to {role}; set role {role}"
    );
    admin.batch_execute(&grant).await.unwrap();
    let said = |loaded: catalog::Loaded| -> Vec<String> {
        loaded.faults.iter().map(|fault| fault.problem.to_string()).collect()
    };
    let told = said(catalog::load(&admin, &[listed("t"), listed("r")]).await.unwrap());
    assert!(
        told.iter().any(|one| one.starts_with("row-level security keeps rows of `r`")),
        "{told:?}"
    );
    assert!(!told.iter().any(|one| one.contains("`t`")), "{told:?}");
    admin
        .batch_execute(&format!("reset role; drop owned by {role}; drop role {role}"))
        .await
        .unwrap();
}
