//! The server process: started, watched until it is ready, stopped.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Error, PATIENCE, Stop};

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How much of the log an error shows.
const MAX_LOG_LINES: usize = 20;

/// A running server.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    directory: PathBuf,
}

impl Postmaster {
    pub(super) fn spawn(mut command: Command, directory: &Path) -> Result<Self, Error> {
        let log = directory.join("log");
        let log = File::options().create(true).append(true).open(log);
        let log = log.map_err(Error::io("write the server's log"))?;
        let errors = log.try_clone().map_err(Error::io("write the server's log"))?;
        command.stdout(log).stderr(errors).stdin(Stdio::null()).process_group(0);
        let child = command.spawn().map_err(Error::io("start postgres"))?;
        Ok(Self { child, directory: directory.to_owned() })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until connections are accepted, as the server notes in `postmaster.pid`.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.says_ready() {
                return Ok(());
            }
            if self.has_ended()? {
                return Err(Error::Failed { program: "postgres", output: self.log() });
            }
            if Instant::now() > deadline {
                return Err(Error::TooSlow { what: "start", log: self.log() });
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    pub(super) fn stop(&mut self, how: Stop) -> Result<(), Error> {
        self.signal(match how {
            Stop::Fast => Signal::SIGINT,
            Stop::Immediate => Signal::SIGQUIT,
            Stop::Kill => Signal::SIGKILL,
        });
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended()? {
            if Instant::now() > deadline {
                self.signal(Signal::SIGKILL);
                return Err(Error::TooSlow { what: "stop", log: self.log() });
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Line 1 has the process id, line 8 the state; an older file may be there until the new server
    /// has replaced it.
    fn says_ready(&self) -> bool {
        let text =
            fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.first() == Some(&self.pid().to_string().as_str()) && lines.get(7) == Some(&"ready")
    }

    fn has_ended(&mut self) -> Result<bool, Error> {
        let ended = self.child.try_wait().map_err(Error::io("wait for postgres"))?;
        Ok(ended.is_some())
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("the system made this process id from an i32");
        // Fails only if it has ended, which the caller finds out by waiting.
        let _sent = kill(Pid::from_raw(pid), signal);
    }

    fn log(&self) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(MAX_LOG_LINES)..].join("\n")
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        if matches!(self.has_ended(), Ok(false)) {
            self.signal(Signal::SIGKILL);
            let _status = self.child.wait();
        }
    }
}

/// Removes the System V segment that a killed server leaves; line 7 of its `postmaster.pid` names
/// it.
pub(super) fn release_shared_memory(directory: &Path) {
    let Ok(text) = fs::read_to_string(directory.join("data/postmaster.pid")) else { return };
    let Some(id) = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) else {
        return;
    };
    let mut command = Command::new("ipcrm");
    command.args(["-m", id]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Without the program there is nothing more to do: the segment has 56 bytes.
    let _status = command.status();
}
