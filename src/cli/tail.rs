//! `rowcast tail`: events on standard output, from a running daemon.

mod client;
mod place;
mod show;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use rand::Rng as _;
use serde_json::json;
use tokio::time::sleep;

use self::client::{Broken, Feed, Message};
use self::place::Place;
use self::show::Style;
use super::Global;
use crate::config;

/// The pauses between attempts to reach the daemon again.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A feed that lasted so long starts the pauses over.
const STEADY: Duration = Duration::from_secs(30);

/// Print a table's events as they happen
///
/// Connects to a running daemon, not to the database, and goes on until it is interrupted.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The table, as the configuration lists it: orders or sales.orders
    pub table: String,

    /// Only the rows for which this holds, in SQL: "status = 'open'" (the daemon of this version
    /// refuses it)
    #[arg(long, value_name = "PREDICATE")]
    pub r#where: Option<String>,

    /// First print the rows that the table has now (the daemon of this version refuses it)
    #[arg(long)]
    pub snapshot: bool,

    /// Print each event as it came, one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// Where the daemon is [default: where the configuration says that it listens]
    ///
    /// http://127.0.0.1:7700, or https:// with a path if it is behind a proxy. No configuration is
    /// read then.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

pub async fn run(arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    end_when_interrupted();
    let place = place(&arguments, global)?;
    let mut tail = Tail { place, subscription: subscription(&arguments), style: style(&arguments) };
    let mut pause = FIRST_PAUSE;
    let mut again = false;
    loop {
        let begun = Instant::now();
        let mut was_live = false;
        let broken = match tail.follow(again, &mut was_live).await {
            Ok(()) => return Ok(()),
            Err(broken) => broken,
        };
        again |= was_live;
        if !again || broken.is_final() {
            return Err(broken.into());
        }
        pause = if begun.elapsed() > STEADY { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        let pause = pause.mul_f64(rand::rng().random_range(0.5..1.0));
        let reason = format!("{:#}", anyhow::Error::from(broken));
        tracing::warn!("{reason}; trying again in {:.1} s", pause.as_secs_f64());
        sleep(pause).await;
    }
}

/// At once, even while whoever reads the output doesn't.
fn end_when_interrupted() {
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(0);
        }
    });
}

fn place(arguments: &Arguments, global: &Global) -> anyhow::Result<Place> {
    if let Some(url) = &arguments.url {
        return Ok(Place::from_url(url)?);
    }
    let config = config::load(global.config.as_deref(), &config::environment())?;
    Ok(Place::from_listen(config.settings.server.listen))
}

/// What is asked of the daemon; what it doesn't know it refuses.
fn subscription(arguments: &Arguments) -> String {
    let mut message = json!({ "op": "subscribe", "id": "tail", "table": arguments.table });
    if !arguments.json {
        message["old"] = true.into();
    }
    if let Some(predicate) = &arguments.r#where {
        message["where"] = predicate.as_str().into();
    }
    if arguments.snapshot {
        message["snapshot"] = true.into();
    }
    message.to_string()
}

fn style(arguments: &Arguments) -> Style {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match arguments.json {
        true => Style::Json,
        false => Style::Text { colourful: io::stdout().is_terminal() && !no_colour },
    }
}

struct Tail {
    place: Place,
    subscription: String,
    style: Style,
}

impl Tail {
    /// Prints what comes until the connection ends; fine if whoever reads the output has had enough.
    async fn follow(&mut self, again: bool, was_live: &mut bool) -> Result<(), Broken> {
        let mut feed = Feed::open(&self.place, &self.subscription).await?;
        loop {
            let text = feed.next().await?;
            match Message::read(&text)? {
                Message::Subscribed => {
                    *was_live = true;
                    feed.is_live();
                    let place = &self.place;
                    match again {
                        true => tracing::warn!("live again: what changed in between was missed"),
                        false => tracing::info!("live, from {place}"),
                    }
                }
                Message::Events(events) => {
                    let lines = events.iter().map(|event| self.style.line(event.get()));
                    match print(&lines.collect::<String>()) {
                        Ok(()) => {}
                        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                        Err(error) => return Err(Broken::Output(error)),
                    }
                }
                Message::Reset(reason) => {
                    tracing::warn!("reset ({reason}): what changed in between was missed");
                }
                Message::Refused(refusal) => return Err(Broken::Refused(refusal)),
                Message::Other => {}
            }
        }
    }
}

fn print(lines: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(lines.as_bytes())?;
    output.flush()
}
