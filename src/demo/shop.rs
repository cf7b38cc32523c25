//! The sample shop: its tables and rows, and what the daemon serves of them.

use std::net::SocketAddr;

use tokio_postgres::Client;

use super::{identities, workload};
use crate::config::{Draft, Environment};

/// The shop's database.
pub const DATABASE: &str = "shop";

const TABLES_AND_ROWS: &str = include_str!("shop.sql");
const SERVED: &str = include_str!("shop.toml");

/// Makes the shop in an empty database and places the first orders.
pub async fn open(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(TABLES_AND_ROWS).await?;
    workload::first_orders(client).await
}

/// The daemon's configuration: the user's own environment has no say in the demo, and the secret that signs
/// tokens is new each time.
pub fn draft(url: &str, listen: SocketAddr) -> Draft {
    let quoted = |text: &str| toml::Value::String(text.to_owned());
    let (url, listen) = (quoted(url), quoted(&listen.to_string()));
    let secret = quoted(&identities::new_secret());
    let text = format!(
        "{SERVED}\n[auth.jwt]\nsecret = {secret}\n\n[database]\nurl = {url}\n\n\
         [server]\nlisten = {listen}\n"
    );
    Draft::read(Some(("the demo's configuration", &text)), &Environment::new())
}
