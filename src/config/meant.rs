//! The configuration as meant: what is written, checked and turned into each stage's settings.

use std::time::Duration;

use super::auth;
use super::fault::{Fault, Faults, Place};
use super::section::Section;
use super::value::{self, Placed};
use super::written::Node;
use super::{Config, Environment, Settings, environment, units};
use super::{server, table};
use crate::changelog::{self, Wake};
use crate::database::Database;

/// Reads everything; what has faults is replaced by defaults or left out. `None` only if `faults`
/// has errors.
pub fn read(root: Node, environment: &Environment, faults: &mut Faults) -> Option<Config> {
    let mut top = Section::new("", root, faults);
    let [database, server, log, auth, tables] =
        ["database", "server", "log", "auth", "table"].map(|name| top.take(name));
    top.finish();
    let database = read_database(database, environment, faults);
    let server = server::read(or_empty(server), faults);
    let log = read_log(or_empty(log), faults);
    let (auth, auth_places) = auth::read(auth, faults);
    let (tables, places) = table::read_all(tables, faults);
    let settings = Settings { database: database?, server, log, auth, tables };
    Some(Config { settings, warnings: Faults::default(), places, auth_places })
}

pub fn or_empty(node: Option<Node>) -> Node {
    node.unwrap_or_else(super::written::nothing)
}

const LIBPQ: &str = "what may stand here: \
                     https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING";

fn read_database(
    node: Option<Node>,
    environment: &Environment,
    faults: &mut Faults,
) -> Option<Database> {
    let mut section = Section::new("[database]", or_empty(node), faults);
    let given = section.take("url");
    section.finish();
    let url = match given {
        Some(node) => Some(Placed { value: value::text(&node, faults)?, place: node.place }),
        None => environment.get("DATABASE_URL").map(|url| {
            let (source, offset) = environment::source("DATABASE_URL", url);
            Placed { value: url.clone(), place: Place::new(&source, offset..offset + url.len()) }
        }),
    };
    let text = url.as_ref().map(|url| url.value.as_str());
    let variable = |name: &str| environment.get(name).cloned();
    Database::resolve(text, &variable)
        .map_err(|error| {
            let hint = error.hint().unwrap_or_else(|| LIBPQ.to_owned());
            let message = format!("{:#}", anyhow::anyhow!(error));
            let fault = Fault { help: Some(hint), ..Fault::error(message) };
            faults.push(match &url {
                Some(url) => fault.at(&url.place),
                None => fault,
            });
        })
        .ok()
}

const RETENTION: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(3650 * 86_400));
const LOG_BYTES: (u64, u64) = (1 << 20, 1 << 50);

fn read_log(node: Node, faults: &mut Faults) -> changelog::Settings {
    let mut section = Section::new("[log]", node, faults);
    let default = changelog::Settings::default();
    let print_duration = |duration| humantime::format_duration(duration).to_string();
    let retention =
        section.bounded("retention", value::duration, default.retention, RETENTION, print_duration);
    let max_size_bytes = section.bounded(
        "max_size",
        value::size,
        default.max_size_bytes,
        LOG_BYTES,
        units::print_size,
    );
    let wake = section.get("wake", read_wake).map_or(default.wake, |wake| wake.value);
    section.finish();
    changelog::Settings { retention, max_size_bytes, wake }
}

fn read_wake(node: &Node, faults: &mut Faults) -> Option<Wake> {
    value::one_of(node, &[("listen", Wake::Listen), ("poll", Wake::Poll)], faults)
}
