//! A private PostgreSQL: made in a temporary directory, gone with its owner.
//!
//! It is gone also when the owner is killed: `watcher` sees to that. The demo, the tests and the
//! benches share it. Blocking throughout: nothing here belongs on a busy async thread.

mod account;
mod address;
mod error;
mod files;
mod postmaster;
mod programs;
mod watcher;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use account::Account;
use address::Address;
pub use error::Error;
use error::run;
use files::Directory;
use postmaster::Postmaster;
pub use programs::{NotFound, Programs, VARIABLE};
use watcher::Watcher;

/// How long a start or an orderly stop may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to leave the processes of a killed server to end.
const STILL_IN_USE_PAUSE: Duration = Duration::from_millis(20);
/// How many TCP ports are tried before giving up.
const MAX_PORTS_TRIED: usize = 20;

/// What the cluster should be like. The default is fast, not durable, and reachable over a Unix
/// socket alone.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines for `postgresql.conf`; these win over the cluster's own.
    pub settings: Vec<(String, String)>,
    /// Also listens on a free TCP port on 127.0.0.1, with SCRAM and a random password.
    pub tcp: bool,
    /// Keeps `fsync`, `full_page_writes` and `synchronous_commit` on, for measurements.
    pub durable: bool,
}

/// How PostgreSQL is told to stop.
///
/// <https://www.postgresql.org/docs/current/server-shutdown.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ends sessions and writes everything out.
    Fast,
    /// Ends at once; the next start recovers.
    Immediate,
    /// SIGKILL, as the kernel does it when memory runs out.
    Kill,
}

/// A private PostgreSQL, stopped and removed when dropped.
#[derive(Debug)]
pub struct Cluster {
    postmaster: Option<Postmaster>,
    programs: Programs,
    account: Account,
    tcp: bool,
    address: Address,
    // Dropped in this order: the watcher has nothing left to do once the directory is gone.
    directory: Directory,
    watcher: Watcher,
}

impl Cluster {
    /// Makes a new cluster and starts it.
    ///
    /// # Errors
    ///
    /// If `initdb` or the server fails; the error has what they printed.
    pub fn start(programs: &Programs, options: Options) -> Result<Self, Error> {
        let account = Account::for_postgres()?;
        let directory = Directory::create(account)?;
        let watcher = Watcher::start(directory.path(), account)?;
        let programs = programs.for_account(account, &directory)?;
        let mut cluster = Self {
            postmaster: None,
            programs,
            account,
            tcp: options.tcp,
            address: Address::new(),
            directory,
            watcher,
        };
        cluster.initdb()?;
        cluster.configure(&options)?;
        cluster.start_on_free_port()?;
        Ok(cluster)
    }

    /// Where the cluster is reached: over TCP if it has a port, else over its Unix socket.
    pub fn url(&self, database: &str) -> String {
        match self.tcp {
            true => self.address.tcp_url(database),
            false => self.socket_url(database),
        }
    }

    /// Where the cluster is reached over its Unix socket, which asks for no password.
    pub fn socket_url(&self, database: &str) -> String {
        self.address.socket_url(self.directory.path(), database)
    }

    /// The directory of the socket, and of `data` and `log`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// PostgreSQL's major version.
    pub fn version(&self) -> u32 {
        self.programs.version()
    }

