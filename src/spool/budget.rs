//! How much spools may hold, all together and each.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use tokio::sync::watch;

use super::{Place, Spool, SpoolError, State, Writer};

/// What all spools may hold in memory.
pub const MAX_MEMORY_BYTES: u64 = 48 << 20;
/// What one spool may hold on disk: as much as the log has by default.
pub const MAX_DISK_BYTES: u64 = 2 << 30;
/// What all spools may hold on disk.
pub const MAX_DISK_BYTES_OF_ALL: u64 = 4 << 30;
/// What a chunk takes in memory besides its bytes, wherever these are.
const CHUNK_BYTES: u64 = 96;
/// The part of the memory that is kept for this.
const CHUNKS_PART: u64 = 8;

/// Bounds in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub memory_bytes: u64,
    pub disk_bytes_each: u64,
    pub disk_bytes_of_all: u64,
    /// Where temporary files are made.
    pub directory: PathBuf,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: MAX_MEMORY_BYTES,
            disk_bytes_each: MAX_DISK_BYTES,
            disk_bytes_of_all: MAX_DISK_BYTES_OF_ALL,
            directory: std::env::temp_dir(),
        }
    }
}

/// What all spools share. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Budget(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    limits: Limits,
    memory: AtomicU64,
    disk: AtomicU64,
}

impl Budget {
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared { limits, memory: AtomicU64::new(0), disk: AtomicU64::new(0) }))
    }

    /// A new, empty spool.
    pub fn open(&self) -> (Writer, Spool) {
        let held = Held { budget: self.clone(), memory: 0, disk: 0 };
        let (sender, receiver) = watch::channel(State { chunks: Vec::new(), end: None, held });
        (Writer::new(sender), Spool(receiver))
    }

    /// What all spools hold in memory now, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.0.memory.load(Relaxed)
    }

    /// What all spools hold on disk now, in bytes.
    pub fn disk_bytes(&self) -> u64 {
        self.0.disk.load(Relaxed)
    }
}

/// What one spool holds of the budget; given back when it's dropped.
#[derive(Debug)]
pub(super) struct Held {
    budget: Budget,
    memory: u64,
    disk: u64,
}

/// Where a chunk may go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    Memory,
    Disk,
}

impl Held {
    /// Takes the room for a chunk of so many bytes.
    pub fn take(&mut self, len: usize) -> Result<Room, SpoolError> {
        let Shared { limits, memory, disk } = &*self.budget.0;
        let len = len as u64;
        let whole = limits.memory_bytes;
        if take(memory, len + CHUNK_BYTES, whole - whole / CHUNKS_PART) {
            self.memory += len + CHUNK_BYTES;
            return Ok(Room::Memory);
        }
        if self.disk + len > limits.disk_bytes_each {
            return Err(SpoolError::Full);
        }
        if !take(memory, CHUNK_BYTES, whole) {
            return Err(SpoolError::Busy);
        }
        self.memory += CHUNK_BYTES;
        if !take(disk, len, limits.disk_bytes_of_all) {
            return Err(SpoolError::Busy);
        }
        self.disk += len;
        Ok(Room::Disk)
    }

    /// Where the spool's temporary file is to be made.
    pub fn directory(&self) -> PathBuf {
        self.budget.0.limits.directory.clone()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.0.memory.fetch_sub(self.memory, Relaxed);
        self.budget.0.disk.fetch_sub(self.disk, Relaxed);
    }
}

/// Adds to a count, unless that would be more than there may be.
fn take(of: &AtomicU64, amount: u64, most: u64) -> bool {
    let more = |now: u64| now.checked_add(amount).filter(|sum| *sum <= most);
    of.fetch_update(Relaxed, Relaxed, more).is_ok()
}

impl From<Bytes> for Place {
    fn from(bytes: Bytes) -> Self {
        Place::Memory(bytes)
    }
}
