//! Sessions of the application: a cookie's value, looked up in the database by the configured query.

mod check;
mod cookie;
mod pool;
mod query;
mod settings;

pub use check::{QueryFault, check};
pub use settings::Settings;

pub(super) use cookie::find;

use super::secret::sha256;
use super::watched::Voucher;
use super::{Claims, Refused};
use crate::database::Database;
use pool::Pool;

/// Looks sessions up.
#[derive(Debug)]
pub struct Sessions(Pool);

impl Sessions {
    pub fn new(settings: &Settings, database: &Database) -> Self {
        Self(Pool::new(database.clone(), query::wrapped(&settings.query)))
    }
}

/// A session's name in the database.
pub struct SessionId(pub String);

impl Voucher for Sessions {
    type Credential = SessionId;

    fn name(credential: &SessionId) -> [u8; 32] {
        sha256(credential.0.as_bytes())
    }

    async fn ask(&self, credential: &SessionId) -> Result<Claims, Refused> {
        self.0.look_up(&credential.0).await
    }
}
