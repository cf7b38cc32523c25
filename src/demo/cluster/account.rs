//! Who PostgreSQL runs as: it refuses to run as root, so root hands it to somebody else.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Gid, Uid, User, chown, geteuid};

use super::{Error, run};

/// The accounts that root runs PostgreSQL as, the best first.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Our own account, or, for root, another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account(Option<(Uid, Gid)>);

impl Account {
    pub(super) fn for_postgres() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        let known = ACCOUNTS.iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = known.ok_or(Error::NoAccount)?;
        Ok(Self(Some((user.uid, user.gid))))
    }

    /// Whether it is another account than the one that we run as.
    pub(super) fn is_other(self) -> bool {
        self.0.is_some()
    }

    /// Makes a program run as this account.
    pub(super) fn apply(self, command: &mut Command) {
        if let Some((uid, gid)) = self.0 {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
    }

    pub(super) fn own(self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        let doing = format!("give {} to PostgreSQL's user", path.display());
        chown(path, Some(uid), Some(gid)).map_err(|errno| Error::io(doing)(errno.into()))
    }

    /// The same for all that is in a directory; without it, this account couldn't remove it.
    pub(super) fn own_all(self, directory: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        let mut command = Command::new("chown");
        run("chown", command.args(["-R", "-h", &format!("{uid}:{gid}")]).arg(directory))
    }

    /// Whether this account may enter the directory and those above it.
    pub(super) fn can_enter(self, directory: &Path) -> bool {
        let anybody_may = |path: &Path| path.metadata().is_ok_and(|m| m.mode() & 0o001 != 0);
        !self.is_other() || directory.ancestors().all(anybody_may)
    }
}
