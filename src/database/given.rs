//! The settings as given: connection string before service before environment.

use std::path::PathBuf;

use super::conninfo::{self, ConninfoError, IN_STRING, Pair};
use super::keyword::{self, KEYWORDS, Keyword, Meaning};
use super::service;

/// One setting and where it was written.
#[derive(Debug)]
struct Entry {
    keyword: &'static Keyword,
    value: String,
    origin: String,
}

/// What was given, by keyword. An empty value stands for the default, as in libpq.
pub(super) struct Given<'a> {
    entries: Vec<Entry>,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Given<'a> {
    /// Collects the settings of a connection string, of the service that it or `PGSERVICE` names,
    /// and of the environment.
    pub fn collect(
        url: Option<&str>,
        env: &'a dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConninfoError> {
        let mut given = Self { entries: Vec::new(), env };
        if let Some(url) = url {
            given.put_in_string(conninfo::parse(url)?);
        }
        given.add_from_environment(&["service", "servicefile"]);
        if let Some(name) = given.text("service") {
            let (pairs, path) = service::load(&name, &given)?;
            given.add(pairs, &format!("in service {name:?} of {}", path.display()));
        }
        let names: Vec<&str> = KEYWORDS.iter().map(|keyword| keyword.name).collect();
        given.add_from_environment(&names);
        given.refuse_what_cannot_be_kept()?;
        Ok(given)
    }

    /// Of settings given twice in a string the later one counts.
    fn put_in_string(&mut self, pairs: Vec<Pair>) {
        self.add(pairs.into_iter().rev().collect(), IN_STRING);
    }

    /// Adds what is not yet there.
    fn add(&mut self, pairs: Vec<Pair>, origin: &str) {
        for Pair { keyword, value } in pairs {
            if !self.entries.iter().any(|entry| entry.keyword == keyword) {
                self.entries.push(Entry { keyword, value, origin: origin.into() });
            }
        }
    }

    fn add_from_environment(&mut self, names: &[&str]) {
        for keyword in names.iter().filter_map(|name| keyword::find(name)) {
            let Some(variable) = keyword.env else { continue };
            if let Some(value) = (self.env)(variable) {
                self.add(vec![Pair { keyword, value }], &format!("in {variable}"));
            }
        }
    }

    fn refuse_what_cannot_be_kept(&self) -> Result<(), ConninfoError> {
        for Entry { keyword, value, origin } in &self.entries {
            if let Meaning::Only(harmless, why) = keyword.meaning
                && !value.is_empty()
                && !harmless.contains(&value.as_str())
            {
                let (keyword, origin) = (keyword.name, origin.clone());
                return Err(ConninfoError::Unsupported { keyword, origin, why });
            }
        }
        Ok(())
    }

    fn entry(&self, name: &'static str) -> Option<&Entry> {
        debug_assert!(keyword::find(name).is_some(), "{name} is no keyword");
        self.entries.iter().find(|entry| entry.keyword.name == name && !entry.value.is_empty())
    }

    pub fn text(&self, name: &'static str) -> Option<String> {
        self.entry(name).map(|entry| entry.value.clone())
    }

    pub fn path(&self, name: &'static str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// The items of a comma-separated value, empty ones included.
    pub fn list(&self, name: &'static str) -> Vec<String> {
        let text = self.text(name);
        text.iter().flat_map(|text| text.split(',')).map(|item| item.trim().to_owned()).collect()
    }

    pub fn integer(&self, name: &'static str) -> Result<Option<i32>, ConninfoError> {
        let Some(entry) = self.entry(name) else { return Ok(None) };
        match entry.value.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.wrong(name, format!("{:?} is not a whole number", entry.value))),
        }
    }

    /// The meaning of a value that is one of a few words.
    pub fn choice<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&'static str, T)],
    ) -> Result<Option<T>, ConninfoError> {
        let Some(entry) = self.entry(name) else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == entry.value) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let what = format!("{:?} is none of {}", entry.value, known.join(", "));
                Err(self.wrong(name, what))
            }
        }
    }

    /// What is wrong with a value, and where it was written.
    pub fn wrong(&self, name: &'static str, what: impl Into<String>) -> ConninfoError {
        let origin = self.entry(name).map_or("by default", |entry| &entry.origin).to_owned();
        ConninfoError::Value { keyword: name, origin, what: what.into() }
    }

    pub fn variable(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.is_empty())
    }

    /// The home directory: `HOME`, or what the system's list of users says.
    pub fn home(&self) -> Option<PathBuf> {
        let listed = || nix::unistd::User::from_uid(nix::unistd::geteuid()).ok()??.dir.into();
        self.variable("HOME").map(PathBuf::from).or_else(listed)
    }
}
