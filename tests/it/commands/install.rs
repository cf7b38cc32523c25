//! `install` and `uninstall`.

use std::path::PathBuf;
use std::process::Command;

use super::{Shop, TABLES, as_role, config, quoted, role, traces};
use crate::support::program::{Place, run};
use crate::support::{connect, fresh_database};

const INSTALLED: &str = "\
schema rowcast   created
orders           captured from now on
\"We're \"\"odd\"\"\"  captured from now on
events           captured from now on
";

#[tokio::test]
async fn what_was_done_is_said_table_by_table() {
    let shop = Shop::open().await;
    assert_eq!(shop.place.run(&["install"]).await.well(), INSTALLED);
    let again = shop.place.run(&["install"]).await.well();
    assert_eq!(again.matches("in place").count(), 4, "{again}");
    shop.sql(&format!("drop trigger {} on orders", shop.row_trigger().await)).await;
    let repaired = shop.place.run(&["install"]).await.well();
    assert!(repaired.contains("orders           repaired"), "{repaired}");
    assert_eq!(repaired.matches("in place").count(), 3, "{repaired}");
    shop.place.configure(&config(&shop.url, "[[table]]\nname = 'orders'\nrows = 'true'\n"));
    let fewer = shop.place.run(&["install"]).await.well();
    assert!(fewer.contains("events           not captured any more\n"), "{fewer}");
    assert_eq!(shop.ask("select count(*)::text from pg_trigger").await, "3");
}

/// They are on the daemon's machine, and installing may be done from another.
#[tokio::test]
async fn the_keys_of_auth_need_not_be_there_to_install() {
    let shop = Shop::open().await;
    let tables = "[auth.jwt]\nsecret_file = '/nowhere/jwt.secret'\n\
                  [[table]]\nname = 'orders'\nrows = 'id = auth.sub'\n";
    shop.place.configure(&config(&shop.url, tables));
    for command in [&["install", "--dry-run"][..], &["install"], &["status"], &["uninstall"]] {
        shop.place.run(command).await.well();
    }
    for command in ["check", "serve"] {
        let ended = shop.place.run(&[command]).await;
        assert_eq!(ended.code, Some(64), "{command}: {ended:?}");
        assert!(ended.stderr.contains("/nowhere/jwt.secret"), "{command}: {ended:?}");
    }
}

#[tokio::test]
async fn installing_again_changes_nothing() {
    let shop = Shop::open().await;
    shop.place.run(&["install"]).await.well();
    let before = traces::versions(&shop.client).await;
    assert!(before.len() > 30, "{before:?}");
    shop.place.run(&["install"]).await.well();
    assert_eq!(traces::versions(&shop.client).await, before);
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_prints_what_install_would_run() {
    let (shop, other) = (Shop::open().await, Shop::open().await);
    let daemon = role(&shop.client).await;
    let before = traces::everything(&shop.client).await;
    let sql = shop.place.run(&["install", "--dry-run", "--grant-to", &daemon]).await.well();
    assert_eq!(traces::everything(&shop.client).await, before);
    other.place.run(&["install", "--grant-to", &daemon]).await.well();
    run_as_users_would(&shop, &sql).await;
    let installed = traces::schema(&other.client).await;
    assert!(installed.iter().any(|line| line.contains("!rowcast_N_row")), "{installed:?}");
    assert_eq!(traces::schema(&shop.client).await, installed);
    let in_place = shop.place.run(&["install"]).await.well();
    assert_eq!(in_place.matches("in place").count(), 4, "{in_place}");
}

/// With psql, where there is one: not every package of the server programs has it.
async fn run_as_users_would(shop: &Shop, sql: &str) {
    let Some(psql) = psql() else { return shop.sql(sql).await };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), sql).unwrap();
    let mut command = Command::new(psql);
    command.args(["-X", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file.path()).arg(&shop.url);
    let ended = run(command).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
}

fn psql() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
    places.extend(std::env::split_paths(&path));
    places.iter().map(|place| place.join("psql")).find(|program| program.exists())
}

#[tokio::test]
async fn uninstalling_leaves_no_trace() {
    let shop = Shop::open().await;
    let daemon = role(&shop.client).await;
    shop.sql("insert into orders values (1, 'open', 'x')").await;
    let before = traces::everything(&shop.client).await;
    shop.place.run(&["install", "--grant-to", &daemon]).await.well();
    shop.sql("update orders set status = 'paid'; insert into events values (now(), 1)").await;
    assert_ne!(traces::everything(&shop.client).await, before);
    let said = shop.place.run(&["uninstall"]).await.well();
    assert_eq!(
        said,
        "orders: not captured any more\n\"We're \"\"odd\"\"\": not captured any more\n\
         events: not captured any more\nschema rowcast: removed, with the change log\n"
    );
    assert_eq!(traces::everything(&shop.client).await, before);
    shop.sql("update orders set status = 'shipped'; truncate events").await;
    assert_eq!(shop.ask("select status from orders").await, "shipped");
}

#[tokio::test]
async fn uninstalling_nothing_is_fine() {
    let shop = Shop::open().await;
    let said = shop.place.run(&["uninstall"]).await.well();
    assert!(said.starts_with("nothing to remove: rowcast is not installed in "), "{said}");
}

#[tokio::test]
async fn uninstalling_needs_no_table() {
    let shop = Shop::open().await;
    shop.place.run(&["install"]).await.well();
    shop.sql("drop table orders, events").await;
    shop.place.configure(&config(&shop.url, "[[table]]\nname = 'gone'\nrows = 'true'\n"));
    let said = shop.place.run(&["uninstall"]).await.well();
    assert!(said.contains("schema rowcast: removed"), "{said}");
    assert_eq!(shop.ask("select count(*)::text from pg_trigger").await, "0");
}

#[tokio::test]
async fn somebody_elses_schema_is_left_alone() {
    let shop = Shop::open().await;
    shop.sql("create schema rowcast; create table rowcast.actors (id int)").await;
    for command in ["install", "uninstall"] {
        let ended = shop.place.run(&[command]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("a schema `rowcast` which isn't rowcast's"), "{ended:?}");
    }
    assert_eq!(shop.ask("select count(*)::text from pg_trigger").await, "0");
    shop.sql("select from rowcast.actors").await;
}

#[tokio::test]
async fn a_role_that_may_not_create_the_schema_is_told_the_grant() {
    let url = fresh_database().await;
    let admin = connect(&url).await;
    let owner = role(&admin).await;
    let sql =
        format!("grant create on schema public to {0}; set role {0}; {TABLES}", quoted(&owner));
    admin.batch_execute(&sql).await.unwrap();
    let listed = "[[table]]\nname = 'orders'\nrows = 'true'\n";
    let place = Place::with(&config(&as_role(&url, &owner), listed));
    let ended = place.run(&["install"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let grant = ended.stderr.split_once("may not create the schema `rowcast`: ").unwrap().1;
    assert!(grant.starts_with("grant create on database "), "{grant}");
    admin.batch_execute(&format!("reset role; {grant}")).await.unwrap();
    place.run(&["install"]).await.well();
    place.run(&["uninstall"]).await.well();
}

#[tokio::test]
async fn a_role_that_does_not_exist_can_be_granted_nothing() {
    let shop = Shop::open().await;
    let ended = shop.place.run(&["install", "--grant-to", "nobody here"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("there is no role `nobody here`"), "{ended:?}");
    assert_eq!(shop.ask("select count(*)::text from pg_trigger").await, "0");
}
