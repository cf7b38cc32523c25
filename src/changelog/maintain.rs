//! The daemon's pulse: keeps writers logging and ringing, and the log within its bounds.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::{Settings, Wake, ask};
use crate::catalog::TableId;

/// How often the pulse beats.
const PERIOD: Duration = Duration::from_secs(1);
/// For how long after a beat writers take the daemon to be alive, in milliseconds.
const AUDIENCE_MS: i32 = 5_000;
/// A connection that doesn't answer for so long is taken to be dead.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the pulse stopped.
#[derive(Debug, thiserror::Error)]
pub enum PulseError {
    #[error("the pulse failed")]
    Database(#[from] tokio_postgres::Error),
    #[error("the connection doesn't answer")]
    Silent,
    #[error(transparent)]
    Unwatched(#[from] Unwatched),
}

/// A table that is served isn't captured any more: somebody uninstalled rowcast, or installed it for other tables.
#[derive(Debug, thiserror::Error)]
#[error("a table that is served is not captured any more: was rowcast uninstalled or reinstalled?")]
pub struct Unwatched;

/// Tells the database what the configuration says about the log.
pub(super) async fn configure(
    client: &Client,
    settings: &Settings,
) -> Result<(), tokio_postgres::Error> {
    let keep_ms = i64::try_from(settings.retention.as_millis()).unwrap_or(i64::MAX / 4);
    let keep_bytes = i64::try_from(settings.max_size_bytes).unwrap_or(i64::MAX);
    let query = "select rowcast.configure($1, $2) is null";
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&keep_ms, Type::INT8), (&keep_bytes, Type::INT8)];
    ask::ask::<bool>(client, settings.wake, query, &parameters).await?;
    Ok(())
}

/// Beats until the connection fails. It runs on the connection that listens, and so tells whether that one lives.
pub(super) async fn pulse(client: &Client, wake: Wake, tables: &[TableId]) -> PulseError {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut captures = true;
    loop {
        period.tick().await;
        let now_captures = match timeout(PATIENCE, beat(client, wake, tables)).await {
            Err(_) => return PulseError::Silent,
            Ok(Err(error)) => return error,
            Ok(Ok(now_captures)) => now_captures,
        };
        if captures && !now_captures {
            tracing::error!(
                "the log is larger than max_size and can't be rotated: capture is stopped"
            );
        }
        captures = now_captures;
    }
}

/// Says whether changes are being logged: not while the log is larger than it may be.
async fn beat(client: &Client, wake: Wake, tables: &[TableId]) -> Result<bool, PulseError> {
    let ids: Vec<i32> = tables.iter().map(|table| table.0).collect();
    let query = "select $1 <@ coalesce(array_agg(id), '{}') from rowcast.watched";
    if !ask::ask::<bool>(client, wake, query, &[(&ids, Type::INT4_ARRAY)]).await? {
        return Err(Unwatched.into());
    }
    if ask::ask(client, wake, "select rowcast.rotate_if_due()", &[]).await? {
        tracing::debug!("rotated the log");
    }
    let query = "select rowcast.keep_alive($1)";
    Ok(ask::ask(client, wake, query, &[(&AUDIENCE_MS, Type::INT4)]).await?)
}
