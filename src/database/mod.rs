//! What users paste about their database, turned into a connected client.
//!
//! `Database::resolve` understands what libpq understands (connection strings, services,
//! environment, password files) and refuses what it can't keep; `Database::connect` opens sessions
//! with the settings that the daemon relies on. Passwords appear in no error, log line or `Debug`
//! output.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html>

mod address;
mod connect;
mod conninfo;
mod error;
mod given;
mod key_value;
mod keyword;
mod passfile;
mod service;
mod session;
mod settings;
mod tls;
mod url;
mod wanted;

#[cfg(test)]
mod tests;

pub use conninfo::ConninfoError;
pub use error::{Attempt, ConnectError};
pub use session::{Bell, Closed, Disconnected, Session};
pub use settings::Database;
