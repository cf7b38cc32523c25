//! Durations and sizes as people write them.

use std::time::Duration;

/// Text that isn't a duration or a size: what is wrong with it, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub struct BadUnit {
    pub message: String,
    pub help: String,
}

/// `24h`, `90s`, `1h 30m`, `7days`.
pub fn duration(text: &str) -> Result<Duration, BadUnit> {
    let bad = |message: String| BadUnit {
        message,
        help: "write a number with its unit: \"90s\", \"30m\", \"24h\", \"7d\"".into(),
    };
    if text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad(format!("`{text}` is a duration without a unit")));
    }
    humantime::parse_duration(text.trim()).map_err(|_| bad(format!("`{text}` is not a duration")))
}

const SIZES: [(&str, u64); 10] = [
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("", 1),
];

/// `2GiB`, `512 MiB`, `10MB`, or a number of bytes.
pub fn size(text: &str) -> Result<u64, BadUnit> {
    let bad = |message: String| BadUnit {
        message,
        help: "write bytes, or a whole number with KiB, MiB, GiB, TiB (or KB, MB, GB, TB)".into(),
    };
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let scale = SIZES.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
    let (Ok(number), Some(scale)) = (number.parse::<u64>(), scale) else {
        return Err(bad(format!("`{text}` is not a size")));
    };
    number.checked_mul(scale).ok_or_else(|| bad(format!("`{text}` is too large")))
}

/// Bytes in the largest binary unit that needs no fraction.
pub fn print_size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let whole = |(_, shift): &(&str, u32)| bytes > 0 && bytes.trailing_zeros() >= *shift;
    match units.into_iter().find(whole) {
        Some((unit, shift)) => format!("{} {unit}", bytes >> shift),
        None => format!("{bytes} bytes"),
    }
}
