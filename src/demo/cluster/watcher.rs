//! Cleans up when we are killed: a shell that reads a pipe until our end of it closes, however that
//! happens.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::Error;
use super::account::Account;

/// Lines name the process to end, or none; at the end of the input it is ended and the directory
/// removed.
///
/// PostgreSQL takes SIGQUIT as "immediate shutdown", `initdb` as "give up". The server removes
/// `postmaster.pid` as the last thing that it does; its process may stay as a zombie where nobody
/// collects orphans. What hasn't ended after eight seconds loses its files.
const SCRIPT: &str = r#"
trap '' HUP INT TERM QUIT
pid=
while read -r line; do pid=$line; done
tries=0
while [ -e "$1" ] && [ "$tries" -lt 100 ]; do
    [ -z "$pid" ] || kill -QUIT "$pid" || pid=
    [ -e "$1/data/postmaster.pid" ] || pid=
    if [ -z "$pid" ] || [ "$tries" -ge 80 ]; then rm -rf "$1"; fi
    [ ! -e "$1" ] || sleep 0.1
    tries=$((tries + 1))
done
"#;

/// The shell that cleans up. Told by closing its input, which also happens when this process ends.
#[derive(Debug)]
pub(super) struct Watcher {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Watcher {
    pub(super) fn start(directory: &Path, account: Account) -> Result<Self, Error> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "rowcast-cleanup"]).arg(directory).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // In a group of its own, out of reach of the terminal's Ctrl-C.
        command.process_group(0);
        account.apply(&mut command);
        let mut child = command.spawn().map_err(Error::io("start the clean-up shell"))?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// From now on this process is to be ended.
    pub(super) fn guard(&mut self, pid: u32) {
        self.tell(&pid.to_string());
    }

    /// The guarded process has ended by itself.
    pub(super) fn forget(&mut self) {
        self.tell("");
    }

    fn tell(&mut self, line: &str) {
        let Some(pipe) = &mut self.pipe else { return };
        let told: io::Result<()> = writeln!(pipe, "{line}").and_then(|()| pipe.flush());
        if told.is_err() {
            tracing::warn!("the clean-up shell is gone; a kill would leave PostgreSQL running");
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ended = self.child.wait();
    }
}
