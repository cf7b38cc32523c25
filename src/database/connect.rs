//! Opening sessions: which servers in which order, with or without TLS, and with which settings.

use rand::seq::SliceRandom as _;
use tokio::time::timeout;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::{Client, Config, Connection, Socket};

use super::address::{Endpoint, Target};
use super::error::{self, Attempt, ConnectError, Problem};
use super::passfile::{self, Login};
use super::session::Session;
use super::settings::{Database, Secret};
use super::tls::{Connector, Mode};
use super::wanted::Wanted;

/// What a session starts with, before the `options` that were given: these win.
///
/// Roles and databases may limit statements, waits for locks and idle transactions. Those limits
/// are meant for applications; here they would break off a long batch or snapshot at a random
/// place. Where the daemon must not wait, as for locks on users' tables, it says so itself.
const PREFERRED: &str = "\
    -c statement_timeout=0 \
    -c lock_timeout=0 \
    -c idle_in_transaction_session_timeout=0";

/// What a session starts with, after the `options` that were given: these can't be changed.
///
/// Rows read as text must look as the trigger writes them into the log: these are the settings that
/// it pins. UTF8 is asked for by tokio-postgres. `search_path` stays as it is: configured queries
/// rely on it.
const REQUIRED: &str = "\
    -c TimeZone=UTC \
    -c DateStyle=ISO,MDY \
    -c IntervalStyle=postgres \
    -c bytea_output=hex \
    -c extra_float_digits=1";

impl Database {
    /// Opens a session for a purpose, which the server's list of connections shows.
    ///
    /// Tries the servers as libpq does: the next one when one can't be reached, none after a
    /// refusal.
    pub async fn connect(&self, purpose: &str) -> Result<Session, ConnectError> {
        let tls = self.connector()?;
        let mut attempts = Vec::new();
        for wanted in self.wanted.in_order() {
            for endpoint in self.in_order(&self.endpoints) {
                let search = Search { database: self, endpoint, purpose, wanted, tls: &tls };
                match Box::pin(search.run(&mut attempts)).await {
                    Ok(Some(session)) => return Ok(session),
                    Ok(None) => {}
                    Err(Stop) => return Err(ConnectError::new(attempts)),
                }
            }
        }
        Err(ConnectError::new(attempts))
    }

    fn connector(&self) -> Result<Connector, ConnectError> {
        let config = match self.tls.mode {
            Mode::Disable => None,
            _ => Some(self.tls.client_config().map_err(|fault| {
                let attempt = Attempt { at: self.to_string(), problem: fault.into() };
                ConnectError::Tls(vec![attempt])
            })?),
        };
        Ok(Connector::new(config, self.tls.mode == Mode::VerifyFull))
    }

    fn in_order<'a, T>(&self, all: &'a [T]) -> Vec<&'a T> {
        let mut all: Vec<&T> = all.iter().collect();
        if self.shuffle {
            all.shuffle(&mut rand::rng());
        }
        all
    }
}

/// No further server is to be tried.
struct Stop;

type Opened = (Client, Connection<Socket, <Connector as HasStream>::Stream>);

/// Names the stream that handshakes give.
trait HasStream {
    type Stream;
}

impl HasStream for Connector {
    type Stream = <Connector as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream;
}

/// One endpoint's turn.
struct Search<'a> {
    database: &'a Database,
    endpoint: &'a Endpoint,
    purpose: &'a str,
    wanted: Wanted,
    tls: &'a Connector,
}

