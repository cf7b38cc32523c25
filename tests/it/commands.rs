//! The commands, as the program does them beside a real PostgreSQL.

mod install;
mod reinstall;
mod roles;
mod serve;
mod status;
mod tail;
mod traces;

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::Client;

use crate::support::program::Place;
use crate::support::{connect, fresh_database};

/// A database with a few tables, and a directory with a configuration that lists them.
struct Shop {
    url: String,
    client: Client,
    place: Place,
}

const TABLES: &str = "
    create table orders (id int primary key, status text, internal_note text);
    create table \"We're \"\"odd\"\"\" (\"Größe €\" int primary key, b int);
    create table events (at timestamptz, day int) partition by list (day);
    create table events_1 partition of events for values in (1);
    create table notes (body text)";

const LISTED: &str = r#"
[[table]]
name = "orders"
rows = "true"
hide = ["internal_note"]
[[table]]
name = '''"We're ""odd"""'''
rows = "true"
[[table]]
name = "events"
rows = "true"
key = []
"#;

impl Shop {
    async fn open() -> Self {
        let url = fresh_database().await;
        let client = connect(&url).await;
        client.batch_execute(TABLES).await.unwrap();
        let place = Place::with(&config(&url, LISTED));
        Self { url, client, place }
    }

    async fn sql(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The trigger on `orders` for insertions and deletions, quoted.
    async fn row_trigger(&self) -> String {
        let query = "select quote_ident(tgname) from pg_trigger
                      where tgrelid = 'orders'::regclass and tgname ~ '^!rowcast_\\d+_row$'";
        self.ask(query).await
    }

    async fn ask(&self, sql: &str) -> String {
        self.client.query_one(sql, &[]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}")).get(0)
    }
}

fn config(url: &str, tables: &str) -> String {
    format!(
        "[database]\nurl = {url:?}\n[server]\nlisten = \"127.0.0.1:0\"\n[auth]\nanonymous = true\n{tables}"
    )
}

/// A role without any rights, which goes when the test's database does.
async fn role(client: &Client) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("role \"{}\"", MADE.fetch_add(1, Ordering::Relaxed));
    let sql = format!("create role {} login", quoted(&name));
    client.batch_execute(&sql).await.unwrap();
    name
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The same database, as another role.
fn as_role(url: &str, role: &str) -> String {
    let encoded = percent_encoding::utf8_percent_encode(role, percent_encoding::NON_ALPHANUMERIC);
    let changed = url.replacen("postgres@", &format!("{encoded}@"), 1);
    assert_ne!(changed, url);
    changed
}
