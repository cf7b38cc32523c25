//! Where the words about each table are, for faults that only the database shows.

use super::fault::Place;
use crate::catalog::At;
use crate::policy::RuleAt;

/// Where the settings of a table were written.
#[derive(Clone, Debug)]
pub struct TablePlaces {
    pub name: Place,
    pub rows: Option<Place>,
    pub columns: Vec<Place>,
    pub hide: Vec<Place>,
    /// All of `key`, and its items.
    pub key: Option<(Place, Vec<Place>)>,
    /// The lines of `[table.columns]`: the column and the predicate.
    pub rules: Vec<(Place, Place)>,
}

impl TablePlaces {
    pub fn at(&self, at: At) -> &Place {
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
            At::Rule(line) => self.rules.get(line).map(|(column, _)| column),
        };
        place.unwrap_or(&self.name)
    }

    /// Where the predicate is, or the name of the column that it is for.
    pub fn rule(&self, at: RuleAt) -> &Place {
        let line = |line: usize| self.rules.get(line);
        let place = match at {
            RuleAt::Rows => self.rows.as_ref(),
            RuleAt::ColumnName(at) => line(at).map(|(column, _)| column),
            RuleAt::ColumnRule(at) => line(at).map(|(_, predicate)| predicate),
        };
        place.unwrap_or(&self.name)
    }
}

/// The word that begins at a character of `text`, counted from 1, in the string that was written at `place`. Where
/// what is written isn't literally the text, as it has escapes, that is the whole string.
pub fn word_at(place: &Place, text: &str, character: usize) -> Place {
    let written = place.text();
    let opening = opening_len(written);
    let Some(raw) = written.get(opening..) else { return place.clone() };
    let start = text.char_indices().nth(character.saturating_sub(1)).map_or(text.len(), |it| it.0);
    let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
    // Escapes and normalised line ends take more bytes than what they stand for; secrets are masked byte by byte.
    let is_literal = raw.len() == text.len() + closing_len(written);
    let is_same = raw.starts_with(&text[..end]);
    match is_literal || is_same {
        true => place.part(opening + start..opening + start + word_len(&text[start..])),
        false => place.clone(),
    }
}

/// What stands before the first character of a string; a variable's text has no quotes.
fn opening_len(written: &str) -> usize {
    let quotes = closing_len(written);
    let line = &written[quotes..];
    match quotes {
        3 if line.starts_with("\r\n") => 5,
        3 if line.starts_with('\n') => 4,
        quotes => quotes,
    }
}

fn closing_len(written: &str) -> usize {
    let is_long = |quotes: &str| written.len() >= 6 && written.starts_with(quotes);
    match written.as_bytes().first() {
        Some(b'"' | b'\'') if is_long("\"\"\"") || is_long("'''") => 3,
        Some(quote @ (b'"' | b'\'')) if written.len() > 1 && written.ends_with(*quote as char) => 1,
        _ => 0,
    }
}

/// The bytes of the name or number that the text begins with, else of its first character.
fn word_len(text: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match text.find(|c| !is_word(c)).unwrap_or(text.len()) {
        0 => text.chars().next().map_or(0, char::len_utf8),
        len => len,
    }
}
