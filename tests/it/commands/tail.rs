//! `tail`.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{LISTED, Shop, config};
use crate::support::program::{Place, Running};

struct Feed {
    shop: Shop,
    daemon: Running,
    url: String,
}

impl Feed {
    async fn open() -> Self {
        let shop = Shop::open().await;
        let mut daemon = shop.place.start(&["serve"]);
        let url = daemon.address().await;
        Self { shop, daemon, url }
    }

    /// From a directory without a configuration.
    async fn tail(&self, arguments: &[&str]) -> (Running, Place) {
        let place = Place::empty();
        let mut tail = place.start(&[&["tail", "--url", &self.url], arguments].concat());
        tail.logs("live, from http://127.0.0.1:").await;
        (tail, place)
    }

    async fn refusal(&self, arguments: &[&str]) -> String {
        let ended = Place::empty().run(&[&["tail", "--url", &self.url], arguments].concat()).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        ended.stderr
    }
}

#[tokio::test]
async fn people_read_lines() {
    let feed = Feed::open().await;
    let (mut tail, _place) = feed.tail(&["orders"]).await;
    feed.shop.sql("insert into orders values (1, 'open', 'secret')").await;
    feed.shop.sql("update orders set status = 'paid'").await;
    feed.shop.sql("set rowcast.origin = 'night'; delete from orders; truncate orders").await;
    for expected in [
        "created    id=1  {status: \"open\"}",
        "patched    id=1  status: \"open\" → \"paid\"",
        "removed    id=1  {status: \"paid\"}  by night",
        "truncated  by night",
    ] {
        let line = tail.line().await;
        let (time, rest) = line.split_once("  ").unwrap();
        assert_eq!(rest, expected);
        assert!(time.len() == 13 && time.ends_with('Z'), "{line}");
    }
}

#[tokio::test]
async fn programs_read_the_events_as_they_came() {
    let feed = Feed::open().await;
    let (mut tail, _place) = feed.tail(&["\"We're \"\"odd\"\"\"", "--json"]).await;
    feed.shop.sql("insert into \"We're \"\"odd\"\"\" values (1, 2); update \"We're \"\"odd\"\"\" set b = 3").await;
    let events = [tail.line().await, tail.line().await];
    assert!(events[0].starts_with("{\"event\":\"created\",\"table\":"), "{events:?}");
    let event: Value = serde_json::from_str(&events[1]).unwrap();
    assert_eq!(event["data"], json!({"Größe €": 1, "b": 3}));
    assert_eq!(event["changed"], json!(["b"]));
    assert_eq!(event.get("old"), None);
}

#[tokio::test]
async fn what_the_daemon_refuses_is_said_with_its_code() {
    let feed = Feed::open().await;
    let unknown = feed.refusal(&["oders"]).await;
    assert!(unknown.contains("rowcast: unknown_table: "), "{unknown}");
    assert!(unknown.contains("oders"), "{unknown}");
    let filtered = feed.refusal(&["orders", "--where", "id = 1 and statsu = 'open'"]).await;
    let (said, shown) = filtered.split_once('\n').unwrap();
    assert!(said.starts_with("rowcast: invalid_filter: "), "{filtered}");
    assert_eq!(shown, "  id = 1 and statsu = 'open'\n             ^\n", "{filtered}");
    let hidden = feed.refusal(&["orders", "--columns", "internal_note"]).await;
    assert!(hidden.starts_with("rowcast: unknown_column: "), "{hidden}");
    let damaged = feed.refusal(&["orders", "--cursor", "x"]).await;
    assert!(damaged.starts_with("rowcast: invalid_cursor: "), "{damaged}");
}

#[tokio::test]
async fn who_filters_gets_the_rows_and_columns_that_were_asked_for() {
    let feed = Feed::open().await;
    let filter = ["--where", "status = $1 and id > $2", "--param", "open", "--param", "1"];
    let shape = [&["orders", "--json", "--old", "--columns", "id"], &filter[..]].concat();
    let (mut tail, _place) = feed.tail(&shape).await;
    feed.shop.sql("insert into orders values (1, 'open'), (2, 'paid'), (3, 'open')").await;
    feed.shop.sql("update orders set id = 4 where id = 3").await;
    let created: Value = serde_json::from_str(&tail.line().await).unwrap();
    assert_eq!(created["data"], json!({"id": 3}));
    let removed: Value = serde_json::from_str(&tail.line().await).unwrap();
    assert_eq!((&removed["event"], &removed["key"]), (&json!("removed"), &json!({"id": 3})));
}

const SECRET: &str = "[auth.jwt]\nsecret = \"a secret that is long enough for HS256\"\n";

/// A shop whose daemon shows people their own orders only, and where it is.
async fn private() -> (Shop, Running, String) {
    let shop = Shop::open().await;
    let tables = "[[table]]\nname = 'orders'\nrows = 'id = auth.sub'\n";
    let configured = config(&shop.url, &format!("{SECRET}{tables}"));
    shop.place.configure(&configured.replace("anonymous = true", "anonymous = false"));
    let mut daemon = shop.place.start(&["serve"]);
    let url = daemon.address().await;
    (shop, daemon, url)
}

