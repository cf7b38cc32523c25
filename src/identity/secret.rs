//! What nobody else may know: never shown, compared in constant time.

use std::fmt;
use std::path::Path;

/// The largest file with a secret or a key that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A secret's bytes.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// A file that can't be read for a secret or a key. Says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("can't be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("is too large for a key")]
    TooLarge,
    #[error("is empty")]
    Empty,
}

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Reads a file, without the line break at its end.
    pub fn read(path: &Path) -> Result<Self, Unreadable> {
        let mut bytes = read_file(path)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            bytes.pop_if(|last| *last == b'\r');
        }
        if bytes.is_empty() { Err(Unreadable::Empty) } else { Ok(Self(bytes)) }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A small file's bytes.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Unreadable> {
    if std::fs::metadata(path)?.len() > MAX_FILE_BYTES {
        return Err(Unreadable::TooLarge);
    }
    Ok(std::fs::read(path)?)
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Whether both are the same, in a time that tells only whether they are equally long.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// The SHA-256 of a credential: by it a credential is known without being kept.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
