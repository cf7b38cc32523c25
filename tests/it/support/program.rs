//! The program as users run it, in a directory of its own.

use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::time::timeout;

use super::DEADLINE;

/// A directory to run the program in, with its configuration.
pub struct Place(TempDir);

impl Place {
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn with(config: &str) -> Self {
        let place = Self::empty();
        place.configure(config);
        place
    }

    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub fn configure(&self, config: &str) {
        std::fs::write(self.0.path().join("rowcast.toml"), config).unwrap();
    }

    /// The database that the configuration names.
    pub fn url(&self) -> String {
        let text = std::fs::read_to_string(self.0.path().join("rowcast.toml")).unwrap();
        let (_, rest) = text.split_once("url = \"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// The program, with nothing in its environment that would configure it.
    pub fn rowcast(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rowcast"));
        let ours = |name: &str| {
            ["ROWCAST_", "PG", "DATABASE_URL", "RUST_LOG", "NO_COLOR"]
                .iter()
                .any(|start| name.starts_with(start))
        };
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// Runs the program to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        run(self.rowcast(arguments)).await
    }

    /// Starts the program; it is killed when dropped.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::of(self.rowcast(arguments))
    }
}

/// How the program ended, and what it had said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What it had said, if all went well.
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }
}

/// Runs a program to its end.
pub async fn run(mut command: Command) -> Ended {
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let Output { status, stdout, stderr } = output;
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// A program that goes on until it is told to stop.
pub struct Running {
    child: Child,
    output: Option<Lines<BufReader<ChildStdout>>>,
    log: Lines<BufReader<ChildStderr>>,
}

impl Running {
    /// Starts a command; it is killed when dropped.
    pub fn of(command: Command) -> Self {
        let mut command = tokio::process::Command::from(command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, output: Some(output), log }
    }

    /// The next line of its output.
    pub async fn line(&mut self) -> String {
        let output = self.output.as_mut().expect("its output is still open");
        next_line("output", output).await
    }

    /// Waits for a line of its log that has these words.
    pub async fn logs(&mut self, words: &str) -> String {
        loop {
            let line = next_line(words, &mut self.log).await;
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Where it serves, once it does.
    pub async fn address(&mut self) -> String {
        let line = self.logs("serving on http://").await;
        let (_, address) = line.split_once("serving on ").unwrap();
        address.split_whitespace().next().unwrap().to_owned()
    }

    /// Closes its standard output, as `head` does when it has seen enough.
    pub fn stop_listening(&mut self) {
        self.output = None;
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = i32::try_from(self.child.id().expect("it still runs")).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
    }

    /// How it ends, and what was left of its log.
    pub async fn end(mut self) -> (Option<i32>, String) {
        let ended = timeout(DEADLINE, self.child.wait()).await;
        let status = ended.expect("it ends").unwrap();
        let mut rest = String::new();
        while let Ok(Some(line)) = self.log.next_line().await {
            rest.push_str(&line);
            rest.push('\n');
        }
        (status.code(), rest)
    }
}

async fn next_line(what: &str, lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>) -> String {
    let line = timeout(DEADLINE, lines.next_line()).await;
    let line = line.unwrap_or_else(|_| panic!("waited in vain for a line: {what}"));
    line.unwrap().unwrap_or_else(|| panic!("ended before there was a line: {what}"))
}
