//! A copy by rows once, and polls behind them.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use reqwest::{Client, RequestBuilder, Response};

use super::mirror::{End, Mirror, SILENCE, Token};
use super::socket::refused;
use crate::random::Object;

/// The most events of an answer.
const MAX_EVENTS: usize = 10_000;

pub async fn follow(
    mirror: &Mirror,
    wait: u64,
    until: Instant,
    rng: &mut StdRng,
) -> Result<(), End> {
    let http = Client::new();
    let mut token = mirror.token(rng);
    let mut began = false;
    while Instant::now() < until {
        if token.may_have_ended() {
            token = mirror.token(rng);
        }
        let place = mirror.copy(0).place();
        let Some(place) = place else {
            rows(mirror, &http, &token, rng).await?;
            began = true;
            continue;
        };
        if !began {
            mirror.counts.resumes.add(1);
            began = true;
        }
        let had_news = changes(mirror, &http, &token, place, wait).await?;
        if wait == 0 && !had_news {
            tokio::time::sleep(Duration::from_millis(rng.random_range(20..400))).await;
        }
    }
    Ok(())
}

pub async fn read_again(mirror: &Mirror, until: Instant, rng: &mut StdRng) -> Result<(), End> {
    let http = Client::new();
    while Instant::now() < until {
        let token = mirror.token(rng);
        rows(mirror, &http, &token, rng).await?;
        tokio::time::sleep(Duration::from_millis(rng.random_range(50..1_000))).await;
    }
    Ok(())
}

async fn send(request: RequestBuilder, token: &Token) -> Result<Response, End> {
    let request = match &token.text {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let response = tokio::time::timeout(SILENCE + SILENCE, request.send()).await;
    response.map_err(|_| End::Fault("no answer to a request".to_owned()))?.map_err(End::broken)
}

async fn rows(mirror: &Mirror, http: &Client, token: &Token, rng: &mut StdRng) -> Result<(), End> {
    let spec = &mirror.specs[0];
    let as_lines = rng.random_bool(0.5);
    let url = format!("http://{}/v1/tables/{}/rows", mirror.proxy.address, spec.asked.table);
    let mut request = http.get(format!("{url}?{}", spec.query(&[])));
    if as_lines {
        request = request.header("accept", "application/x-ndjson");
    }
    let response = send(request, token).await?;
    let status = response.status().as_u16();
    if status != 200 {
        let told = body(response).await?;
        return Err(refused(status, token).with(&told));
    }
    let header = response.headers().get("rowcast-cursor").and_then(|it| it.to_str().ok());
    let header = header.ok_or_else(|| End::Fault("rows without Rowcast-Cursor".to_owned()))?;
    let cursor = header.to_owned();
    let text = body(response).await?;
    let wrong = |error: serde_json::Error| End::Fault(error.to_string());
    let rows: Vec<Object> = match as_lines {
        true => {
            let lines = text.lines().filter(|line| !line.is_empty());
            lines.map(serde_json::from_str).collect::<Result<_, _>>().map_err(wrong)?
        }
        false => {
            let answer: Object = serde_json::from_str(&text).map_err(wrong)?;
            if answer.text("cursor") != cursor {
                return Err(End::Fault("the header has another cursor".to_owned()));
            }
            serde_json::from_str(answer.get("rows")).map_err(wrong)?
        }
    };
    mirror.counts.snapshots.add(1);
    let mut copy = mirror.copy(0);
    copy.add_rows(rows)?;
    Ok(copy.synced(&cursor)?)
}

async fn body(response: Response) -> Result<String, End> {
    let text = tokio::time::timeout(SILENCE, response.text()).await;
    text.map_err(|_| End::Fault("an answer without an end".to_owned()))?.map_err(End::broken)
}

/// Whether there was something.
async fn changes(
    mirror: &Mirror,
    http: &Client,
    token: &Token,
    place: String,
    wait: u64,
) -> Result<bool, End> {
    let spec = &mirror.specs[0];
    let mut more = vec![("cursor", place), ("wait", wait.to_string())];
    if spec.asked.old {
        more.push(("old", "true".to_owned()));
    }
    let url = format!("http://{}/v1/tables/{}/changes", mirror.proxy.address, spec.asked.table);
    let response = send(http.get(format!("{url}?{}", spec.query(&more))), token).await?;
    match response.status().as_u16() {
        200 => {}
        410 => {
            let problem = body(response).await?;
            mirror.counts.name("reset by 410");
            if !problem.contains("cursor_expired") {
                return Err(End::Fault(format!("410 with {problem}")));
            }
            mirror.copy(0).reset("410");
            return Ok(true);
        }
        400 => return Err(End::Fault(body(response).await?)),
        other => return Err(refused(other, token)),
    }
    let text = body(response).await?;
    let wrong = |error: serde_json::Error| End::Fault(error.to_string());
    let answer: Object = serde_json::from_str(&text).map_err(wrong)?;
    let events: Vec<Object> = serde_json::from_str(answer.get("events")).map_err(wrong)?;
    if events.len() > MAX_EVENTS {
        return Err(End::Fault(format!("{} events in an answer", events.len())));
    }
    let (cursor, has_more) = (answer.text("cursor"), answer.get("more") == "true");
    let had_news = has_more || !events.is_empty();
    let mut copy = mirror.copy(0);
    for event in events {
        copy.push(event)?;
    }
    match has_more {
        true => copy.reach_part(&cursor),
        false => {
            mirror.counts.commits.add(1);
            copy.commit(&cursor)?;
        }
    }
    Ok(had_news)
}
