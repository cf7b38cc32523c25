//! What happens when watched tables are altered while a daemon runs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::delivery::fixture::{Client, in_time};
use crate::support::program::{Place, Running};
use crate::support::{self, eventually};

/// A database with a daemon beside it, and a client of the daemon's.
struct Stage {
    url: String,
    admin: tokio_postgres::Client,
    place: Place,
    daemon: Running,
    client: Client,
}

fn configuration(url: &str, tables: &str) -> String {
    format!(
        "[database]\nurl = {url:?}\n[server]\nlisten = \"127.0.0.1:0\"\n[auth]\nanonymous = true\n{tables}"
    )
}

async fn client_of(daemon: &mut Running) -> Client {
    let address = daemon.address().await;
    let address = address.strip_prefix("http://").unwrap().parse().unwrap();
    let mut client = Client::connect(address).await;
    assert_eq!(client.next().await["op"], "hello");
    client
}

impl Stage {
    async fn set(sql: &str, tables: &str) -> Self {
        let url = support::fresh_database().await;
        let admin = support::connect(&url).await;
        admin.batch_execute(sql).await.unwrap();
        let place = Place::with(&configuration(&url, tables));
        let mut daemon = place.start(&["serve"]);
        let client = client_of(&mut daemon).await;
        Self { url, admin, place, daemon, client }
    }

