//! Sizes, durations and times, as a status shows them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the database counts can't be negative.
pub fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// `1.3 MiB`.
pub fn about_size(bytes: u64) -> String {
    let units = [("GiB", 30_u32), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, shift)| bytes >> shift > 0) {
        Some((unit, shift)) => {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} bytes"),
    }
}

/// `0.3s`, `42s`, `3h 12m`: the two largest units.
pub fn about_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        return format!("{:.1}s", duration.as_secs_f64());
    }
    let text = humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

pub fn age(now: SystemTime, then: SystemTime) -> String {
    about_duration(now.duration_since(then).unwrap_or_default())
}

pub fn counted(number: i64, what: &str) -> String {
    match number {
        1 => format!("1 {what} is"),
        number => format!("{number} {what}s are"),
    }
}

pub fn key(columns: &[String]) -> String {
    match columns {
        [] => "no key".to_owned(),
        columns => format!("key {}", columns.join(", ")),
    }
}

/// The database's clock may say anything; what RFC 3339 can't is brought to its nearest bound.
pub fn rfc3339(at: SystemTime) -> String {
    const END_OF_9999_SECS: u64 = 253_402_300_799;
    let at = at.clamp(UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(END_OF_9999_SECS));
    humantime::format_rfc3339_millis(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_digit_behind_the_point() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (40 << 10, "40.0 KiB"),
            ((1 << 20) + (300 << 10), "1.2 MiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(about_size(bytes), text);
        }
    }

    #[test]
    fn durations_have_the_two_largest_units() {
        for (millis, text) in
            [(0, "0.0s"), (340, "0.3s"), (42_500, "42s"), (3_600_000 * 3 + 720_999, "3h 12m")]
        {
            assert_eq!(about_duration(Duration::from_millis(millis)), text);
        }
    }
}