    /// The server's process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.postmaster.as_ref().map(Postmaster::pid)
    }

    /// Stops the server; its data stays. Does nothing if it doesn't run.
    ///
    /// # Errors
    ///
    /// If it hasn't stopped in time.
    pub fn stop(&mut self, how: Stop) -> Result<(), Error> {
        let Some(mut postmaster) = self.postmaster.take() else { return Ok(()) };
        let stopped = postmaster.stop(how);
        drop(postmaster);
        self.watcher.forget();
        stopped
    }

    /// Ends the server as a crash would.
    pub fn kill9(&mut self) -> Result<(), Error> {
        self.stop(Stop::Kill)
    }

    /// Starts the stopped server again, on the port that it had.
    ///
    /// The processes of a killed server end by themselves, a moment later; until then a new one refuses to start.
    pub fn start_again(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        while self.postmaster.is_none() {
            match self.launch() {
                Err(error) if error.is_still_in_use() && Instant::now() < deadline => {
                    std::thread::sleep(STILL_IN_USE_PAUSE);
                }
                launched => launched?,
            }
        }
        Ok(())
    }

    /// Stops and starts the server.
    pub fn restart(&mut self, how: Stop) -> Result<(), Error> {
        self.stop(how)?;
        self.start_again()
    }

    /// Adds a setting to `postgresql.conf`, for the next start.
    pub fn set(&self, name: &str, value: &str) -> Result<(), Error> {
        self.directory.append("data/postgresql.conf", &setting(name, value))
    }

    /// Writes a file that only the server's user may read, and returns its place.
    pub fn write_file(&self, name: &str, contents: &str) -> Result<PathBuf, Error> {
        self.directory.write(name, contents)
    }

    fn initdb(&mut self) -> Result<(), Error> {
        self.directory.write("password", &self.address.password)?;
        // Not every system has C.UTF-8; C sorts the same way.
        self.initdb_with_locale("C.UTF-8").or_else(|_| self.initdb_with_locale("C"))
    }

    fn initdb_with_locale(&mut self, locale: &str) -> Result<(), Error> {
        let mut command = self.command("initdb");
        command.args(["--pgdata=data", "--username=postgres", "--encoding=UTF8", "--no-sync"]);
        command.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=password"]);
        command.arg(format!("--locale={locale}"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let child = child.map_err(Error::io("start initdb"))?;
        self.watcher.guard(child.id());
        let output = child.wait_with_output().map_err(Error::io("wait for initdb"))?;
        self.watcher.forget();
        if output.status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::Failed { program: "initdb", output })
    }

    fn configure(&self, options: &Options) -> Result<(), Error> {
        let mut lines =
            setting("unix_socket_directories", &self.directory.path().to_string_lossy());
        let mut add = |name: &str, value: &str| lines.push_str(&setting(name, value));
        add("timezone", "UTC");
        add("log_timezone", "UTC");
        add("listen_addresses", if options.tcp { "127.0.0.1" } else { "" });
        // Shared memory as files of the cluster's: they go with the directory even after a crash.
        add("dynamic_shared_memory_type", "mmap");
        if !options.durable {
            add("fsync", "off");
            add("full_page_writes", "off");
            add("synchronous_commit", "off");
        }
        for (name, value) in &options.settings {
            add(name, value);
        }
        self.directory.append("data/postgresql.conf", &lines)
    }

    /// A port can't be reserved for PostgreSQL: what looks free may be taken just then, so others
    /// are tried.
    fn start_on_free_port(&mut self) -> Result<(), Error> {
        if !self.tcp {
            return self.launch();
        }
        let mut result = Ok(());
        for _ in 0..MAX_PORTS_TRIED {
            self.address.take_free_port();
            result = self.launch();
            let Err(Error::Failed { output, .. }) = &result else { break };
            if !output.contains("could not create any TCP/IP sockets") {
                break;
            }
        }
        result
    }

    fn launch(&mut self) -> Result<(), Error> {
        let mut command = self.command("postgres");
        command.args(["-D", "data", "-p"]).arg(self.address.port.to_string());
        let mut postmaster = Postmaster::spawn(command, self.directory.path())?;
        self.watcher.guard(postmaster.pid());
        postmaster.wait_until_ready().inspect_err(|_| self.watcher.forget())?;
        self.postmaster = Some(postmaster);
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.path(program));
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        self.account.apply(&mut command);
        command.env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.stop(Stop::Immediate).is_err() {
            tracing::warn!("the private PostgreSQL didn't stop in time");
        }
        postmaster::release_shared_memory(self.directory.path());
    }
}

fn setting(name: &str, value: &str) -> String {
    format!("{name} = '{}'\n", value.replace('\\', "\\\\").replace('\'', "''"))
}