impl Search<'_> {
    /// Tries the endpoint's addresses one after the other.
    async fn run(&self, attempts: &mut Vec<Attempt>) -> Result<Option<Session>, Stop> {
        let found =
            self.within_limit(async { self.endpoint.targets().await.map_err(Problem::LookUp) });
        let targets = match found.await {
            Ok(targets) => targets,
            Err(problem) => {
                attempts.push(Attempt { at: self.endpoint.to_string(), problem });
                return Ok(None);
            }
        };
        let password = self.password();
        for target in self.database.in_order(&targets) {
            match self.within_limit(self.open(target, password.as_ref())).await {
                Ok(session) => return Ok(Some(session)),
                Err(problem) => {
                    let goes_on = problem.leaves_others();
                    attempts.push(Attempt { at: target.to_string(), problem });
                    if !goes_on {
                        return Err(Stop);
                    }
                }
            }
        }
        Ok(None)
    }

    /// The password that was given, or the password file's.
    fn password(&self) -> Option<Secret> {
        let Database { password, passfile, dbname, user, .. } = self.database;
        let from_file = || {
            let host = self.endpoint.password_key();
            let login = Login { host: &host, port: self.endpoint.port, dbname, user };
            passfile::look_up(passfile.as_ref()?, &login).map(Secret)
        };
        password.clone().or_else(from_file)
    }

    async fn within_limit<T>(
        &self,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        match self.database.timing.connect {
            None => work.await,
            Some(limit) => timeout(limit, work).await.unwrap_or(Err(Problem::TimedOut(limit))),
        }
    }

    async fn open(&self, target: &Target, password: Option<&Secret>) -> Result<Session, Problem> {
        let given = self.database.options.as_deref();
        let mut config = self.config(target, password);
        config.options(format!("{PREFERRED} {} {REQUIRED}", given.unwrap_or_default()));
        let tls = self.tls.renewed();
        match self.negotiate(&mut config, target, &tls).await {
            // Setting them later would be worse: behind a pooler others would inherit them.
            Err(error) if error::is_pooler_without_options(&error) => {
                tracing::warn!(%target, "a pooler refuses session settings: its servers' are used");
                let mut config = self.config(target, password);
                given.map(|given| config.options(given));
                let session = start(self.negotiate(&mut config, target, &tls).await?, tls);
                self.wanted.check(session).await
            }
            opened => {
                let session = start(opened?, tls);
                lift_limits(&session).await?;
                self.wanted.check(session).await
            }
        }
    }

    /// Connects with or without TLS, as the mode says, and the other way if that is refused.
    async fn negotiate(
        &self,
        config: &mut Config,
        target: &Target,
        tls: &Connector,
    ) -> Result<Opened, tokio_postgres::Error> {
        let (first, second) = match (target, self.database.tls.mode) {
            (Target::Unix { .. }, _) | (_, Mode::Disable) => (SslMode::Disable, None),
            (_, Mode::Allow) => (SslMode::Disable, Some(SslMode::Require)),
            (_, Mode::Prefer) => (SslMode::Prefer, Some(SslMode::Disable)),
            _ => (SslMode::Require, None),
        };
        let tls = tls.renewed();
        let error = match config.ssl_mode(first).connect(tls.clone()).await {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        // The other way is no other way if the server has no TLS anyhow.
        let differs = first == SslMode::Disable || tls.has_begun();
        match second {
            Some(second)
                if differs && (error::is_unauthorized(&error) || error::is_tls(&error)) =>
            {
                let retried = config.ssl_mode(second).connect(tls.renewed()).await;
                // Refused without TLS, the reason is often just that there was none.
                let has_reason = first != SslMode::Disable && error::is_unauthorized(&error);
                if has_reason { retried.map_err(|_| error) } else { retried }
            }
            _ => Err(error),
        }
    }

    /// Everything but the options.
    fn config(&self, target: &Target, password: Option<&Secret>) -> Config {
        let database = self.database;
        let mut config = Config::new();
        match target {
            Target::Tcp { name, ip, port } => config.host(name).hostaddr(*ip).port(*port),
            Target::Unix { directory, port } => config.host_path(directory).port(*port),
        };
        config.user(&database.user).dbname(&database.dbname);
        if let Some(Secret(password)) = password {
            config.password(password);
        }
        let ours = || format!("rowcast {}", self.purpose);
        config.application_name(database.application_name.clone().unwrap_or_else(ours));
        config.channel_binding(database.channel_binding);
        if database.tls.direct {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        set_timing(&mut config, database);
        config
    }
}

fn set_timing(config: &mut Config, database: &Database) {
    let timing = &database.timing;
    config.keepalives(timing.keepalives);
    if let Some(idle) = timing.idle {
        config.keepalives_idle(idle);
    }
    if let Some(interval) = timing.interval {
        config.keepalives_interval(interval);
    }
    if let Some(count) = timing.count {
        config.keepalives_retries(count);
    }
    if let Some(limit) = timing.unacknowledged {
        config.tcp_user_timeout(limit);
    }
}

fn start((client, connection): Opened, tls: Connector) -> Session {
    let version = connection.parameter("server_version").map_or(0, version_number);
    Session::start(client, connection, version, tls)
}

/// Lifts the limits that older servers don't know and would refuse at the start: a listener is idle
/// by nature, and a snapshot may take long.
async fn lift_limits(session: &Session) -> Result<(), Problem> {
    let limits = [(140_000, "idle_session_timeout"), (170_000, "transaction_timeout")];
    let known = limits.iter().filter(|(since, _)| session.server_version >= *since);
    let settings: String = known.map(|(_, name)| format!("set {name} = 0;")).collect();
    if !settings.is_empty() {
        session.client.batch_execute(&settings).await?;
    }
    Ok(())
}

/// `15.4 (Debian …)` is 150004.
fn version_number(text: &str) -> u32 {
    let digits = |c: char| !c.is_ascii_digit();
    let mut parts = text.split(digits).map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    major.saturating_mul(10_000).saturating_add(minor)
}
