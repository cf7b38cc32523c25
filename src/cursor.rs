//! A cursor: the place in the change log up to which somebody has read, as a PostgreSQL snapshot.
//!
//! Pure: it parses, prints and compares. What follows a cursor is decided by `sql/`, where the argument is written.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The most transactions in progress that a cursor sent by a client may name.
pub const MAX_IN_PROGRESS: usize = 10_000;

/// A set of transactions seen as ended, as `pg_current_snapshot()` prints it: `xmin:xmax:xip,…`.
///
/// <https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT>
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    xmin: u64,
    xmax: u64,
    in_progress: Vec<u64>,
}

impl Snapshot {
    /// Every transaction below this has ended.
    pub fn xmin(&self) -> u64 {
        self.xmin
    }

    /// No transaction from this on had begun to write.
    pub fn xmax(&self) -> u64 {
        self.xmax
    }

    /// The transactions between `xmin` and `xmax` that had not ended, ascending.
    pub fn in_progress(&self) -> &[u64] {
        &self.in_progress
    }

    /// Whether what this transaction wrote is before the cursor, provided that it committed.
    pub fn has_seen(&self, txid: u64) -> bool {
        txid < self.xmin || (txid < self.xmax && self.in_progress.binary_search(&txid).is_err())
    }

    /// Whether every transaction that `earlier` had found in progress has ended here.
    pub fn all_ended_of(&self, earlier: &Snapshot) -> bool {
        earlier.in_progress.iter().all(|&txid| self.has_seen(txid))
    }
}

/// Text that isn't a snapshot or a cursor.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a cursor of rowcast's: {0}")]
pub struct ParseError(&'static str);

impl FromStr for Snapshot {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parts = text.split(':');
        let mut number = || {
            let part = parts.next().ok_or(ParseError("a part is missing"))?;
            part.parse::<u64>().map_err(|_| ParseError("not a transaction id"))
        };
        let (xmin, xmax) = (number()?, number()?);
        let listed = parts.next().ok_or(ParseError("a part is missing"))?;
        let in_progress = listed
            .split_terminator(',')
            .map(|id| id.parse().map_err(|_| ParseError("not a transaction id")))
            .collect::<Result<Vec<u64>, _>>()?;
        let ordered = in_progress.is_sorted_by(|a, b| a < b);
        let within = in_progress.iter().all(|id| (xmin..xmax).contains(id));
        if xmin == 0 || xmin > xmax || !ordered || !within || parts.next().is_some() {
            return Err(ParseError("the transactions are out of order"));
        }
        Ok(Self { xmin, xmax, in_progress })
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.xmin, self.xmax)?;
        for (i, id) in self.in_progress.iter().enumerate() {
            write!(f, "{}{id}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Which history a snapshot belongs to: cursors of different eras can't be compared.
///
/// `epoch` is drawn at random at installation and whenever capture had stopped; `timeline` is the server's,
/// which changes at a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Era {
    pub epoch: u64,
    pub timeline: u32,
}

/// A place in the change log: every log row whose transaction the snapshot has not seen comes after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub era: Era,
    pub snapshot: Snapshot,
}

/// URL-safe text, opaque to clients, with a checksum: a damaged cursor is told from an old one.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = format!("{:x}:{:x}:{}", self.era.epoch, self.era.timeline, self.snapshot);
        let sum = crc32fast::hash(plain.as_bytes()).to_be_bytes();
        let mut bytes = plain.into_bytes();
        bytes.extend_from_slice(&sum);
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ParseError("not base64"))?;
        let (plain, sum) = bytes.split_last_chunk::<4>().ok_or(ParseError("too short"))?;
        if crc32fast::hash(plain).to_be_bytes() != *sum {
            return Err(ParseError("the checksum differs"));
        }
        let plain = std::str::from_utf8(plain).map_err(|_| ParseError("not text"))?;
        let mut parts = plain.splitn(3, ':');
        let mut part = || parts.next().ok_or(ParseError("a part is missing"));
        let epoch = u64::from_str_radix(part()?, 16).map_err(|_| ParseError("no epoch"))?;
        let timeline = u32::from_str_radix(part()?, 16).map_err(|_| ParseError("no timeline"))?;
        let snapshot: Snapshot = part()?.parse()?;
        if snapshot.in_progress.len() > MAX_IN_PROGRESS {
            return Err(ParseError("too many transactions"));
        }
        Ok(Self { era: Era { epoch, timeline }, snapshot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshots() -> impl Strategy<Value = Snapshot> {
        (1..u64::MAX / 2, 0..1000_u64, proptest::collection::btree_set(0..1000_u64, 0..20))
            .prop_map(|(xmin, width, offsets)| Snapshot {
                xmin,
                xmax: xmin + width,
                in_progress: offsets.into_iter().filter(|o| *o < width).map(|o| xmin + o).collect(),
            })
    }

    proptest! {
        #[test]
        fn a_printed_cursor_reads_back(snapshot in snapshots(), epoch: u64, timeline: u32) {
            let cursor = Cursor { era: Era { epoch, timeline }, snapshot };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn a_damaged_cursor_is_refused(snapshot in snapshots(), at: prop::sample::Index) {
            let cursor = Cursor { era: Era { epoch: 7, timeline: 1 }, snapshot };
            let mut text = cursor.to_string().into_bytes();
            let at = at.index(text.len());
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            prop_assert!(String::from_utf8_lossy(&text).parse::<Cursor>().is_err());
        }
    }

    #[test]
    fn what_a_snapshot_has_seen() {
        let snapshot: Snapshot = "10:20:12,15".parse().unwrap();
        let seen: Vec<u64> = (8..23).filter(|&id| snapshot.has_seen(id)).collect();
        assert_eq!(seen, [8, 9, 10, 11, 13, 14, 16, 17, 18, 19]);
    }

    #[test]
    fn a_wait_ends_when_every_transaction_of_the_earlier_snapshot_has() {
        let earlier: Snapshot = "10:20:12,15".parse().unwrap();
        let (one_left, none_left): (Snapshot, Snapshot) =
            ("15:30:15,22".parse().unwrap(), "22:30:22,25".parse().unwrap());
        assert!(!one_left.all_ended_of(&earlier));
        assert!(none_left.all_ended_of(&earlier));
    }

    #[test]
    fn nonsense_is_no_snapshot() {
        for text in
            ["", "1", "1:2", "2:1:", "1:5:5", "1:5:3,2", "1:5:2,2", "1:5::", "0:1:", "a:b:c"]
        {
            assert!(text.parse::<Snapshot>().is_err(), "{text}");
        }
    }
}
