//! The private PostgreSQL that everything is measured on, and blocking connections to it.

use anyhow::Context as _;
use rowcast::catalog::{self, Found, TableSettings};
use rowcast::demo::cluster::{Cluster, Programs};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::Options;

/// A trigger as one would write it without rowcast: the whole row goes out with NOTIFY.
pub const NAIVE: &str = "
    create function naive() returns trigger language plpgsql as $$
    begin
      perform pg_notify('naive', row_to_json(new)::text);
      return null;
    end
    $$";

/// PostgreSQL with its defaults for durability, and room for pgbench's clients.
pub struct Stage {
    cluster: Cluster,
    programs: Programs,
}

impl Stage {
    pub fn set(options: &Options) -> anyhow::Result<Self> {
        let programs = Programs::find(None)?;
        let settings = [
            ("max_connections", "200"),
            ("shared_buffers", "512MB"),
            // No checkpoint or vacuum comes in the middle of a turn; both are done in between.
            ("max_wal_size", "8GB"),
            // The write-ahead log is written over old segments, as in a server that has been up for long.
            ("min_wal_size", "2GB"),
            ("checkpoint_timeout", "1h"),
            ("autovacuum", "off"),
            ("synchronous_commit", &options.synchronous_commit),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let options =
            rowcast::demo::cluster::Options { settings, durable: true, ..Default::default() };
        let cluster = Cluster::start(&programs, options)?;
        Ok(Self { cluster, programs })
    }

    pub fn url(&self, database: &str) -> String {
        self.cluster.socket_url(database)
    }

    /// The program, from beside the server's or from the search path.
    pub fn program(&self, name: &str) -> std::path::PathBuf {
        let beside = self.programs.path(name);
        if beside.is_file() { beside } else { name.into() }
    }

    pub fn create_database(&self, name: &str) -> anyhow::Result<Sql> {
        self.sql("postgres")?.run(&format!("create database {name}"))?;
        self.sql(name)
    }

    pub fn sql(&self, database: &str) -> anyhow::Result<Sql> {
        Sql::connect(&self.url(database))
    }
}

/// A connection that blocks.
pub struct Sql {
    runtime: Runtime,
    client: Client,
}

impl Sql {
    pub fn connect(url: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (client, connection) = runtime
            .block_on(tokio_postgres::connect(url, NoTls))
            .context("can't connect to the private PostgreSQL")?;
        runtime.spawn(connection);
        Ok(Self { runtime, client })
    }

    /// Runs statements; several in one text are one transaction.
    pub fn run(&mut self, statements: &str) -> anyhow::Result<()> {
        let done = self.runtime.block_on(self.client.batch_execute(statements));
        done.with_context(|| format!("this failed: {statements}"))
    }

    /// The tables as the catalog has them.
    pub fn tables(&mut self, settings: &[TableSettings]) -> anyhow::Result<Vec<Found>> {
        Ok(self.runtime.block_on(catalog::load(&self.client, settings))?.found)
    }

    /// The first column of the only row, as text.
    pub fn text(&mut self, query: &str) -> anyhow::Result<String> {
        let answered = self.runtime.block_on(self.client.simple_query(query));
        let messages = answered.with_context(|| format!("this failed: {query}"))?;
        let value = messages.into_iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
            _ => None,
        });
        value.with_context(|| format!("no row came from: {query}"))
    }
}
