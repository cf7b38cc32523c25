//! Where the words about each table are, for faults that only the database shows.

use super::fault::Place;
use crate::catalog::At;

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
        };
        place.unwrap_or(&self.name)
    }
}
