//! A configuration that may have faults: as much of it as can be understood, so that all of them
//! come to light.

use tokio_postgres::Client;

use super::fault::{Fault, Faults};
use super::{Config, Environment, environment, meant, written};
use crate::catalog::{self, Found, LoadError};
use crate::database::Database;

/// What was read, with its faults.
#[derive(Debug)]
pub struct Draft {
    /// Absent if not even the database is known.
    config: Option<Config>,
    faults: Faults,
}

impl Draft {
    /// Reads a file, given by its name and text, and the environment.
    pub fn read(file: Option<(&str, &str)>, environment: &Environment) -> Self {
        let mut syntax = Faults::default();
        let (mut root, broken) = match file {
            Some((name, text)) => written::parse(name, text, &mut syntax),
            None => (written::nothing(), None),
        };
        let mut faults = Faults::default();
        environment::overlay(&mut root, environment, &mut faults);
        let config = meant::read(root, environment, &mut faults);
        if let Some(broken) = broken {
            faults = faults.without_consequences(&broken);
        }
        faults.extend(syntax);
        Self { config, faults }
    }

    /// Where the database is, if that much is known.
    pub fn database(&self) -> Option<&Database> {
        self.config.as_ref().map(|config| &config.settings.database)
    }

    pub fn has_faults(&self) -> bool {
        self.faults.has_errors()
    }

    /// Adds a warning that there may be more faults, which only the database could show.
    pub fn not_compared(&mut self, reason: &str) {
        let message = "the tables were not looked up in the database: there may be more faults";
        self.faults.push(Fault::warning(message).help(reason));
    }

    /// The configuration, if it has no faults.
    pub fn finish(self) -> Result<Config, Faults> {
        match self.config {
            Some(config) if !self.faults.has_errors() => {
                Ok(Config { warnings: self.faults, ..config })
            }
            _ => Err(self.faults),
        }
    }

    /// Looks the listed tables up in the database and adds what is wrong with them. What was found
    /// is in the order of the settings, and complete if there are no faults.
    pub async fn find_tables(&mut self, client: &Client) -> Result<Vec<Found>, LoadError> {
        let Some(config) = &self.config else { return Ok(Vec::new()) };
        let (found, faults) = match catalog::load(client, &config.settings.tables).await {
            Ok(loaded) => (loaded.found, loaded.warnings),
            Err(LoadError::Faults(faults)) => (Vec::new(), faults),
            Err(error) => return Err(error),
        };
        for fault in faults {
            self.faults.push(config.placed(&fault));
        }
        Ok(found)
    }
}

impl Config {
    /// The fault, at the place of the words that it is about.
    fn placed(&self, fault: &catalog::Fault) -> Fault {
        let problem = &fault.problem;
        let message = problem.to_string();
        let placed =
            if problem.is_warning() { Fault::warning(message) } else { Fault::error(message) };
        let place = self.places.get(fault.table).map(|table| table.at(fault.at).clone());
        Fault { place, ..placed.help(problem.help()) }
    }
}
