//! Durations and sizes as people write them.

use std::time::Duration;

/// How durations are written.
pub const DURATIONS: &str = "write a number with its unit: \"90s\", \"30m\", \"24h\", \"7d\"";

/// How sizes are written.
pub const SIZES: &str =
    "write bytes, or a whole number with its unit: \"512KiB\", \"64MiB\", \"2GiB\" (or KB, MB, GB)";

/// Text that isn't a duration or a size: what is wrong with it, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub struct BadUnit {
    pub message: String,
    pub help: &'static str,
}

/// `24h`, `90s`, `1h 30m`, `7days`.
pub fn duration(text: &str) -> Result<Duration, BadUnit> {
    let bad = |message: String| BadUnit { message, help: DURATIONS };
    if text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad(format!("`{text}` is a duration without a unit")));
    }
    humantime::parse_duration(text.trim()).map_err(|_| bad(format!("`{text}` is not a duration")))
}

const UNITS: [(&str, u64); 10] = [
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
    let bad = |message: String| BadUnit { message, help: SIZES };
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), (" 1h 30m ", 5400)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "24", "h", "24 hours ago", "-1h", "99999999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("1024", 1024),
            ("10b", 10),
            ("1KiB", 1024),
            ("2 GiB", 2 << 30),
            ("2gib", 2 << 30),
            ("10MB", 10_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GiB", "2G", "1.5GiB", "-1", "2 GiB 3", "99999999TiB", "1e3"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_printed_in_the_largest_whole_unit() {
        for (bytes, text) in
            [(0, "0 bytes"), (1000, "1000 bytes"), (1 << 20, "1 MiB"), (3 << 30, "3 GiB")]
        {
            assert_eq!(print_size(bytes), text);
        }
    }
}
