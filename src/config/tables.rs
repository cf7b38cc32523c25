//! The listed tables compared with the database: finds each and points faults at where it is listed.

use tokio_postgres::Client;

use super::fault::{Fault, Faults, Place};
use super::{Config, Severity};
use crate::catalog::{self, At, Found, LoadError};

/// Where the settings of a table were written.
#[derive(Clone, Debug)]
pub struct TablePlaces {
    pub name: Place,
    pub columns: Vec<Place>,
    pub hide: Vec<Place>,
    /// All of `key`, and its items.
    pub key: Option<(Place, Vec<Place>)>,
}

impl TablePlaces {
    fn at(&self, at: At) -> &Place {
        let (key, items) = match &self.key {
            Some((key, items)) => (key, items.as_slice()),
            None => (&self.name, [].as_slice()),
        };
        let place = match at {
            At::Name => None,
            At::Columns(item) => self.columns.get(item),
            At::Hide(item) => self.hide.get(item),
            At::Key => Some(key),
            At::KeyItem(item) => items.get(item),
        };
        place.unwrap_or(&self.name)
    }
}

/// Why the listed tables can't be served.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("the tables are not as the configuration says")]
    Faults(#[source] Faults),
    #[error(transparent)]
    Database(LoadError),
}

impl Config {
    /// Finds the listed tables in the database; warnings are logged.
    pub async fn find_tables(&self, client: &Client) -> Result<Vec<Found>, FindError> {
        match catalog::load(client, &self.settings.tables).await {
            Ok(loaded) => {
                self.placed(&loaded.warnings).log();
                Ok(loaded.found)
            }
            Err(LoadError::Faults(faults)) => Err(FindError::Faults(self.placed(&faults))),
            Err(error) => Err(FindError::Database(error)),
        }
    }

    fn placed(&self, faults: &[catalog::Fault]) -> Faults {
        let mut placed = Faults::default();
        for fault in faults {
            let problem = &fault.problem;
            let severity = if problem.is_warning() { Severity::Warning } else { Severity::Error };
            let place = self.places.get(fault.table).map(|table| table.at(fault.at).clone());
            let base = Fault::error(problem.to_string()).maybe_help(problem.help());
            placed.push(Fault { severity, place, ..base });
        }
        placed
    }
}
