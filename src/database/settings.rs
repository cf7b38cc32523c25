//! The settings of a connection, checked and complete.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::address::Endpoint;
use super::conninfo::ConninfoError;
use super::given::Given;
use super::tls;
use super::wanted::Wanted;

/// Where the database is and how to connect to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    pub(super) endpoints: Vec<Endpoint>,
    /// Whether the endpoints and their addresses are tried in random order.
    pub(super) shuffle: bool,
    pub(super) wanted: Wanted,
    pub(super) user: String,
    pub(super) dbname: String,
    pub(super) password: Option<Secret>,
    pub(super) passfile: Option<PathBuf>,
    pub(super) tls: tls::Settings,
    pub(super) channel_binding: ChannelBinding,
    pub(super) application_name: Option<String>,
    pub(super) options: Option<String>,
    pub(super) timing: Timing,
}

/// When a silent peer is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    /// For each address, until the session is ready. None: no limit.
    pub connect: Option<Duration>,
    pub keepalives: bool,
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
    /// How long sent data may stay unacknowledged. None: as the system has it.
    pub unacknowledged: Option<Duration>,
}

impl Default for Timing {
    /// A dead peer is noticed within 15 to 25 seconds; the system's own defaults take hours.
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(10)),
            keepalives: true,
            idle: Some(Duration::from_secs(10)),
            interval: Some(Duration::from_secs(5)),
            count: Some(3),
            unacknowledged: Some(Duration::from_secs(15)),
        }
    }
}

/// A password: never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Database {
    /// Understands a URL or a key=value string as libpq does, and completes it from the service
    /// that it names, from the `PG*` variables, and with defaults, in this order.
    pub fn resolve(
        url: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConninfoError> {
        let given = Given::collect(url, env)?;
        let user = given.text("user").or_else(login_name).ok_or(ConninfoError::NoUser)?;
        let passfile = given.path("passfile");
        let application = given.text("application_name");
        Ok(Self {
            endpoints: Endpoint::all(&given)?,
            shuffle: shuffle(&given)?,
            wanted: Wanted::from(&given)?,
            dbname: given.text("dbname").unwrap_or_else(|| user.clone()),
            user,
            password: given.text("password").map(Secret),
            passfile: passfile.or_else(|| given.home().map(|home| home.join(".pgpass"))),
            tls: tls::Settings::from(&given)?,
            channel_binding: channel_binding(&given)?,
            application_name: application.or_else(|| given.text("fallback_application_name")),
            options: given.text("options"),
            timing: timing(&given)?,
        })
    }
}

/// Names the database as logs do: `app@db.example:5432/shop`.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: Vec<String> = self.endpoints.iter().map(Endpoint::to_string).collect();
        write!(f, "{}@{}/{}", self.user, at.join(","), self.dbname)
    }
}

fn login_name() -> Option<String> {
    Some(nix::unistd::User::from_uid(nix::unistd::geteuid()).ok()??.name)
}

fn shuffle(given: &Given) -> Result<bool, ConninfoError> {
    let words = [("disable", false), ("random", true)];
    Ok(given.choice("load_balance_hosts", &words)?.unwrap_or(false))
}

fn channel_binding(given: &Given) -> Result<ChannelBinding, ConninfoError> {
    let words = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    Ok(given.choice("channel_binding", &words)?.unwrap_or(ChannelBinding::Prefer))
}

fn timing(given: &Given) -> Result<Timing, ConninfoError> {
    let defaults = Timing::default();
    // As in libpq, zero and less stand for no limit or for what the system has.
    let limit = |name, unit: Duration, default| {
        Ok(match given.integer(name)? {
            None => default,
            Some(number) => u32::try_from(number).ok().filter(|n| *n > 0).map(|n| unit * n),
        })
    };
    let second = Duration::from_secs(1);
    Ok(Timing {
        connect: limit("connect_timeout", second, defaults.connect)?,
        keepalives: given.integer("keepalives")? != Some(0),
        idle: limit("keepalives_idle", second, defaults.idle)?,
        interval: limit("keepalives_interval", second, defaults.interval)?,
        count: match given.integer("keepalives_count")? {
            None => defaults.count,
            Some(count) => u32::try_from(count).ok().filter(|count| *count > 0),
        },
        unacknowledged: limit(
            "tcp_user_timeout",
            Duration::from_millis(1),
            defaults.unacknowledged,
        )?,
    })
}
