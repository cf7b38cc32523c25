//! A copy on Server-Sent Events.

use std::time::Instant;

use rand::Rng as _;
use rand::rngs::StdRng;
use reqwest::Response;
use serde_json::Value;

use super::mirror::{End, Mirror, SILENCE, Token};
use super::socket::refused;
use crate::random::Object;

struct Block {
    event: String,
    id: Option<String>,
    data: String,
}

pub async fn follow(mirror: &Mirror, until: Instant, rng: &mut StdRng) -> Result<(), End> {
    let token = mirror.token(rng);
    let place = {
        let mut copy = mirror.copy(0);
        if rng.random_bool(0.04) {
            copy.forget();
        }
        copy.place()
    };
    let mut is_live = place.is_some();
    let mut response = open(mirror, &token, place, rng).await?;
    match is_live {
        true => mirror.counts.resumes.add(1),
        false => mirror.counts.snapshots.add(1),
    }
    let mut bytes = Vec::new();
    loop {
        let chunk = tokio::select! {
            chunk = tokio::time::timeout(SILENCE, response.chunk()) => chunk,
            () = tokio::time::sleep_until(until.into()) => return Ok(()),
        };
        let chunk = chunk.map_err(|_| End::Fault("silence".to_owned()))?.map_err(End::broken)?;
        let Some(chunk) = chunk else { return Err(End::broken("the stream ended")) };
        bytes.extend_from_slice(&chunk);
        let Some(end) = bytes.windows(2).rposition(|two| two == b"\n\n") else { continue };
        let rest = bytes.split_off(end + 2);
        let whole = String::from_utf8(std::mem::replace(&mut bytes, rest))
            .map_err(|error| End::Fault(error.to_string()))?;
        for block in whole.split("\n\n").filter(|block| !block.is_empty()) {
            if let Some(block) = parse(block)? {
                take(mirror, block, &mut is_live)?;
            }
        }
    }
}

async fn open(
    mirror: &Mirror,
    token: &Token,
    place: Option<String>,
    rng: &mut StdRng,
) -> Result<Response, End> {
    let spec = &mirror.specs[0];
    let mut more = vec![("snapshot", "true".to_owned())];
    if spec.asked.old {
        more.push(("old", "true".to_owned()));
    }
    if spec.coalesce > 0 {
        more.push(("coalesce", spec.coalesce.to_string()));
    }
    let by_header = rng.random_bool(0.5);
    if let Some(place) = place.clone().filter(|_| !by_header) {
        more.push(("cursor", place));
    }
    let (address, query) = (mirror.proxy.address, spec.query(&more));
    let url = format!("http://{address}/v1/tables/{}/changes?{query}", spec.asked.table);
    let mut request = reqwest::Client::new().get(url).header("accept", "text/event-stream");
    if let Some(place) = place.filter(|_| by_header) {
        request = request.header("last-event-id", place);
    }
    if let Some(token) = &token.text {
        request = request.bearer_auth(token);
    }
    let response = tokio::time::timeout(SILENCE, request.send()).await;
    let response = response.map_err(|_| End::Fault("no answer to SSE".to_owned()))?;
    let response = response.map_err(End::broken)?;
    match response.status().as_u16() {
        200 => Ok(response),
        other => Err(refused(other, token)),
    }
}

/// By the standard's rules, as far as lines that the protocol knows go.
fn parse(text: &str) -> Result<Option<Block>, End> {
    let mut block = Block { event: String::new(), id: None, data: String::new() };
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => block.event = value.to_owned(),
            Some(("id", value)) => block.id = Some(value.to_owned()),
            Some(("data", value)) => block.data.push_str(value),
            Some(("retry" | "", _)) => return Ok(None),
            _ if line.starts_with(':') => {}
            _ => return Err(End::Fault(format!("not a line of an event stream: {line}"))),
        }
    }
    Ok((!block.event.is_empty()).then_some(block))
}

fn take(mirror: &Mirror, block: Block, is_live: &mut bool) -> Result<(), End> {
    let mut copy = mirror.copy(0);
    let wrong = |what: &str| Err(End::Fault(format!("{what}: {} {:?}", block.event, block.id)));
    let read = |text: &str| {
        serde_json::from_str::<Object>(text).map_err(|error| End::Fault(format!("{error}: {text}")))
    };
    match (block.event.as_str(), &block.id) {
        ("snapshot", None) if !*is_live => {
            let data = read(&block.data)?;
            let rows = serde_json::from_str(data.get("rows"));
            copy.add_rows(rows.map_err(|error| End::Fault(error.to_string()))?)?;
        }
        ("synced", Some(id)) if !*is_live => {
            if read(&block.data)?.text("cursor") != *id {
                return wrong("id and cursor differ");
            }
            copy.synced(id)?;
            *is_live = true;
        }
        ("cursor", Some(id)) if *is_live => {
            mirror.counts.commits.add(1);
            copy.commit(id)?;
        }
        ("reset", None) => {
            let data: Value = serde_json::from_str(&block.data).unwrap_or_default();
            let reason = data["reason"].as_str().unwrap_or("no reason");
            mirror.counts.name(&format!("reset {reason}"));
            copy.reset(reason);
            *is_live = false;
        }
        ("created" | "updated" | "patched" | "removed" | "truncated", id) if *is_live => {
            let event = read(&block.data)?;
            if event.text("event") != block.event {
                return wrong("the names differ");
            }
            copy.push(event)?;
            if let Some(id) = id {
                mirror.counts.commits.add(1);
                copy.commit(id)?;
            }
        }
        ("error", _) => return Err(End::broken(&block.data)),
        _ => return wrong(if *is_live { "unexpected" } else { "unexpected before synced" }),
    }
    Ok(())
}
