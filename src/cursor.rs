//! A cursor: the place in the change log up to which somebody has read, as a PostgreSQL snapshot.
//!
//! Pure: it parses, prints and compares. What follows a cursor is decided by `sql/`, where the argument is written.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The most transactions in progress that each snapshot of a cursor sent by a client may name.
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

    /// Whether every transaction that `earlier` has seen has been seen here too.
    pub fn includes(&self, earlier: &Snapshot) -> bool {
        let unknown = &earlier.in_progress;
        let beyond = unknown.len() - unknown.partition_point(|&txid| txid < self.xmax);
        // Beyond this snapshot, the earlier one may have found none but running ones.
        let sees_none_beyond = earlier.xmax.saturating_sub(self.xmax) == beyond as u64;
        sees_none_beyond && !self.in_progress.iter().any(|&txid| earlier.has_seen(txid))
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

/// A place in the change log: every log row whose transaction the snapshot has not seen comes after it, but for those of
/// the part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub era: Era,
    pub snapshot: Snapshot,
    /// The server's life, as long as what was seen isn't known to be on disk: a crash may undo it, and another life of the
    /// server then uses its transactions' ids again.
    pub life: Option<i64>,
    /// What was served to whom when somebody was told this cursor, as a number: a copy that was made of something else doesn't
    /// go on from here. None where nobody was told yet.
    pub sight: Option<u32>,
    pub part: Option<Part>,
}

/// A place within a batch: the changes up to `last`, by `seq`, of those that the snapshot sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    pub snapshot: Snapshot,
    pub last: i64,
}

impl Cursor {
    /// A cursor of which everything is on disk, between batches.
    pub fn new(era: Era, snapshot: Snapshot) -> Self {
        Self { era, snapshot, life: None, sight: None, part: None }
    }

    /// Where an era begins: before everything that is of it.
    pub fn origin(era: Era) -> Self {
        Self::new(era, Snapshot { xmin: 1, xmax: 1, in_progress: Vec::new() })
    }

    /// The same place, to be told to somebody to whom this is served.
    pub fn told(&self, sight: u32) -> Self {
        Self { sight: Some(sight), ..self.clone() }
    }

    /// Whether the change with this `seq`, of this transaction, is before the cursor.
    pub fn has(&self, txid: u64, seq: i64) -> bool {
        let in_part = |part: &Part| seq <= part.last && part.snapshot.has_seen(txid);
        self.snapshot.has_seen(txid) || self.part.as_ref().is_some_and(in_part)
    }

    /// The place in between, where of all that comes after this cursor and before `end`, by `seq`, the changes up to `last` have
    /// been taken. None if no cursor says that: what the part had must not come again, so `last` can't be before its end.
    pub fn up_to(&self, end: &Cursor, last: i64) -> Option<Self> {
        let is_before = self.part.as_ref().is_some_and(|part| last < part.last);
        let part = Some(Part { snapshot: end.snapshot.clone(), last });
        (!is_before).then(|| Self { life: end.life, part, ..self.clone() })
    }

    fn plain(&self) -> String {
        let mut plain = format!("{:x}:{:x}:{}", self.era.epoch, self.era.timeline, self.snapshot);
        if let Some(life) = self.life {
            plain.push_str(&format!(";l{life}"));
        }
        if let Some(sight) = self.sight {
            plain.push_str(&format!(";s{sight:x}"));
        }
        if let Some(part) = &self.part {
            plain.push_str(&format!(";p{}:{}", part.last, part.snapshot));
        }
        plain
    }

    fn read(plain: &str) -> Result<Self, ParseError> {
        let (place, more) = plain.split_once(';').unwrap_or((plain, ""));
        let mut parts = place.splitn(3, ':');
        let mut part = || parts.next().ok_or(ParseError("a part is missing"));
        let epoch = u64::from_str_radix(part()?, 16).map_err(|_| ParseError("no epoch"))?;
        let timeline = u32::from_str_radix(part()?, 16).map_err(|_| ParseError("no timeline"))?;
        let mut cursor = Self::new(Era { epoch, timeline }, bounded(part()?)?);
        for word in more.split_terminator(';') {
            match word.split_at_checked(1) {
                Some(("l", life)) if cursor.life.is_none() => {
                    cursor.life = Some(life.parse().map_err(|_| ParseError("no life"))?);
                }
                Some(("s", sight)) if cursor.sight.is_none() => {
                    let sight =
                        u32::from_str_radix(sight, 16).map_err(|_| ParseError("no sight"))?;
                    cursor.sight = Some(sight);
                }
                Some(("p", part)) if cursor.part.is_none() => cursor.part = Some(read_part(part)?),
                _ => return Err(ParseError("of another version")),
            }
        }
        Ok(cursor)
    }
}

fn read_part(text: &str) -> Result<Part, ParseError> {
    let (last, snapshot) = text.split_once(':').ok_or(ParseError("a part is missing"))?;
    let last = last.parse().map_err(|_| ParseError("not a number"))?;
    Ok(Part { snapshot: bounded(snapshot)?, last })
}

