//! `rowcast tail`: events on standard output, from a running daemon.

mod caret;
mod client;
mod credential;
mod place;
mod progress;
mod show;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::Rng as _;
use serde_json::{Value, json};
use tokio::time::sleep;

use self::client::{Broken, Feed, Message, Refusal};
use self::credential::{Credential, Token};
use self::place::Place;
use self::progress::Progress;
use self::show::Style;
use super::{Global, Usage, token};
use crate::config;

/// The pauses between attempts to reach the daemon again.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A feed that lasted so long starts the pauses over.
const STEADY: Duration = Duration::from_secs(30);

/// Where a credential is looked for if none is given.
const VARIABLE: &str = "ROWCAST_TOKEN";

/// Print a table's events as they happen
///
/// Connects to a running daemon, not to the database, and goes on until it is interrupted.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The table, as the configuration lists it: orders or sales.orders
    pub table: String,

    /// Only the rows for which this holds, in SQL: "status = 'open'"
    #[arg(long, value_name = "PREDICATE")]
    pub r#where: Option<String>,

    /// A value for $1, then for $2, …; what JSON understands is that, anything else is text
    #[arg(long = "param", value_name = "VALUE", requires = "where", allow_hyphen_values = true)]
    pub params: Vec<String>,

    /// Only these columns, and the key
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,

    /// With --json: events have the row before the change, too; lines for people always show it
    #[arg(long)]
    pub old: bool,

    /// First print the rows that the table has now, each as it is
    #[arg(long)]
    pub snapshot: bool,

    /// First print what happened after this cursor, if that is still known
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,

    /// Print each event as it came, one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// Where the daemon is [default: where the configuration says that it listens]
    ///
    /// http://127.0.0.1:7700, or https:// with a path if it is behind a proxy. No configuration is
    /// read then, unless --claim needs its secret.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// The credential that says who is asking [default: ROWCAST_TOKEN]
    ///
    /// Others on this machine may see it in the list of processes: --token-file and ROWCAST_TOKEN
    /// don't show it.
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["token_file", "claims"])]
    pub token: Option<Token>,

    /// A file with the credential; read again for each connection
    #[arg(long, value_name = "FILE", conflicts_with = "claims")]
    pub token_file: Option<PathBuf>,

    /// Sign a token with this claim, as `rowcast token` does; may be given many times
    ///
    /// The secret is that of [auth.jwt] in the configuration. The token lives ten minutes and is
    /// renewed as long as this runs.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub claims: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  rowcast tail orders --claim sub=42
  rowcast tail orders --where 'status = $1 and total > 100' --param open --columns id,status
  ROWCAST_TOKEN=… rowcast tail orders --json --old --url https://shop.example";

