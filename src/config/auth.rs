//! `[auth]`: who may connect, and how that is known.

mod check;
mod jwt;
mod key;
mod request;
mod session;

use super::fault::{Fault, Faults, Place};
use super::section::Section;
use super::value;
use super::written::Node;
use crate::identity::{Settings, Timing};

/// Where the words about credentials are, for faults that only files or the database show.
#[derive(Clone, Debug, Default)]
pub struct AuthPlaces {
    /// The key of `[auth.jwt]`.
    pub jwt: Option<Place>,
    pub session: Option<session::Places>,
}

pub fn read(node: Option<Node>, faults: &mut Faults) -> (Settings, AuthPlaces) {
    let place = node.as_ref().map(|node| node.place.clone());
    let mut section = Section::new("[auth]", super::meant::or_empty(node), faults);
    let anonymous = section.get("anonymous", value::boolean);
    let [jwt, session, request, keys] =
        ["jwt", "session", "request", "key"].map(|key| section.take(key));
    section.finish();
    let (jwt, jwt_place) = jwt.and_then(|node| jwt::read(node, faults)).unzip();
    let (session, session_places) = session.and_then(|node| session::read(node, faults)).unzip();
    let settings = Settings {
        anonymous: anonymous.as_ref().is_some_and(|anonymous| anonymous.value),
        jwt,
        session,
        request: request.and_then(|node| request::read(node, faults)),
        keys: key::read_all(keys, faults),
        timing: Timing::default(),
    };
    if !settings.knows_anybody() && !faults.has_errors() {
        let fault = Fault::warning("nobody can connect: [auth] accepts no kind of credential")
            .help("`anonymous = true` in [auth] lets everybody read what the tables' `rows` allow");
        let place = anonymous.map(|anonymous| anonymous.place).or(place);
        faults.push(Fault { place, ..fault });
    }
    (settings, AuthPlaces { jwt: jwt_place, session: session_places })
}

#[cfg(test)]
mod tests;