#[tokio::test]
async fn a_daemon_that_serves_nobody_says_so() {
    let (_shop, _daemon, url) = private().await;
    let ended = Place::empty().run(&["tail", "orders", "--url", &url]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said =
        "rowcast: unauthenticated: a credential is needed\n  show one with --token-file FILE";
    assert!(ended.stderr.starts_with(said), "{ended:?}");
}

#[tokio::test]
async fn a_credential_is_shown_in_many_ways_and_never_told() {
    let (shop, _daemon, url) = private().await;
    let token = shop.place.run(&["token", "--claim", "sub=42"]).await.well();
    std::fs::write(shop.place.path().join("token"), &token).unwrap();
    let token = token.trim();
    let tail = ["tail", "orders", "--url", &url];
    let mut feeds = Vec::new();
    for more in [&["--token", token][..], &["--token-file", "token"], &["--claim", "sub=42"], &[]] {
        let mut command = shop.place.rowcast(&[&tail, more].concat());
        if more.is_empty() {
            command.env("ROWCAST_TOKEN", token);
        }
        let mut feed = Running::of(command);
        feed.logs("live, from http://127.0.0.1:").await;
        feeds.push(feed);
    }
    shop.sql("insert into orders values (41), (42)").await;
    for feed in &mut feeds {
        assert!(feed.line().await.contains("id=42"));
    }
    let mut help = shop.place.rowcast(&["tail", "--help"]);
    help.env("ROWCAST_TOKEN", token);
    assert!(!crate::support::program::run(help).await.well().contains(token));
}

#[tokio::test]
async fn a_credential_that_is_not_accepted_is_final() {
    let (shop, _daemon, url) = private().await;
    let ended = shop.place.run(&["tail", "orders", "--url", &url, "--token", "a.b.c"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.starts_with("rowcast: unauthenticated: "), "{ended:?}");
    assert!(!ended.stderr.contains("a credential is needed"), "{ended:?}");
    assert!(!ended.stderr.contains("a.b.c"), "{ended:?}");
    let missing = shop.place.run(&["tail", "orders", "--url", &url, "--token-file", "none"]).await;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("--token-file none: No such file"), "{missing:?}");
    let unsigned = Place::empty().run(&["tail", "orders", "--url", &url, "--claim", "sub=1"]).await;
    assert_eq!(unsigned.code, Some(64), "{unsigned:?}");
}

#[tokio::test]
async fn a_credential_that_ends_is_said() {
    let (shop, _daemon, url) = private().await;
    let token = shop.place.run(&["token", "--claim", "sub=42", "--expires", "3s"]).await.well();
    let ended = shop.place.run(&["tail", "orders", "--url", &url, "--token", token.trim()]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the credential has expired (begin again"), "{ended:?}");
}

#[tokio::test]
async fn nobody_there_ends_with_1_and_nonsense_with_2() {
    let ended = Place::empty().run(&["tail", "orders", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("can't connect to http://127.0.0.1:1 (is `rowcast serve`"),
        "{ended:?}"
    );
    let ended = Place::empty().run(&["tail", "orders", "--url", "ftp://x"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[tokio::test]
async fn the_configuration_says_where_the_daemon_is_and_the_database_does_not_matter() {
    let mut feed = Feed::open().await;
    let (_, port) = feed.url.rsplit_once(':').unwrap();
    let away = format!(
        "[database]\nurl = \"postgres://x@127.0.0.1:1/x\"\n[server]\nlisten = \"0.0.0.0:{port}\"\n"
    );
    let place = Place::with(&away);
    let mut tail = place.start(&["tail", "orders"]);
    tail.logs("live, from http://127.0.0.1:").await;
    feed.shop.sql("insert into orders values (1)").await;
    assert!(tail.line().await.contains("created"));
    feed.daemon.signal(Signal::SIGTERM);
    feed.daemon.logs("stopped serving").await;
}

#[tokio::test]
async fn after_a_restart_of_the_daemon_each_event_is_printed_once() {
    let feed = Feed::open().await;
    let (mut tail, _place) = feed.tail(&["orders"]).await;
    feed.shop.sql("insert into orders values (7)").await;
    assert!(tail.line().await.contains("id=7"));
    feed.daemon.signal(Signal::SIGTERM);
    tail.logs("trying again in").await;
    let (code, _) = feed.daemon.end().await;
    assert_eq!(code, Some(0));
    feed.shop.sql("insert into orders values (1)").await;
    let (_, address) = feed.url.split_once("//").unwrap();
    feed.shop.place.configure(&config(&feed.shop.url, LISTED).replace("127.0.0.1:0", address));
    let mut again = feed.shop.place.start(&["serve"]);
    again.address().await;
    tail.logs("live again").await;
    feed.shop.sql("insert into orders values (2)").await;
    assert!(tail.line().await.contains("id=1"));
    assert!(tail.line().await.contains("id=2"));
}

#[tokio::test]
async fn the_rows_come_first_if_they_are_asked_for() {
    let feed = Feed::open().await;
    feed.shop.sql("insert into orders values (1, 'open', 'secret'), (2, 'paid', 'x')").await;
    let (mut tail, _place) = feed.tail(&["orders", "--snapshot"]).await;
    let mut rows = [tail.line().await, tail.line().await];
    rows.sort();
    let row = |id, status| format!("row  {{id: {id}, status: \"{status}\"}}");
    assert_eq!(rows, [row(1, "open"), row(2, "paid")]);
    feed.shop.sql("delete from orders where id = 1").await;
    assert!(tail.line().await.contains("removed    id=1"));
    let (mut tail, _place) =
        feed.tail(&["orders", "--snapshot", "--json", "--columns", "id"]).await;
    assert_eq!(tail.line().await, r#"{"id":2}"#);
}

#[tokio::test]
async fn an_interruption_ends_with_0() {
    let feed = Feed::open().await;
    let (tail, _place) = feed.tail(&["orders"]).await;
    tail.signal(Signal::SIGINT);
    assert_eq!(tail.end().await, (Some(0), String::new()));
}

#[tokio::test]
async fn who_has_seen_enough_is_not_bothered() {
    let feed = Feed::open().await;
    let (mut tail, _place) = feed.tail(&["orders"]).await;
    tail.stop_listening();
    feed.shop.sql("insert into orders values (1)").await;
    assert_eq!(tail.end().await, (Some(0), String::new()));
}
