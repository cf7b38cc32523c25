//! The least that roles need, exactly as README.md has it.

use serde_json::Value;

use super::{as_role, config, quoted, role};
use crate::support::program::Place;
use crate::support::{connect, fresh_database};

const LISTED: &str = "
[[table]]
name = 'shop.orders'
rows = 'true'
[[table]]
name = 'shop.events'
rows = 'true'
key = []
";

/// What the installing role is granted, besides owning the tables.
const TO_THE_INSTALLING_ROLE: &str = "grant create on database {database} to {owner};";

/// An owner of the tables who installs, and a role that runs the daemon.
struct Roles {
    admin: tokio_postgres::Client,
    daemon: String,
    owners_place: Place,
    daemons_place: Place,
    as_owner: tokio_postgres::Client,
    as_daemon: tokio_postgres::Client,
}

impl Roles {
    async fn installed() -> Self {
        let url = fresh_database().await;
        let admin = connect(&url).await;
        let (owner, daemon) = (role(&admin).await, role(&admin).await);
        let (owners_url, daemons_url) = (as_role(&url, &owner), as_role(&url, &daemon));
        let database = admin.query_one("select current_database()::text", &[]).await.unwrap();
        let grant = TO_THE_INSTALLING_ROLE
            .replace("{database}", database.get(0))
            .replace("{owner}", &quoted(&owner));
        let schema = format!("create schema shop authorization {};", quoted(&owner));
        admin.batch_execute(&format!("{grant} {schema}")).await.unwrap();
        let as_owner = connect(&owners_url).await;
        let tables = "create table shop.orders (id int primary key, status text);
                      create table shop.events (at timestamptz, day int) partition by list (day);
                      create table shop.events_1 partition of shop.events for values in (1)";
        as_owner.batch_execute(tables).await.unwrap();
        let owners_place = Place::with(&config(&owners_url, LISTED));
        let daemons_place = Place::with(&config(&daemons_url, LISTED));
        owners_place.run(&["install", "--grant-to", &daemon]).await.well();
        let as_daemon = connect(&daemons_url).await;
        Self { admin, daemon, owners_place, daemons_place, as_owner, as_daemon }
    }
}

#[tokio::test]
async fn the_tables_owner_installs_and_serves() {
    let roles = Roles::installed().await;
    let mut daemon = roles.owners_place.start(&["serve"]);
    let url = daemon.address().await;
    let mut tail = roles.owners_place.start(&["tail", "shop.orders", "--json", "--url", &url]);
    tail.logs("live").await;
    let write = "insert into shop.orders values (1, 'open'); truncate shop.orders, shop.events";
    roles.as_owner.batch_execute(write).await.unwrap();
    for expected in ["created", "truncated"] {
        let event: Value = serde_json::from_str(&tail.line().await).unwrap();
        assert_eq!(event["event"], expected);
    }
    drop(daemon);
    roles.owners_place.run(&["uninstall"]).await.well();
}

#[tokio::test]
async fn the_daemon_needs_what_install_grants_it_and_nothing_more() {
    let roles = Roles::installed().await;
    let place = &roles.daemons_place;
    let mut daemon = place.start(&["serve", "--no-install"]);
    let url = daemon.address().await;
    let mut tail = place.start(&["tail", "shop.orders", "--json", "--url", &url]);
    tail.logs("live").await;
    roles.as_owner.batch_execute("insert into shop.orders values (1, 'open')").await.unwrap();
    let event: Value = serde_json::from_str(&tail.line().await).unwrap();
    assert_eq!((&event["event"], &event["data"]["status"]), (&"created".into(), &"open".into()));
    // Written by somebody who may write to the table and knows nothing of the log.
    let writer = role(&roles.admin).await;
    let write = format!(
        "grant usage on schema shop to {0}; grant insert on shop.orders to {0}; set role {0};
         insert into shop.orders values (2, 'new'); reset role",
        quoted(&writer)
    );
    roles.admin.batch_execute(&write).await.unwrap();
    let event: Value = serde_json::from_str(&tail.line().await).unwrap();
    assert_eq!(event["key"]["id"], 2);
    let status = place.run(&["status"]).await.well();
    assert!(status.contains("alive"), "{status}");
    assert!(status.contains("shop.orders  key id\n"), "{status}");
    assert!(status.contains("behind by "), "{status}");
}

