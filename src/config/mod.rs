//! The configuration: a file and the environment, read into checked settings with all faults
//! reported at once.
//!
//! The only code that reads the file or settings from the environment. Two levels: as `written`,
//! where every value knows its place, and as `meant`. A `draft` is compared with the database
//! before it is held against its faults.

mod auth;
mod draft;
mod environment;
mod fault;
mod meant;
mod place;
mod rule;
mod secrets;
mod section;
mod server;
mod table;
mod units;
mod value;
mod written;

use std::collections::BTreeMap;
use std::path::Path;

pub use draft::Draft;
pub use fault::{Fault, Faults, Place, Severity};
pub use units::print_size;

use crate::database::Database;
use crate::{changelog, identity, policy, transport};
use auth::AuthPlaces;
use place::TablePlaces;

/// The environment that the settings are read from; empty variables count as absent.
pub type Environment = BTreeMap<String, String>;

/// The file that is read if none is named.
pub const DEFAULT_FILE: &str = "rowcast.toml";

/// The largest configuration file that is read.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The settings of every stage.
#[derive(Clone, Debug)]
pub struct Settings {
    pub database: Database,
    pub server: transport::Settings,
    pub log: changelog::Settings,
    pub auth: identity::Settings,
    pub tables: Vec<policy::TableSettings>,
}

/// A configuration without faults.
#[derive(Clone, Debug)]
pub struct Config {
    pub settings: Settings,
    /// What is allowed, but hardly meant.
    pub warnings: Faults,
    places: Vec<TablePlaces>,
    auth_places: AuthPlaces,
}

/// The process's environment.
pub fn environment() -> Environment {
    let text = |os: std::ffi::OsString| os.into_string().ok();
    std::env::vars_os()
        .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Reads the configuration from `file` (else from `rowcast.toml`, if there is one) and the
/// environment.
pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Config, Faults> {
    read(file, environment)?.finish()
}

/// As [`load`], but what can be understood in spite of faults is there to be compared with the
/// database.
///
/// An error only if the file can't be read at all.
pub fn read(file: Option<&Path>, environment: &Environment) -> Result<Draft, Faults> {
    let file = file.or_else(|| Some(Path::new(DEFAULT_FILE)).filter(|path| path.exists()));
    let text = file.map(read_file).transpose()?;
    let name = file.map(|path| path.display().to_string());
    Ok(Draft::read(name.as_deref().zip(text.as_deref()), environment))
}

fn read_file(path: &Path) -> Result<String, Faults> {
    let name = path.display();
    let refused = |message: String| Faults::from(Fault::error(message));
    let size = std::fs::metadata(path).map(|about| about.len());
    if size.as_ref().is_ok_and(|bytes| *bytes > MAX_FILE_BYTES) {
        return Err(refused(format!("{name} is too large for a configuration")));
    }
    let bytes = size.and_then(|_| std::fs::read(path)).map_err(|error| {
        Fault::error(format!("{name} can't be read: {error}"))
            .help("name another file with --config FILE or ROWCAST_CONFIG")
    })?;
    String::from_utf8(bytes).map_err(|_| refused(format!("{name} isn't UTF-8 text")))
}

#[cfg(test)]
mod tests;
