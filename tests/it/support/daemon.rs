//! `rowcast serve` as users run it: the program, in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use super::DEADLINE;

/// A running daemon; it is killed when dropped.
pub struct Daemon {
    child: Child,
    pub address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Daemon {
    /// Starts the daemon on a free port. `tables` is what the configuration has besides the rest.
    pub fn start(database: &str, tables: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("rowcast.toml");
        let text = format!(
            "[database]\nurl = '{database}'\n[server]\nlisten = '127.0.0.1:0'\n\
             [auth]\nanonymous = true\n{tables}"
        );
        std::fs::write(&file, text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_rowcast"))
            .arg("serve")
            .arg("--config")
            .arg(&file)
            .env_remove("DATABASE_URL")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("serving on http://") {
                    let address = address.split_whitespace().next().unwrap_or(address);
                    let _ = sender.send(address.parse().unwrap());
                } else if line.contains("WARN")
                    || line.contains("ERROR")
                    || line.contains("rowcast:")
                {
                    println!("daemon: {line}");
                }
            }
        });
        let address = receiver.recv_timeout(DEADLINE).expect("the daemon serves");
        Self { child, address, _directory: directory }
    }

    /// Waits until it ends by itself; gives its exit code.
    pub async fn ended(mut self) -> Option<i32> {
        super::eventually("the daemon ends", async || self.child.try_wait().unwrap()).await.code()
    }

    /// The most memory that it has had, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
