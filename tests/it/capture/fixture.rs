//! A database with rowcast's objects, and its log as lines of text.

use std::collections::BTreeMap;

use rowcast::catalog;
use rowcast::changelog::{self, Plan};
use rowcast::policy::TableSettings;
use tokio_postgres::Client;

use crate::support;

/// The session settings that `sql/100_pinned_json.sql` has.
const PINNED: &str = "
    set search_path = pg_catalog, pg_temp; set timezone = 'UTC'; set intervalstyle = 'postgres';
    set bytea_output = 'hex'; set extra_float_digits = 1; set datestyle = 'ISO, MDY';
    set lc_monetary = 'C'; set quote_all_identifiers = off";

pub struct Db {
    pub url: String,
    pub admin: Client,
    pub version: i32,
    pinned: Client,
}

impl Db {
    /// A database in which the SQL has been run and these tables are watched by their primary keys.
    pub async fn watching(sql: &str, tables: &[&str]) -> Self {
        let db = Self::with(sql).await;
        for table in tables {
            db.watch(table, None).await;
        }
        db
    }

    /// A database in which the SQL has been run, with rowcast's objects.
    pub async fn with(sql: &str) -> Self {
        let url = support::fresh_database().await;
        let admin = support::connect(&url).await;
        admin.batch_execute(sql).await.unwrap();
        let number = "select current_setting('server_version_num')::integer / 10000";
        let version = admin.query_one(number, &[]).await.unwrap().get(0);
        let pinned = support::connect(&url).await;
        pinned.batch_execute(PINNED).await.unwrap();
        let db = Self { url, admin, version, pinned };
        install(&db.admin, &[]).await;
        db
    }

    /// Watches a table as the daemon does, by its primary key or a configured one.
    pub async fn watch(&self, table: &str, key: Option<&[&str]>) {
        install(&self.admin, &[(table, key)]).await;
    }

    pub async fn session(&self) -> Client {
        support::connect(&self.url).await
    }

    /// A session that connects with these settings, of a role if there is one named `user`.
    pub async fn session_with(&self, settings: &str) -> Client {
        let client = self.session().await;
        client.batch_execute(settings).await.unwrap();
        client
    }

    pub async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// The single value of a query, as text.
    pub async fn value(&self, sql: &str) -> String {
        let query = format!("select ({sql})::text");
        let row =
            self.admin.query_one(&query, &[]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        row.get::<_, Option<String>>(0).unwrap_or_else(|| "null".into())
    }

    /// The log in the order of `seq`: `+ new`, `- old`, `~ old -> new`, `T`, `R`.
    pub async fn log(&self) -> Vec<String> {
        self.logged().await.iter().map(Logged::line).collect()
    }

    /// The same with each line's table before it.
    pub async fn log_by_table(&self) -> Vec<String> {
        self.logged().await.iter().map(|row| format!("{} {}", row.table, row.line())).collect()
    }

    pub async fn logged(&self) -> Vec<Logged> {
        let part = |n| {
            format!(
                "select seq, w.relation::text as relation, op::text, cut, old::text, new::text, origin
                   from rowcast.log_{n} join rowcast.watched as w on w.id = table_id"
            )
        };
        let query = format!("{} union all {} union all {} order by seq", part(0), part(1), part(2));
        let rows = self.admin.query(&query, &[]).await.unwrap();
        rows.iter()
            .map(|row| Logged {
                table: row.get(1),
                op: row.get(2),
                cut: row.get(3),
                old: row.get(4),
                new: row.get(5),
                origin: row.get(6),
            })
            .collect()
    }

    /// Forgets the log, so that what follows can be told.
    pub async fn clear(&self) {
        self.run("truncate rowcast.log_0, rowcast.log_1, rowcast.log_2").await;
    }

    /// The rows of a table as `row_to_json` has them in a pinned session.
    pub async fn rows(&self, table: &str) -> Vec<String> {
        let query = format!("select row_to_json(t.*)::text from {table} as t");
        let rows = self.pinned.query(&query, &[]).await.unwrap();
        let mut rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        rows.sort();
        rows
    }

    /// Whoever applies the log in its order has the table's rows in the end.
    pub async fn assert_applied(&self, table: &str, key: &[&str]) {
        let mut applied: BTreeMap<String, String> = BTreeMap::new();
        for row in self.logged().await.into_iter().filter(|row| table.ends_with(&row.table)) {
            if row.op.as_deref() == Some("T") {
                applied.clear();
            }
            if let Some(old) = &row.old {
                applied.remove(&key_of(old, key));
            }
            if let Some(new) = row.new {
                applied.insert(key_of(&new, key), new);
            }
        }
        let mut applied: Vec<String> = applied.into_values().collect();
        applied.sort();
        assert_eq!(applied, self.rows(table).await);
    }
}

/// The values of a JSON object's key, each with a comma after it.
pub fn key_of(json: &str, key: &[&str]) -> String {
    let row: serde_json::Value = serde_json::from_str(json).unwrap();
    key.iter().map(|column| row[column].to_string() + ",").collect()
}

/// A row of the log.
#[derive(Debug)]
pub struct Logged {
    pub table: String,
    pub op: Option<String>,
    pub cut: Option<i16>,
    pub old: Option<String>,
    pub new: Option<String>,
    pub origin: Option<String>,
}

impl Logged {
    fn line(&self) -> String {
        let what = match (&self.op, &self.old, &self.new) {
            (Some(op), ..) => op.clone(),
            (None, None, Some(new)) => format!("+ {new}"),
            (None, Some(old), Some(new)) => format!("~ {old} -> {new}"),
            (None, Some(old), None) => format!("- {old}"),
            (None, None, None) => "nothing".into(),
        };
        match self.cut {
            Some(cut) => format!("{what} (cut {cut})"),
            None => what,
        }
    }
}

async fn install(client: &Client, tables: &[(&str, Option<&[&str]>)]) {
    let settings: Vec<TableSettings> =
        tables.iter().map(|(name, key)| listed(name, *key)).collect();
    let loaded = catalog::load(client, &settings).await.unwrap();
    let plan = Plan { found: &loaded.found, grant_to: None, unwatch_others: false };
    changelog::install(client, &plan).await.unwrap();
}

pub fn listed(name: &str, key: Option<&[&str]>) -> TableSettings {
    TableSettings {
        key: key.map(|key| key.iter().map(|column| (*column).into()).collect()),
        ..TableSettings::open_to_all(name)
    }
}
