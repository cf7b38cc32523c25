//! A configuration that may have faults: as much of it as can be understood, so that all of them
//! come to light.

use tokio_postgres::Client;

use super::fault::{Fault, Faults};
use super::{Config, Environment, environment, meant, place, written};
use crate::catalog::{self, At, Found, LoadError};
use crate::database::Database;
use crate::policy::{RuleAt, RuleFault, Rules};

/// What was read, with its faults.
#[derive(Debug)]
pub struct Draft {
    /// Absent if not even the database is known.
    pub(super) config: Option<Config>,
    pub(super) faults: Faults,
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

    /// Looks the listed tables up in the database and adds what is wrong with them and with their predicates. What was
    /// found is in the order of the settings, and complete if there are no faults.
    pub async fn find_tables(&mut self, client: &Client) -> Result<Vec<Found>, LoadError> {
        let Some(config) = &self.config else { return Ok(Vec::new()) };
        let loaded = catalog::look(client, &config.settings.tables).await?;
        let faults = loaded.faults.iter().map(|fault| config.placed(fault));
        let rules = loaded.found.iter().flat_map(|found| config.rule_faults(found, &loaded.faults));
        let faults: Vec<Fault> = faults.chain(rules).collect();
        faults.into_iter().for_each(|fault| self.faults.push(fault));
        Ok(loaded.found)
    }
}

/// For a predicate that is refused for what it is, and not for how it is written.
const PREDICATES: &str = "a predicate is what SQL has after WHERE, of what can be told from the row and from `auth` \
                          alone: columns, constants, claims, operators";

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

    /// The fault, at one of a table's predicates or at the table's name.
    pub fn at_table(&self, table: usize, rule: Option<RuleAt>, fault: Fault) -> Fault {
        let places = &self.places[table];
        fault.at(rule.map_or(&places.name, |rule| places.rule(rule)))
    }

    /// What is wrong with the predicates of a table, other than what is known already.
    fn rule_faults(&self, found: &Found, known: &[catalog::Fault]) -> Vec<Fault> {
        let settings = &self.settings.tables[found.settings];
        let known = |at: RuleAt| match at {
            RuleAt::ColumnName(line) => known
                .iter()
                .any(|fault| fault.table == found.settings && fault.at == At::Rule(line)),
            RuleAt::Rows | RuleAt::ColumnRule(_) => false,
        };
        let faults = Rules::read(&found.columns, settings).err().unwrap_or_default();
        let new = faults.into_iter().filter(|fault| !known(fault.at));
        new.map(|fault| self.placed_rule(found.settings, fault)).collect()
    }

    fn placed_rule(&self, table: usize, RuleFault { at, fault }: RuleFault) -> Fault {
        let text = match at {
            RuleAt::Rows => Some(&self.settings.tables[table].rows),
            RuleAt::ColumnName(_) => None,
            RuleAt::ColumnRule(line) => {
                self.settings.tables[table].column_rules.get(line).map(|rule| &rule.visible_if)
            }
        };
        let place = self.places[table].rule(at);
        let place =
            text.map_or_else(|| place.clone(), |text| place::word_at(place, text, fault.position));
        let help = fault.instead.unwrap_or_else(|| PREDICATES.to_owned());
        Fault::error(fault.reason).at(&place).help(help)
    }
}
