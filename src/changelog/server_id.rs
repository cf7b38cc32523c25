//! Which server this is, and which of its histories: what a cursor's era is made of besides the epoch.

use tokio_postgres::Client;

/// The server behind a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// The cluster's identifier and the database's oid: a dump restored elsewhere has other transaction ids.
    pub id: String,
    /// Changes at a failover, which may have lost commits.
    pub timeline: u32,
    /// Sessions may prepare transactions, in which NOTIFY is an error: writers don't ring.
    pub prepares_transactions: bool,
}

/// Why a server can't be read from.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("the database didn't answer")]
    Database(#[from] tokio_postgres::Error),
    #[error("the server is a standby: rowcast has to be connected to the primary")]
    Standby,
    #[error("two connections led to different servers")]
    Several,
}

/// `pg_control_checkpoint()` would name the timeline of the last checkpoint, which a promoted server still has to make; the
/// name of the WAL file being written has the present one.
const QUERY: &str = "
    select pg_catalog.pg_is_in_recovery(),
           case when not pg_catalog.pg_is_in_recovery()
                then pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) end,
           (select system_identifier from pg_catalog.pg_control_system())::text || '/' ||
           (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())::text,
           pg_catalog.current_setting('max_prepared_transactions') <> '0'";

impl Server {
    pub async fn identify(client: &Client) -> Result<Self, ServerError> {
        let row = client.query_typed_one(QUERY, &[]).await?;
        if row.try_get(0)? {
            return Err(ServerError::Standby);
        }
        let timeline: Option<&str> = row.try_get(1)?;
        let timeline = timeline.and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
        Ok(Self { id: row.try_get(2)?, timeline, prepares_transactions: row.try_get(3)? })
    }
}