fn bounded(text: &str) -> Result<Snapshot, ParseError> {
    let snapshot: Snapshot = text.parse()?;
    match snapshot.in_progress.len() > MAX_IN_PROGRESS {
        true => Err(ParseError("too many transactions")),
        false => Ok(snapshot),
    }
}

/// URL-safe text, opaque to clients, with a checksum: a damaged cursor is told from an old one.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.plain();
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
        Self::read(std::str::from_utf8(plain).map_err(|_| ParseError("not text"))?)
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

    /// Snapshots that differ little, of the transactions from 10 to 18.
    fn near_snapshots() -> impl Strategy<Value = Snapshot> {
        (10..15_u64, 0..5_u64, proptest::collection::btree_set(0..5_u64, 0..5)).prop_map(
            |(xmin, width, offsets)| Snapshot {
                xmin,
                xmax: xmin + width,
                in_progress: offsets.into_iter().filter(|o| *o < width).map(|o| xmin + o).collect(),
            },
        )
    }

    fn cursors() -> impl Strategy<Value = Cursor> {
        let part = (snapshots(), any::<i64>()).prop_map(|(snapshot, last)| Part { snapshot, last });
        let told = (proptest::option::of(any::<i64>()), proptest::option::of(any::<u32>()));
        let part = proptest::option::of(part);
        (any::<u64>(), any::<u32>(), snapshots(), told, part).prop_map(
            |(epoch, timeline, snapshot, (life, sight), part)| Cursor {
                era: Era { epoch, timeline },
                snapshot,
                life,
                sight,
                part,
            },
        )
    }

    /// The text of a cursor with this content.
    fn encoded(plain: &str) -> String {
        let sum = crc32fast::hash(plain.as_bytes()).to_be_bytes();
        URL_SAFE_NO_PAD.encode([plain.as_bytes(), &sum].concat())
    }

    proptest! {
        #[test]
        fn a_printed_cursor_reads_back(cursor in cursors()) {
            prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn a_snapshot_includes_those_that_have_seen_no_more(
            later in near_snapshots(),
            earlier in near_snapshots(),
        ) {
            let all = (1..30).all(|txid| !earlier.has_seen(txid) || later.has_seen(txid));
            prop_assert_eq!(later.includes(&earlier), all, "{} {}", later, earlier);
        }

        #[test]
        fn a_cursor_has_what_its_snapshot_or_its_part_has_seen(
            (snapshot, within) in (near_snapshots(), near_snapshots()),
            last in 0..5_i64,
        ) {
            let era = Era { epoch: 7, timeline: 1 };
            let whole = Cursor::new(era, snapshot.clone());
            let part = Some(Part { snapshot: within.clone(), last });
            let cursor = Cursor { part, ..whole.clone() };
            for (txid, seq) in (1..30).flat_map(|txid| (0..6).map(move |seq| (txid, seq))) {
                let before = snapshot.has_seen(txid);
                prop_assert_eq!(whole.has(txid, seq), before);
                let expected = before || (within.has_seen(txid) && seq <= last);
                prop_assert_eq!(cursor.has(txid, seq), expected);
            }
        }

        #[test]
        fn a_damaged_cursor_is_refused(cursor in cursors(), at: prop::sample::Index) {
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
    fn a_place_within_what_comes_has_what_was_taken() {
        let era = Era { epoch: 7, timeline: 1 };
        let (begin, end) = ("10:20:12,15".parse().unwrap(), "15:24:15,22".parse().unwrap());
        let end = Cursor { life: Some(3), ..Cursor::new(era, end) };
        let place = Cursor::new(era, begin).up_to(&end, 100).unwrap();
        assert_eq!(place.life, Some(3));
        for (txid, seq, has) in
            [(11, 900, true), (12, 100, true), (12, 101, false), (23, 99, true), (22, 99, false)]
        {
            assert_eq!(place.has(txid, seq), has, "{txid} {seq}");
        }
        assert_eq!(place.up_to(&end, 99), None);
        assert!(place.up_to(&end, 100).is_some());
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
    fn a_cursor_without_life_and_part_reads_as_ever() {
        let text = encoded("a1:2:10:20:12,15");
        let cursor: Cursor = text.parse().unwrap();
        let era = Era { epoch: 0xa1, timeline: 2 };
        assert_eq!(cursor, Cursor::new(era, "10:20:12,15".parse().unwrap()));
        assert_eq!(cursor.to_string(), text);
    }

    #[test]
    fn nonsense_is_no_cursor() {
        let many: Vec<String> = (1..=MAX_IN_PROGRESS as u64 + 1).map(|id| id.to_string()).collect();
        let many = format!("1:20000:{}", many.join(","));
        let plain = ["", "1", "1:1", "1:1:5:5:;x", "1:1:5:5:;l", "1:1:5:5:;l1;l2"];
        let parts = ["1:1:5:5:;p", "1:1:5:5:;p1", "1:1:5:5:;p1:5:5", "1:1:5:5:;p1:9:8:"];
        let unbounded = [format!("1:1:{many}"), format!("1:1:5:5:;p1:{many}")];
        for plain in plain.iter().chain(&parts).map(|text| text.to_string()).chain(unbounded) {
            assert!(encoded(&plain).parse::<Cursor>().is_err(), "{plain:.60}");
        }
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