#[tokio::test]
async fn the_daemons_role_changes_nothing() {
    let roles = Roles::installed().await;
    for forbidden in [
        "select from shop.orders",
        "insert into rowcast.log_0 select * from rowcast.log_0",
        "update rowcast.meta set version = 7",
        "truncate rowcast.log_0",
        "select rowcast.unwatch(1)",
        "select rowcast.watch('shop.orders', '{}')",
        "select rowcast.rotate()",
        "create table rowcast.mine ()",
    ] {
        let refused = roles.as_daemon.batch_execute(forbidden).await.unwrap_err();
        let code = refused.code().unwrap_or_else(|| panic!("{forbidden}: {refused:?}")).code();
        assert_eq!(code, "42501", "{forbidden}: {refused:?}");
    }
    for command in ["uninstall", "install"] {
        let ended = roles.daemons_place.run(&[command]).await;
        if command == "uninstall" {
            assert_eq!(ended.code, Some(1), "{ended:?}");
            assert!(ended.stderr.contains("the schema `rowcast` belongs to role"), "{ended:?}");
        }
    }
    roles.as_owner.batch_execute("insert into shop.orders values (1, 'open')").await.unwrap();
    let logged = "select count(*) from rowcast.log_0";
    assert_eq!(roles.as_daemon.query_one(logged, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_role_without_the_grants_is_told_how_to_get_them() {
    let roles = Roles::installed().await;
    let admin = &roles.admin;
    let stranger = role(admin).await;
    let url = as_role(&crate::support::cluster().url("postgres"), &stranger);
    let database = admin.query_one("select current_database()::text", &[]).await.unwrap();
    let url = url.replace("/postgres?", &format!("/{}?", database.get::<_, &str>(0)));
    let place = Place::with(&config(&url, LISTED));
    for command in [&["serve", "--no-install"][..], &["serve"], &["status"]] {
        let ended = place.run(command).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let said = format!("role `{stranger}` may not use rowcast's objects");
        assert!(ended.stderr.contains(&said), "{ended:?}");
        assert!(ended.stderr.contains("rowcast install --grant-to"), "{ended:?}");
    }
    assert_ne!(stranger, roles.daemon);
}

#[tokio::test]
async fn the_right_to_create_triggers_is_enough_for_tables_of_others() {
    let url = fresh_database().await;
    let admin = connect(&url).await;
    let installer = role(&admin).await;
    let database = admin.query_one("select current_database()::text", &[]).await.unwrap();
    let sql = format!(
        "create schema shop; create table shop.orders (id int primary key, status text);
         create table shop.events (at timestamptz);
         grant create on database {database} to {name}; grant usage on schema shop to {name};
         grant select, trigger on shop.orders, shop.events to {name}",
        database = database.get::<_, &str>(0),
        name = quoted(&installer),
    );
    admin.batch_execute(&sql).await.unwrap();
    let place = Place::with(&config(&as_role(&url, &installer), LISTED));
    let installed = place.run(&["install"]).await;
    let warning = "changes of `shop.orders` under session_replication_role = replica are missed";
    assert!(installed.stderr.contains(warning), "{installed:?}");
    installed.well();
    admin.batch_execute("insert into shop.orders values (1)").await.unwrap();
    let logged = admin.query_one("select count(*) from rowcast.log_0", &[]).await.unwrap();
    assert_eq!(logged.get::<_, i64>(0), 1);
    let removed = place.run(&["uninstall"]).await.well();
    assert!(removed.contains("shop.orders: not captured any more"), "{removed}");
    let left = admin.query_one("select count(*) from pg_trigger", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
}