    async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap();
    }

    /// The next message that isn't the end of a batch.
    async fn next(&mut self) -> Value {
        let news = async {
            loop {
                let message = self.client.next().await;
                if message["op"] != "commit" {
                    return message;
                }
            }
        };
        in_time("a message", news).await
    }

    async fn subscribe(&mut self, id: &str, table: &str) -> Value {
        let subscribe = json!({"op": "subscribe", "id": id, "table": table});
        let answer = eventually("the table is there", async || {
            self.client.send(&subscribe).await;
            Some(self.next().await).filter(|answer| answer["code"] != "unavailable")
        })
        .await;
        assert_eq!((&answer["op"], &answer["id"]), (&json!("subscribed"), &json!(id)), "{answer}");
        answer
    }

    async fn next_event(&mut self) -> Value {
        let message = self.next().await;
        assert_eq!(message["op"], "events", "{message}");
        message["events"][0].clone()
    }

    /// The names of the columns after the feed was reset.
    async fn is_reset(&mut self) -> Vec<String> {
        let reset = self.next().await;
        assert_eq!((&reset["op"], &reset["reason"]), (&json!("reset"), &json!("table_changed")));
        let subscribed = self.next().await;
        assert_eq!(subscribed["op"], "subscribed", "{subscribed}");
        let columns = subscribed["columns"].as_array().unwrap();
        columns.iter().map(|column| column["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The subscription ends because the table can't be served.
    async fn is_unavailable(&mut self, id: &str) {
        let error = self.next().await;
        assert_eq!(
            (&error["op"], &error["id"], &error["code"]),
            (&json!("error"), &json!(id), &json!("unavailable")),
            "{error}"
        );
    }
}

const ITEMS: &str = "[[table]]\nname = \"items\"\nrows = \"true\"\n";

#[tokio::test]
async fn columns_that_are_renamed_dropped_or_of_another_type_are_subscribed_anew() {
    let mut stage =
        Stage::set("create table items (id int primary key, a text, b int, c text)", ITEMS).await;
    stage.subscribe("a", "items").await;
    stage.run("alter table items rename a to name").await;
    assert_eq!(stage.is_reset().await, ["id", "name", "b", "c"]);
    stage.daemon.logs("column `a` is called `name` now").await;

    stage.run("alter table items drop c").await;
    assert_eq!(stage.is_reset().await, ["id", "name", "b"]);
    stage.daemon.logs("column `c` was dropped").await;

    stage.run("alter table items alter b type numeric").await;
    assert_eq!(stage.is_reset().await, ["id", "name", "b"]);
    stage.daemon.logs("column `b` is numeric now, and was integer").await;

    stage.run("insert into items values (1, 'x', 1.50)").await;
    let event = stage.next_event().await;
    assert_eq!(event["data"], json!({"id": 1, "name": "x", "b": 1.50}));
}

#[tokio::test]
async fn looking_at_many_tables_is_quick() {
    let names: Vec<String> = (0..12).map(|number| format!("items_{number}")).collect();
    let made = |name: &String| format!("create table {name} (id int primary key, a text);");
    let listed = |name: &String| format!("[[table]]\nname = \"{name}\"\nrows = \"true\"\n");
    let (made, listed): (String, String) =
        (names.iter().map(made).collect(), names.iter().map(listed).collect());
    let mut stage = Stage::set(&made, &listed).await;
    stage.subscribe("a", "items_7").await;
    let mut fastest = Duration::MAX;
    for (from, to) in [("a", "b"), ("b", "a"), ("a", "b"), ("b", "a")] {
        let since = Instant::now();
        stage.run(&format!("alter table items_7 rename {from} to {to}")).await;
        assert_eq!(stage.is_reset().await, ["id", to]);
        fastest = fastest.min(since.elapsed());
    }
    assert!(fastest < Duration::from_secs(3), "noticed after {fastest:?} at best");
}

#[tokio::test]
async fn a_new_column_is_not_shown_before_a_restart() {
    let mut stage = Stage::set("create table items (id int primary key, a text)", ITEMS).await;
    stage.subscribe("a", "items").await;
    stage.run("alter table items add secret text default 's'").await;
    stage.daemon.logs("column `secret` was added: restart to serve it").await;
    stage.run("insert into items values (1, 'x', 'hush')").await;
    assert_eq!(stage.next_event().await["data"], json!({"id": 1, "a": "x"}));

    let mut daemon = stage.place.start(&["serve"]);
    let mut client = client_of(&mut daemon).await;
    let columns = client.subscribe("a", "items").await["columns"].clone();
    assert_eq!(columns.as_array().unwrap().len(), 3, "{columns}");
}

#[tokio::test]
async fn a_table_that_lacks_a_configured_column_is_not_served_until_it_has_it() {
    let table = format!("{ITEMS}hide = [\"secret\"]\n");
    let mut stage =
        Stage::set("create table items (id int primary key, secret text, a text)", &table).await;
    stage.subscribe("a", "items").await;
    stage.run("alter table items rename secret to s").await;
    stage.is_unavailable("a").await;
    stage.daemon.logs("the table isn't served any more").await;
    stage.run("insert into items values (1, 'hush', 'x')").await;

    stage.run("alter table items rename s to secret").await;
    stage.daemon.logs("the table is served again").await;
    stage.subscribe("b", "items").await;
    stage.run("insert into items values (2, 'hush', 'y')").await;
    assert_eq!(stage.next_event().await["data"], json!({"id": 2, "a": "y"}));
}

#[tokio::test]
async fn a_dropped_table_ends_its_feeds_and_no_others() {
    let tables = format!("{ITEMS}[[table]]\nname = \"others\"\nrows = \"true\"\n");
    let made = "create table items (id int primary key); create table others (id int primary key)";
    let mut stage = Stage::set(made, &tables).await;
    stage.subscribe("a", "items").await;
    stage.subscribe("b", "others").await;
    stage.run("drop table items").await;
    stage.is_unavailable("a").await;
    stage.daemon.logs("table `items` doesn't exist").await;
    stage.run("create table items (id int primary key); insert into items values (1)").await;
    stage.run("insert into others values (7)").await;
    assert_eq!(stage.next_event().await["key"], json!({"id": 7}));
}

#[tokio::test]
async fn a_renamed_table_is_not_served_nor_is_the_one_that_took_its_name() {
    let made = "create table items (id int primary key); create table spare (id int primary key)";
    let mut stage = Stage::set(made, ITEMS).await;
    stage.subscribe("a", "items").await;
    stage
        .run("begin; alter table items rename to was; alter table spare rename to items; commit")
        .await;
    stage.is_unavailable("a").await;
    stage.run("insert into items values (1); insert into was values (2)").await;
    stage
        .run("begin; alter table items rename to spare; alter table was rename to items; commit")
        .await;
    stage.daemon.logs("the table is served again").await;
    stage.subscribe("b", "items").await;
    stage.run("insert into items values (3)").await;
    assert_eq!(stage.next_event().await["key"], json!({"id": 3}));
}

#[tokio::test]
async fn a_new_label_of_an_enum_is_noticed() {
    let mut stage = Stage::set(
        "create type mood as enum ('sad', 'ok'); create table items (id int primary key, m mood)",
        ITEMS,
    )
    .await;
    stage.run("alter type mood add value 'great'").await;
    stage.daemon.logs("the type mood of column `m` is another one now").await;
}

#[tokio::test]
async fn a_moment_is_shown_in_utc_when_its_column_has_become_one() {
    let mut stage = Stage::set("create table items (id int primary key, at date)", ITEMS).await;
    stage.subscribe("a", "items").await;
    stage.run("alter table items alter at type timestamptz using at").await;
    stage.daemon.logs("the capture was adapted to the altered table").await;
    stage.is_unavailable("a").await;
    stage.subscribe("b", "items").await;
    stage.run("set timezone = 'Asia/Tokyo'; insert into items values (1, '2026-01-01')").await;
    let at = stage.next_event().await["data"]["at"].clone();
    assert_eq!(at, "2025-12-31T15:00:00+00:00");
}

#[tokio::test]
async fn a_daemon_that_may_not_adapt_the_capture_says_what_to_run() {
    let url = support::fresh_database().await;
    let admin = support::connect(&url).await;
    admin.batch_execute("create table items (id int primary key, at date)").await.unwrap();
    let place = Place::with(&configuration(&url, ITEMS));
    place.run(&["install"]).await.well();
    let mut daemon = place.start(&["serve", "--no-install"]);
    let client = client_of(&mut daemon).await;
    let mut stage = Stage { url, admin, place, daemon, client };
    stage.subscribe("a", "items").await;
    stage.run("alter table items alter at type timestamptz using at").await;
    stage.is_unavailable("a").await;
    let said = stage.daemon.logs("the capture doesn't fit the altered table").await;
    assert!(said.contains("rowcast install"), "{said}");
    stage.place.run(&["install"]).await.well();
    stage.daemon.logs("the table is served again").await;
    stage.subscribe("b", "items").await;
}

#[tokio::test]
async fn changes_that_a_disabled_trigger_missed_are_not_passed_over() {
    let mut stage = Stage::set("create table items (id int primary key)", ITEMS).await;
    stage.subscribe("a", "items").await;
    let before = epoch(&stage.admin).await;
    stage.run("alter table items disable trigger all; insert into items values (1)").await;
    stage.daemon.logs("the capture was adapted to the altered table").await;
    let enabled = "select count(*) from pg_trigger where tgrelid = 'items'::regclass
                   and tgname like '!rowcast%' and tgenabled = 'A'";
    let enabled: i64 = stage.admin.query_one(enabled, &[]).await.unwrap().get(0);
    assert_eq!(enabled, 3);
    eventually("an epoch begins", async || (epoch(&stage.admin).await != before).then_some(()))
        .await;
}

#[tokio::test]
async fn a_new_partition_disturbs_nobody() {
    let made = "create table items (id int primary key) partition by range (id);
                create table items_1 partition of items for values from (0) to (10)";
    let mut stage = Stage::set(made, ITEMS).await;
    stage.subscribe("a", "items").await;
    let before = epoch(&stage.admin).await;
    stage.run("create table items_2 partition of items for values from (10) to (20)").await;
    stage.daemon.logs("the capture was adapted to the altered table").await;
    stage.run("insert into items values (11)").await;
    assert_eq!(stage.next_event().await["key"], json!({"id": 11}));
    assert_eq!(epoch(&stage.admin).await, before);
}

/// The epoch of the log; no cursor of another one is good.
async fn epoch(client: &tokio_postgres::Client) -> i64 {
    client.query_one("select epoch from rowcast.meta", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_daemon_outlives_the_loss_of_the_session_that_looks() {
    let mut stage = Stage::set("create table items (id int primary key, a text)", ITEMS).await;
    stage.subscribe("a", "items").await;
    let other = support::connect(&stage.url).await;
    let ended = eventually("the session is there", async || {
        let query = "select pg_terminate_backend(pid) from pg_stat_activity
                     where application_name like '%catalog%' and datname = current_database()";
        other.query(query, &[]).await.unwrap().first().map(|row| row.get::<_, bool>(0))
    })
    .await;
    assert!(ended);
    stage.daemon.logs("can't look at the catalog").await;
    stage.run("alter table items rename a to b").await;
    assert_eq!(stage.is_reset().await, ["id", "b"]);
}
