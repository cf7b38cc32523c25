//! A table of the configuration whose keys are taken one by one; what is left over at the end is
//! unknown.

use super::fault::{Fault, Faults};
use super::value::{self, Placed, Reader};
use super::written::{Entry, Node, Written};
use crate::catalog::nearest;

/// A table that is being read.
pub struct Section<'a> {
    /// As the file writes it: `[server]`, `[[table]]`; empty for the top.
    header: &'static str,
    entries: Vec<Entry>,
    known: Vec<&'static str>,
    faults: &'a mut Faults,
}

impl<'a> Section<'a> {
    /// Begins to read a table; anything else is a fault and reads as an empty one.
    pub fn new(header: &'static str, node: Node, faults: &'a mut Faults) -> Self {
        let entries = match node.value {
            Written::Table(entries) => entries,
            _ => {
                let _: Option<()> =
                    value::wrong_type(&node, "a table", &format!("write {header}"), faults);
                Vec::new()
            }
        };
        Self { header, entries, known: Vec::new(), faults }
    }

    /// The key's value, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at).node)
    }

    /// The key's value with its place, if it is there and right.
    pub fn get<T>(&mut self, key: &'static str, read: Reader<T>) -> Option<Placed<T>> {
        let node = self.take(key)?;
        let value = read(&node, self.faults)?;
        Some(Placed { value, place: node.place })
    }

    /// The key's value if it is right and `fits`; else, also if it is absent, the default.
    pub fn bounded<T: PartialOrd + Copy>(
        &mut self,
        key: &'static str,
        read: Reader<T>,
        default: T,
        (least, most): (T, T),
        print: fn(T) -> String,
    ) -> T {
        let Some(Placed { value, place }) = self.get(key, read) else { return default };
        if (least..=most).contains(&value) {
            return value;
        }
        let (what, limit) =
            if value < least { ("small", ("least", least)) } else { ("large", ("most", most)) };
        let fault = Fault::error(format!("`{key}` is too {what}")).at(&place);
        self.faults.push(fault.label(format!("at {} {}", limit.0, print(limit.1))));
        default
    }

    /// Refuses a key that the documentation knows and this version doesn't: ignored, it would seem
    /// to protect.
    pub fn not_yet(&mut self, key: &'static str, what: &str) {
        self.known.push(key);
        while let Some(at) = self.entries.iter().position(|entry| entry.key == key) {
            let entry = self.entries.remove(at);
            self.faults.push(
                Fault::error(format!("{what} not available in this version"))
                    .at(&entry.key_place)
                    .help("remove it: rowcast doesn't start with a rule that it would not apply"),
            );
        }
    }

    /// Reports every key that nobody took.
    pub fn finish(self) {
        for entry in &self.entries {
            let place = match self.header {
                "" => "at the top of the configuration".to_owned(),
                header => format!("in {header}"),
            };
            let fault = Fault::error(format!("unknown key `{}` {place}", entry.key));
            let nearest = nearest(&entry.key, self.known.iter().copied());
            let help = match nearest {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            self.faults.push(fault.at(&entry.key_place).help(help));
        }
    }
}
