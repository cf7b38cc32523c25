//! The cluster's directory: short enough for a socket, closed to everybody else, removed when
//! dropped.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Error;
use super::account::Account;

/// A socket's path may have 103 bytes on the strictest system; this leaves room for the names in
/// it.
const MAX_PARENT_BYTES: usize = 60;

/// A temporary directory that PostgreSQL's account owns.
#[derive(Debug)]
pub(super) struct Directory {
    account: Account,
    inner: TempDir,
}

impl Directory {
    pub(super) fn create(account: Account) -> Result<Self, Error> {
        let parent = parent_for(account);
        let doing = format!("make a directory in {}", parent.display());
        let inner = tempfile::Builder::new()
            .prefix("rowcast-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .map_err(Error::io(doing))?;
        account.own(inner.path())?;
        Ok(Self { account, inner })
    }

    pub(super) fn path(&self) -> &Path {
        self.inner.path()
    }

    pub(super) fn write(&self, name: &str, contents: &str) -> Result<PathBuf, Error> {
        self.put(name, contents, OpenOptions::new().write(true).truncate(true))
    }

    pub(super) fn append(&self, name: &str, contents: &str) -> Result<(), Error> {
        self.put(name, contents, OpenOptions::new().append(true)).map(drop)
    }

    fn put(&self, name: &str, contents: &str, how: &mut OpenOptions) -> Result<PathBuf, Error> {
        let path = self.path().join(name);
        let doing = || format!("write {}", path.display());
        let mut file = how.create(true).mode(0o600).open(&path).map_err(Error::io(doing()))?;
        file.write_all(contents.as_bytes()).map_err(Error::io(doing()))?;
        self.account.own(&path)?;
        Ok(path)
    }
}

/// The system's temporary directory, unless a socket's name gets too long in it or PostgreSQL can't
/// get there.
fn parent_for(account: Account) -> PathBuf {
    let usual = fs::canonicalize(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into());
    let open_to_all = usual.metadata().is_ok_and(|m| m.mode() & 0o003 == 0o003);
    let usable = !account.is_other() || (open_to_all && account.can_enter(&usual));
    let short = usual.as_os_str().len() <= MAX_PARENT_BYTES;
    if usable && short { usual } else { "/tmp".into() }
}
