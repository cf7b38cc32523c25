//! Why there are no rows, by what the asker does next.

use tokio_postgres::error::SqlState;

use crate::changelog::StandError;
use crate::database::ConnectError;
use crate::spool::SpoolError;

/// Why a read gave no rows, or not all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The database is away, or too much is asked of it: later.
    #[error("the rows can't be read just now")]
    Unavailable,
    /// The table isn't what it was when the view was made of it: another view may be.
    #[error("the table has just been altered")]
    Altered,
    /// Nothing can follow a snapshot yet: the capture starts anew.
    #[error("the change log isn't ready")]
    NotReady,
    #[error("there are more rows than can be kept for a reader")]
    TooLarge,
    #[error("reading the rows took too long")]
    Timeout,
    /// The daemon's role may not read the table: whoever runs it has to grant that.
    #[error("the rows of this table can't be read")]
    NoRight,
    /// The rows can't be ordered by these columns.
    #[error("a column of this type can't be ordered by")]
    NoOrder,
}

impl From<SpoolError> for SnapshotError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Full => Self::TooLarge,
            SpoolError::Busy | SpoolError::Io(_) | SpoolError::Broken => Self::Unavailable,
        }
    }
}

impl From<ConnectError> for SnapshotError {
    fn from(_: ConnectError) -> Self {
        Self::Unavailable
    }
}

impl From<StandError> for SnapshotError {
    fn from(error: StandError) -> Self {
        match error {
            StandError::Database(error) => error.into(),
            StandError::NotReady => Self::NotReady,
            StandError::Unwatched => Self::Altered,
        }
    }
}

impl From<tokio_postgres::Error> for SnapshotError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::QUERY_CANCELED) => Self::Timeout,
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::NoRight,
            Some(&(SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE)) => Self::Altered,
            _ => Self::Unavailable,
        }
    }
}
