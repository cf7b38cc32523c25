//! A temporary file without a name.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::SpoolError;

/// The file; it's gone when this is dropped, or the process ends.
#[derive(Debug)]
pub(super) struct Scratch(File);

impl Scratch {
    pub async fn make(directory: PathBuf) -> Result<Arc<Self>, SpoolError> {
        let file = off_the_runtime(move || tempfile::tempfile_in(directory)).await?;
        Ok(Arc::new(Self(file)))
    }

    pub async fn write(self: &Arc<Self>, offset: u64, bytes: Bytes) -> Result<(), SpoolError> {
        let scratch = Arc::clone(self);
        off_the_runtime(move || scratch.0.write_all_at(&bytes, offset)).await
    }

    pub async fn read(self: &Arc<Self>, offset: u64, len: usize) -> Result<Bytes, SpoolError> {
        let scratch = Arc::clone(self);
        let read = move || {
            let mut bytes = vec![0; len];
            scratch.0.read_exact_at(&mut bytes, offset).map(|()| bytes.into())
        };
        off_the_runtime(read).await
    }
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, SpoolError> {
    let done = spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SpoolError::Full,
        _ => SpoolError::Io(Arc::new(error)),
    })
}