pub async fn run(arguments: Arguments, global: &Global) -> anyhow::Result<()> {
    end_when_interrupted();
    let place = place(&arguments, global)?;
    let credential = credential(&arguments, global)?;
    credential.token()?;
    let tail = Tail {
        place,
        credential,
        subscription: subscription(&arguments),
        snapshot: arguments.snapshot,
        style: style(&arguments),
    };
    let mut pause = FIRST_PAUSE;
    let mut again = false;
    let mut progress = Progress::after(arguments.cursor.clone());
    loop {
        let begun = Instant::now();
        let mut was_live = false;
        let broken = match tail.follow(&mut progress, again, &mut was_live).await {
            Ok(()) => return Ok(()),
            Err(broken) => broken,
        };
        again |= was_live;
        if !again || broken.is_final() {
            return Err(explained(broken, &arguments));
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

/// What was given wins over the environment.
fn credential(arguments: &Arguments, global: &Global) -> anyhow::Result<Credential> {
    if let Some(token) = &arguments.token {
        return Ok(Credential::Given(token.clone()));
    }
    if let Some(path) = &arguments.token_file {
        return Ok(Credential::File(path.clone()));
    }
    let environment = config::environment();
    if !arguments.claims.is_empty() {
        let claims = token::claims(&arguments.claims)?;
        let config = Box::new(config::load(global.config.as_deref(), &environment)?);
        return Ok(Credential::Signed { config, claims });
    }
    match environment.get(VARIABLE) {
        None => Ok(Credential::None),
        Some(text) => {
            let token = text.parse().map_err(|wrong| Usage(format!("{VARIABLE}: {wrong}")))?;
            Ok(Credential::Given(token))
        }
    }
}

/// With the filter, if that is what was wrong.
fn explained(broken: Broken, arguments: &Arguments) -> anyhow::Error {
    let (Broken::Refused(Refusal { position: Some(position), .. }), Some(filter)) =
        (&broken, &arguments.r#where)
    else {
        return broken.into();
    };
    anyhow::anyhow!("{broken}{}", caret::under(filter, *position))
}

/// What is asked of the daemon; what it doesn't know it refuses.
fn subscription(arguments: &Arguments) -> Value {
    let mut message = json!({ "op": "subscribe", "id": "tail", "table": arguments.table });
    if arguments.old || !arguments.json {
        message["old"] = true.into();
    }
    if let Some(predicate) = &arguments.r#where {
        message["where"] = predicate.as_str().into();
    }
    if !arguments.params.is_empty() {
        message["params"] = arguments.params.iter().map(param).collect();
    }
    if let Some(columns) = &arguments.columns {
        message["columns"] = columns.iter().map(|name| name.trim()).collect();
    }
    if arguments.snapshot {
        message["snapshot"] = true.into();
    }
    message
}

fn param(text: &String) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(&**text))
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
    credential: Credential,
    subscription: Value,
    snapshot: bool,
    style: Style,
}

impl Tail {
    /// Prints what comes until the connection ends; fine if whoever reads the output has had enough.
    async fn follow(
        &self,
        progress: &mut Progress,
        again: bool,
        was_live: &mut bool,
    ) -> Result<(), Broken> {
        let token = self.credential.token().map_err(Broken::NoCredential)?;
        let mut subscription = self.subscription.clone();
        subscription["cursor"] = progress.cursor().into();
        let mut feed = Feed::open(&self.place, token.as_deref(), &subscription.to_string())
            .await
            .map_err(|broken| self.without_credential(broken))?;
        let mut due = Box::pin(self.credential.is_due());
        loop {
            let text = tokio::select! {
                text = feed.next() => text.map_err(|broken| self.without_credential(broken))?,
                () = &mut due => {
                    if let Some(token) = self.credential.token().map_err(Broken::NoCredential)? {
                        feed.show(&token).await?;
                    }
                    due.set(self.credential.is_due());
                    continue;
                }
            };
            let message = Message::read(&text)?;
            if matches!(message, Message::Subscribed(_)) {
                *was_live = true;
                feed.is_live();
                self.say_that_it_is_live(again);
            }
            match print(&self.heed(message, progress)?) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(Broken::Output(error)),
            }
        }
    }

    /// What is to be printed of a message.
    fn heed(&self, message: Message<'_>, progress: &mut Progress) -> Result<String, Broken> {
        match message {
            Message::Subscribed(cursor) => progress.begin(cursor, self.snapshot),
            Message::Rows(rows) => {
                progress.rows();
                return Ok(rows.iter().map(|row| self.style.row(row.get())).collect());
            }
            Message::Events(events) => {
                let new = events.iter().filter(|event| progress.is_new(event));
                return Ok(new.map(|event| self.style.line(event.get())).collect());
            }
            Message::Synced(cursor) => progress.synced(cursor),
            Message::Commit(cursor) => progress.complete(cursor),
            Message::Reset(reason) => {
                progress.reset(self.snapshot);
                match self.snapshot {
                    true => tracing::warn!("reset ({reason}): the rows come again"),
                    false => {
                        tracing::warn!("reset ({reason}): what changed in between was missed");
                    }
                }
            }
            Message::Refused(refusal) => {
                return Err(self.without_credential(Broken::Refused(refusal)));
            }
            Message::Other => {}
        }
        Ok(String::new())
    }

    fn say_that_it_is_live(&self, again: bool) {
        match again {
            true => tracing::info!("live again"),
            false => tracing::info!("live, from {}", self.place),
        }
    }

    /// A daemon to which no credential was shown takes the subscription for the credential that it
    /// waits for, and refuses it.
    fn without_credential(&self, broken: Broken) -> Broken {
        match broken {
            Broken::Refused(refusal)
                if self.credential.is_none() && refusal.code == "unauthenticated" =>
            {
                Broken::CredentialNeeded(Refusal::no_credential())
            }
            Broken::Closed { code: 4401 | 4408, .. } if self.credential.is_none() => {
                Broken::CredentialNeeded(Refusal::no_credential())
            }
            broken => broken,
        }
    }
}

fn print(lines: &str) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut output = io::stdout().lock();
    output.write_all(lines.as_bytes())?;
    output.flush()
}
