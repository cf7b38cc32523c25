//! `rowcast serve` as a process of its own, so that what it uses can be told from what its clients use.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long a stop may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running daemon; killed when dropped.
pub struct Daemon {
    child: Child,
    pub address: SocketAddr,
    _configuration: TempDir,
}

impl Daemon {
    /// Serves one table to everybody, on a free port.
    pub fn start(url: &str, table: &str) -> anyhow::Result<Self> {
        Self::serve(url, &format!("[[table]]\nname = \"{table}\"\nrows = \"true\"\n"))
    }

    /// Serves tables as this part of a configuration says.
    pub fn serve(url: &str, tables: &str) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("rowcast.toml");
        let configuration = format!(
            "[database]\nurl = \"{url}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [auth]\nanonymous = true\n{tables}"
        );
        std::fs::write(&file, configuration)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_rowcast"));
        command.args(["serve", "--log-format", "text", "--config"]).arg(file);
        command.env("RUST_LOG", "info").stdin(Stdio::null()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("PG") || name.starts_with("ROWCAST_") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        let mut child = command.spawn().context("can't start rowcast")?;
        let address = announced_address(&mut child);
        let address = address.inspect_err(|_| {
            let _ = child.kill();
            let _ = child.wait();
        })?;
        Ok(Self { child, address, _configuration: directory })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has caught up with the log.
    pub fn wait_until_live(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.get("/readyz")?.starts_with("HTTP/1.1 200") {
            if Instant::now() > deadline {
                bail!("the daemon wasn't ready within {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// What `/metrics` shows under this name; 0 if it doesn't show it.
    pub fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.get("/metrics")?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(Ok(0.0), |value| Ok(value.trim().parse()?))
    }

    /// The whole answer to a request.
    fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut socket = TcpStream::connect(self.address)?;
        let host = self.address;
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, Signal::SIGTERM)?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("the daemon didn't stop within {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the log until it says where the daemon serves; what comes later is passed on if it is a warning.
fn announced_address(child: &mut Child) -> anyhow::Result<SocketAddr> {
    let log = child.stderr.take().context("the daemon's log is gone")?;
    let mut lines = BufReader::new(log).lines();
    let mut said = String::new();
    for line in lines.by_ref() {
        let line = line?;
        if let Some((_, address)) = line.split_once("http://") {
            let address = address.split_whitespace().next().unwrap_or_default();
            let address = address.parse().with_context(|| format!("not an address: {line}"))?;
            std::thread::spawn(move || pass_on_warnings(lines.map_while(Result::ok)));
            return Ok(address);
        }
        said.push_str(&line);
        said.push('\n');
    }
    bail!("the daemon didn't start:\n{said}")
}

fn pass_on_warnings(lines: impl Iterator<Item = String>) {
    for line in lines.filter(|line| line.contains("WARN") || line.contains("ERROR")) {
        println!("  rowcast: {line}");
    }
}
