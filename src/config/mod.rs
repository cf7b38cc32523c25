//! The configuration: a file and the environment, read into checked settings with all faults reported at once.
//!
//! The only code that reads the file or settings from the environment. Two levels: as `written`, where every value
//! knows its place, and as `meant`. What is in the database is compared by `tables`.

mod environment;
mod fault;
mod meant;
mod secrets;
mod section;
mod standin;
mod table;
mod tables;
mod units;
mod value;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use fault::{Fault, Faults, Place, Severity};
pub use tables::FindError;

use crate::{changelog, policy, transport};
use standin as database;
use tables::TablePlaces;

/// The environment that the settings are read from; empty variables count as absent.
pub type Environment = BTreeMap<String, String>;

/// The file that is read if none is named.
pub const DEFAULT_FILE: &str = "rowcast.toml";

/// The largest configuration file that is read.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The settings of every stage.
#[derive(Clone, Debug)]
pub struct Settings {
    pub database: database::Database,
    pub server: transport::Settings,
    pub log: changelog::Settings,
    /// Whether those may connect who show no credential.
    pub anonymous: bool,
    pub tables: Vec<policy::TableSettings>,
}

/// A configuration without faults.
#[derive(Clone, Debug)]
pub struct Config {
    pub settings: Settings,
    /// What is allowed, but hardly meant.
    pub warnings: Faults,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    places: Vec<TablePlaces>,
}

/// The process's environment.
pub fn environment() -> Environment {
    let text = |os: std::ffi::OsString| os.into_string().ok();
    std::env::vars_os()
        .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Reads the configuration from `file` (else from `rowcast.toml`, if there is one) and the environment.
pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Config, Faults> {
    let file = file.or_else(|| Some(Path::new(DEFAULT_FILE)).filter(|path| path.exists()));
    let text = file.map(read_file).transpose()?;
    let named = file.zip(text.as_deref()).map(|(path, text)| (path.display().to_string(), text));
    let mut config = parse(named.as_ref().map(|(name, text)| (name.as_str(), *text)), environment)?;
    config.file = file.map(Path::to_path_buf);
    Ok(config)
}

/// Reads the configuration from a file's name and text, and the environment.
pub fn parse(file: Option<(&str, &str)>, environment: &Environment) -> Result<Config, Faults> {
    let mut syntax = Faults::default();
    let (mut root, broken) = match file {
        Some((name, text)) => written::parse(name, text, &mut syntax),
        None => (written::nothing(), None),
    };
    let mut faults = Faults::default();
    environment::overlay(&mut root, environment, &mut faults);
    let meant = meant::read(root, environment, &mut faults);
    if let Some(broken) = broken {
        faults = faults.without_consequences(&broken);
    }
    faults.extend(syntax);
    match meant {
        Some((settings, places)) if !faults.has_errors() => {
            Ok(Config { settings, warnings: faults, file: None, places })
        }
        _ => Err(faults),
    }
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
#[cfg(test)]
mod tests;
