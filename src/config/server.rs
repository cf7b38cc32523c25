//! `[server]`: where the daemon listens, to whose pages, and how much of everything there may be.

use super::fault::Faults;
use super::section::Section;
use super::written::Node;
use super::{units, value};
use crate::transport::Settings;

/// What a row's event may take; an outbox must have room for one.
const EVENT_BYTES: (usize, usize) = (1 << 10, 1 << 30);
const OUTBOX_LEAST_BYTES: usize = 1 << 12;
const OUTBOX_MOST_BYTES: usize = 1 << 34;
const CONNECTIONS: (usize, usize) = (1, 10_000_000);
/// A connection's subscriptions are looked through for each new one.
const SUBSCRIPTIONS: (usize, usize) = (1, 10_000);
const SUBSCRIPTIONS_PER_IDENTITY: (usize, usize) = (1, 10_000_000);
const MESSAGES_PER_SECOND: (usize, usize) = (1, 100_000);
const MESSAGE_BYTES: (usize, usize) = (1 << 10, 16 << 20);

pub fn read(node: Node, faults: &mut Faults) -> Settings {
    let mut section = Section::new("[server]", node, faults);
    let default = Settings::default();
    let listen = section.get("listen", value::address).map_or(default.listen, |it| it.value);
    let origins = section.get("allowed_origins", value::origins).map(|it| it.value);
    let hosts = section.get("hosts", value::hosts).map(|it| it.value);
    let event = bytes(&mut section, "max_event_bytes", default.max_event_bytes, EVENT_BYTES);
    let outbox = default.outbox_max_bytes.max(event);
    let outbox_bytes = (event.max(OUTBOX_LEAST_BYTES), OUTBOX_MOST_BYTES);
    let mut count = |key, default, bounds| {
        section.bounded(key, value::count, default, bounds, |number| number.to_string())
    };
    let read = Settings {
        listen,
        allowed_origins: origins.into_iter().flatten().map(|origin| origin.value).collect(),
        hosts: hosts.into_iter().flatten().map(|host| host.value).collect(),
        max_event_bytes: event,
        outbox_max_bytes: outbox,
        max_connections: count("max_connections", default.max_connections, CONNECTIONS),
        max_connections_per_identity: count(
            "max_connections_per_identity",
            default.max_connections_per_identity,
            CONNECTIONS,
        ),
        max_subscriptions: count("max_subscriptions", default.max_subscriptions, SUBSCRIPTIONS),
        max_subscriptions_per_identity: count(
            "max_subscriptions_per_identity",
            default.max_subscriptions_per_identity,
            SUBSCRIPTIONS_PER_IDENTITY,
        ),
        max_messages_per_second: count(
            "max_messages_per_second",
            default.max_messages_per_second,
            MESSAGES_PER_SECOND,
        ),
        max_message_bytes: default.max_message_bytes,
    };
    let outbox_max_bytes = bytes(&mut section, "outbox_max_bytes", outbox, outbox_bytes);
    let most = read.max_message_bytes;
    let max_message_bytes = bytes(&mut section, "max_message_bytes", most, MESSAGE_BYTES);
    section.finish();
    Settings { outbox_max_bytes, max_message_bytes, ..read }
}

fn bytes(
    section: &mut Section<'_>,
    key: &'static str,
    default: usize,
    (least, most): (usize, usize),
) -> usize {
    let wide = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let bounds = (wide(least), wide(most));
    let read = section.bounded(key, value::size, wide(default), bounds, units::print_size);
    usize::try_from(read).unwrap_or(usize::MAX)
}
