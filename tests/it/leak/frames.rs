//! What came, read strictly: nothing is passed over that the protocol doesn't know.

use std::collections::BTreeMap;

use rowcast::cursor::Cursor;

use crate::random::{Object, object};

/// What came for one subscription.
#[derive(Debug, Default)]
pub struct Heard {
    /// Everything after this comes.
    pub from: Option<Cursor>,
    /// The batch that each event came in, and the event.
    pub events: Vec<(usize, Object)>,
    /// What is no event of this subscription, and no part of the protocol's order.
    pub stray: Vec<String>,
}

/// A WebSocket's feeds, by the ids of their subscriptions.
pub fn of_socket(log: &[String]) -> BTreeMap<String, Heard> {
    let mut heard: BTreeMap<String, Heard> = BTreeMap::new();
    let mut feeds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut batch = 0;
    for text in log {
        let message = object(text);
        let names: Vec<_> = message.0.keys().map(String::as_str).collect();
        match (message.text("op").as_str(), names.as_slice()) {
            ("hello", ["identity", "op", "protocol"]) => {}
            ("subscribed", ["columns", "cursor", "feed", "id", "key", "op", "table"]) => {
                let from = message.text("cursor").parse().ok();
                let id = message.text("id");
                feeds.entry(message.get("feed").to_owned()).or_default().push(id.clone());
                heard.insert(id, Heard { from, ..Heard::default() });
            }
            ("events", ["events", "feed", "op"]) => {
                let events: Vec<Object> = serde_json::from_str(message.get("events")).unwrap();
                let ids = feeds.get(message.get("feed")).expect("a feed that was subscribed to");
                for id in ids {
                    let into = &mut heard.get_mut(id).unwrap().events;
                    into.extend(events.iter().map(|event| (batch, event.clone())));
                }
            }
            ("commit", ["cursor", "op"]) => batch += 1,
            ("error", ["code", "detail", "id", "op"])
            | ("error", ["code", "detail", "id", "op", "position"]) => {}
            _ => heard.entry(String::new()).or_default().stray.push(text.clone()),
        }
    }
    heard
}

pub fn of_stream(log: &[String]) -> Heard {
    let mut heard = Heard::default();
    let mut batch = 0;
    let text = log.concat();
    for block in text.split("\n\n").filter(|block| !block.is_empty()) {
        let lines: Vec<_> = block.lines().filter_map(|line| line.split_once(": ")).collect();
        let of = |name: &str| lines.iter().find(|line| line.0 == name).map_or("", |line| line.1);
        match lines.iter().map(|line| line.0).collect::<Vec<_>>().as_slice() {
            ["retry"] => {}
            ["event", "id", "data"] if of("event") == "cursor" => {
                batch += 1;
                heard.from = heard.from.or_else(|| of("id").parse().ok());
            }
            ["event", "data"] | ["event", "id", "data"] if of("event") != "reset" => {
                let event = object(of("data"));
                assert_eq!(event.text("event"), of("event"), "{block}");
                heard.events.push((batch, event));
                batch += usize::from(!of("id").is_empty());
            }
            _ => heard.stray.push(block.to_owned()),
        }
    }
    heard
}
