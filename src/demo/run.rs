//! Runs the demo: a private cluster, the shop in it, the workload and the daemon on top, until told
//! to stop.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

use super::cluster::{self, Cluster, Programs};
use super::{identities, shop, workload};
use crate::daemon::{self, Objects};

/// What `rowcast demo` may be told.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where to serve; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7700")]
    pub listen: SocketAddr,

    /// How many changes the shop's staff and customers make in a second; 0 leaves it to you
    #[arg(long, value_name = "NUMBER", default_value = "3", value_parser = rate)]
    pub rate: f64,

    /// The directory of PostgreSQL's server programs [default: where they usually are]
    #[arg(long, value_name = "DIRECTORY", env = cluster::VARIABLE)]
    pub pg_bin: Option<PathBuf>,
}

/// The most changes a second that the workload is asked for.
const MAX_RATE: f64 = 1000.0;

/// Runs the demo until `shutdown`.
///
/// # Errors
///
/// If the address is taken, PostgreSQL can't be found or started, or the daemon or the database
/// fails.
pub async fn run(options: Options, shutdown: CancellationToken) -> anyhow::Result<()> {
    let listener = TcpListener::bind(options.listen).await.with_context(|| {
        format!("can't listen on {}; name another address with --listen", options.listen)
    })?;
    let pg_bin = options.pg_bin;
    let cluster = blocking(move || start_cluster(pg_bin)).await??;
    let served = Box::pin(serve(&cluster, listener, options.rate, shutdown)).await;
    blocking(move || drop(cluster)).await?;
    served
}

async fn serve(
    cluster: &Cluster,
    listener: TcpListener,
    rate: f64,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let (url, address) = (cluster.url(shop::DATABASE), listener.local_addr()?);
    let client = open_shop(cluster, &url).await?;
    let mut draft = shop::draft(&url, address);
    let found = draft.find_tables(&client).await?;
    let settings = draft.finish()?.settings;
    let tokens = settings.auth.jwt.clone().context("the demo's configuration names no secret")?;
    let extra = identities::routes(tokens);
    let served = daemon::prepare(&settings, &client, &found, Objects::Install).await?;
    welcome(address, &url, rate);
    let daemon = daemon::run(settings, served, Objects::Install, extra, listener, shutdown);
    tokio::select! {
        ended = daemon => ended.map(drop)?,
        ended = workload::run(&client, rate) => ended.context("the shop's database went away")?,
    }
    Ok(())
}

fn start_cluster(pg_bin: Option<PathBuf>) -> anyhow::Result<Cluster> {
    let programs = Programs::find(pg_bin.as_deref())?;
    Ok(Cluster::start(&programs, cluster::Options::default())?)
}

async fn open_shop(cluster: &Cluster, url: &str) -> anyhow::Result<Client> {
    let admin = connect(&cluster.url("postgres")).await?;
    admin.batch_execute(&format!("create database {}", shop::DATABASE)).await?;
    let client = connect(url).await?;
    shop::open(&client).await.context("can't open the shop")?;
    Ok(client)
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Ends with the client; what goes wrong is told to the client's next statement.
    tokio::spawn(connection);
    Ok(client)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// Says where everything is. The demo goes on if nobody listens.
fn welcome(address: SocketAddr, url: &str, rate: f64) {
    let pace = if rate > 0.0 {
        format!("About {rate} changes a second.")
    } else {
        "Nothing changes by itself.".to_owned()
    };
    let program = std::env::args().next().unwrap_or_else(|| "rowcast".to_owned());
    let changes = format!("http://{address}/v1/tables/products/changes");
    let _printed = writeln!(
        io::stdout(),
        "
The shop is open:      http://{address}/#orders

Watch it with curl:    curl -NH 'Accept: text/event-stream' {changes}
Or in a terminal:      {program} tail products --snapshot --url http://{address}
As somebody else:      with a token from http://{address}/demo/identities
Change it with psql:   psql '{url}'

The page is a set of live mirrors of the shop's tables, as one of two customers, the administrator
or nobody sees them: choose above. In JavaScript: connect().mirror('products'), from /client.js.
{pace} Ctrl-C ends it; nothing stays behind.
"
    );
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=MAX_RATE).contains(&rate) { Ok(rate) } else { Err(format!("not in 0 to {MAX_RATE}")) }
}
