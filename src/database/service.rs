//! Services: named groups of settings in `pg_service.conf`.
//!
//! <https://www.postgresql.org/docs/current/libpq-pgservice.html>

use std::path::{Path, PathBuf};

use super::conninfo::{ConninfoError, Pair};
use super::given::Given;
use super::keyword;

/// Where packages keep the system's `pg_service.conf` if `PGSYSCONFDIR` doesn't say.
const SYSTEM_DIRECTORIES: [&str; 2] = ["/etc/postgresql-common", "/etc"];

/// The settings of a service and the file that defines it: the user's or, failing that, the
/// system's.
pub(super) fn load(name: &str, given: &Given) -> Result<(Vec<Pair>, PathBuf), ConninfoError> {
    let named = given.path("servicefile");
    let files = named.iter().cloned().chain(usual_files(given, named.is_some()));
    let mut looked_in = Vec::new();
    for path in files {
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                if let Some(pairs) = find(&text, name, &path)? {
                    return Ok((pairs, path));
                }
            }
            Err(source) if named.as_ref() == Some(&path) => {
                return Err(ConninfoError::Unreadable { path, source });
            }
            Err(_) => {}
        }
        looked_in.push(path);
    }
    Err(ConninfoError::UnknownService { name: name.into(), looked_in })
}

fn usual_files(given: &Given, without_users: bool) -> Vec<PathBuf> {
    let users = given.home().filter(|_| !without_users).map(|home| home.join(".pg_service.conf"));
    let directories = match given.variable("PGSYSCONFDIR") {
        Some(directory) => vec![PathBuf::from(directory)],
        None => SYSTEM_DIRECTORIES.map(PathBuf::from).to_vec(),
    };
    users.into_iter().chain(directories.iter().map(|dir| dir.join("pg_service.conf"))).collect()
}

/// The settings in section `[name]`, if the file has it.
fn find(text: &str, name: &str, path: &Path) -> Result<Option<Vec<Pair>>, ConninfoError> {
    let mut found: Option<Vec<Pair>> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if section.strip_suffix(']') == Some(name) {
                found = Some(Vec::new());
            }
        } else if let Some(pairs) = &mut found {
            let wrong = |what: String| ConninfoError::ServiceFile {
                path: path.to_owned(),
                line: number + 1,
                what,
            };
            pairs.push(setting(line).map_err(wrong)?);
        }
    }
    // As in libpq, of settings given twice the first counts here.
    Ok(found)
}

fn setting(line: &str) -> Result<Pair, String> {
    if line.starts_with("ldap") {
        return Err("services from LDAP are not supported".into());
    }
    let (name, value) = line.split_once('=').ok_or("a line must be keyword=value")?;
    let (name, value) = (name.trim_end(), value.trim_start());
    match keyword::find(name) {
        Some(keyword) if ["service", "servicefile"].contains(&keyword.name) => {
            Err("a service can't refer to another".into())
        }
        Some(keyword) => Ok(Pair { keyword, value: value.into() }),
        None => {
            let hint = keyword::hint(name).map(|hint| format!(": {hint}")).unwrap_or_default();
            Err(format!("unknown keyword {name:?}{hint}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# services
[shop]
host = db
port=6432

[ other ]
[bad]
hots=db
[ldap]
ldap://ldap.example/x
[nested]
service=shop
";

    fn settings(name: &str) -> Result<Option<Vec<String>>, String> {
        let show = |pair: Pair| format!("{}={}", pair.keyword.name, pair.value);
        find(FILE, name, Path::new("/f"))
            .map(|found| found.map(|pairs| pairs.into_iter().map(show).collect()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_section_ends_at_the_next() {
        assert_eq!(settings("shop"), Ok(Some(vec!["host=db".into(), "port=6432".into()])));
        assert_eq!(settings(" other "), Ok(Some(vec![])));
        assert_eq!(settings("absent"), Ok(None));
    }

    #[test]
    fn faults_name_their_line() {
        for (section, error) in [
            ("bad", "/f, line 8: unknown keyword \"hots\": did you mean host?"),
            ("ldap", "/f, line 10: services from LDAP are not supported"),
            ("nested", "/f, line 12: a service can't refer to another"),
        ] {
            assert_eq!(settings(section), Err(error.into()));
        }
    }
}
