//! Dates and times of day: their text, and the days and microseconds that they are.

use std::fmt::Write as _;

use super::NotAValue;

const EPOCH_DAYS: i64 = 10_957; // from 1970-01-01 to 2000-01-01
const FIRST_DAY: i64 = -2_451_545; // Julian day 0
const END_DAY: i64 = 2_147_483_494 - 2_451_545;
const FIRST_MICRO: i64 = -211_813_488_000_000_000;
const END_MICRO: i64 = 9_223_371_331_200_000_000;
pub(super) const DAY_MICROS: i64 = 86_400_000_000;
const SECOND_MICROS: i64 = 1_000_000;

/// Reads a date, without spaces around it.
pub(super) fn parse_date(text: &str) -> Result<i32, NotAValue> {
    if let Some(infinite) = infinity(text) {
        return Ok(if infinite { i32::MAX } else { i32::MIN });
    }
    let wrong = || fault("date", text, "2024-01-31");
    let (text, bc) = without_era(text);
    let (days, rest) = read_day(text, bc).ok_or_else(wrong)?;
    let in_range = rest.is_empty() && (FIRST_DAY..END_DAY).contains(&days);
    in_range.then_some(days).and_then(|days| i32::try_from(days).ok()).ok_or_else(wrong)
}

/// Reads a time of day: microseconds.
pub(super) fn parse_time(text: &str) -> Result<i64, NotAValue> {
    read_time(text)
        .and_then(|(micros, rest)| rest.is_empty().then_some(micros))
        .ok_or_else(|| fault("time", text, "13:45:00"))
}

/// Reads a timestamp: microseconds since 2000. A zone counts only for `timestamptz`, as in PostgreSQL.
pub(super) fn parse_timestamp(text: &str, zoned: bool) -> Result<i64, NotAValue> {
    if let Some(infinite) = infinity(text) {
        return Ok(if infinite { i64::MAX } else { i64::MIN });
    }
    let form = if zoned { "2024-01-31 13:45:00+00" } else { "2024-01-31 13:45:00" };
    let (plain, bc) = without_era(text);
    read_timestamp(plain, bc, zoned).ok_or_else(|| fault("timestamp", text, form))
}

fn read_timestamp(text: &str, bc: bool, zoned: bool) -> Option<i64> {
    let (days, rest) = read_day(text, bc)?;
    let rest = match rest.strip_prefix(['T', 't']) {
        Some(time) => time,
        None if rest.is_empty() => "00:00",
        None => rest.strip_prefix(' ')?,
    };
    let (time, rest) = read_time(rest)?;
    let offset = if rest.is_empty() { 0 } else { read_zone(rest)? };
    let offset = if zoned { offset } else { 0 };
    let micros = i128::from(days) * i128::from(DAY_MICROS) + i128::from(time - offset);
    let micros = i64::try_from(micros).ok()?;
    (FIRST_MICRO..END_MICRO).contains(&micros).then_some(micros)
}

fn infinity(text: &str) -> Option<bool> {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    if is("infinity") {
        return Some(true);
    }
    is("-infinity").then_some(false)
}

fn fault(what: &str, text: &str, form: &str) -> NotAValue {
    let moving = ["now", "today", "tomorrow", "yesterday", "allballs", "epoch"];
    match moving.into_iter().find(|word| text.eq_ignore_ascii_case(word)) {
        Some(word) => NotAValue::new(format!("\"{word}\" isn't a fixed {what}")),
        None => NotAValue::new(format!("not a {what}, or not in ISO 8601")),
    }
    .instead(form)
}

fn without_era(text: &str) -> (&str, bool) {
    let Some(at) = text.len().checked_sub(3) else { return (text, false) };
    match text.get(at..) {
        Some(era) if era.eq_ignore_ascii_case(" bc") => (&text[..at], true),
        _ => (text, false),
    }
}

/// `YYYY-MM-DD`: days since 2000, and the rest of the text.
fn read_day(text: &str, bc: bool) -> Option<(i64, &str)> {
    let (year, rest) = number(text, 3, 7)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 1, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 1, 2)?;
    let year = if bc { 1 - year } else { year };
    let exists = (bc || year > 0)
        && (!bc || year < 1)
        && (1..=12).contains(&month)
        && (1..=month_length(year, month)).contains(&day);
    exists.then(|| (days_from_civil(year, month, day), rest))
}

/// `HH:MM[:SS[.ffffff]]`
fn read_time(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = number(text, 1, 2)?;
    let (minute, rest) = number(rest.strip_prefix(':')?, 2, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => number(rest, 2, 2)?,
        None => (0, rest),
    };
    let (fraction, rest) = read_fraction(rest)?;
    let micros = ((hour * 60 + minute) * 60 + second) * SECOND_MICROS + fraction;
    let is_leap = second == 60 && fraction > 0;
    (minute < 60 && second <= 60 && !is_leap && micros <= DAY_MICROS).then_some((micros, rest))
}

/// `.ffffff`, rounded as `rint(strtod(…) * 1000000)` does.
pub(super) fn read_fraction(text: &str) -> Option<(i64, &str)> {
    let Some(digits) = text.strip_prefix('.') else { return Some((0, text)) };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return None;
    }
    let (fraction, rest) = text.split_at(count + 1);
    let fraction: f64 = fraction.parse().ok()?;
    Some(((fraction * 1e6).round_ties_even() as i64, rest))
}

/// `Z`, `+HH`, `+HH:MM`, `+HHMM`, `+HH:MM:SS`: microseconds.
fn read_zone(text: &str) -> Option<i64> {
    if ["z", "utc", " utc"].into_iter().any(|utc| text.eq_ignore_ascii_case(utc)) {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hour, rest) = two_digits(&text[1..])?;
    let (minute, rest) = next_part(rest)?;
    let (second, rest) = next_part(rest)?;
    let fits = hour <= 15 && minute < 60 && second < 60 && rest.is_empty();
    fits.then(|| sign * ((hour * 60 + minute) * 60 + second) * SECOND_MICROS)
}

fn next_part(text: &str) -> Option<(i64, &str)> {
    if text.is_empty() {
        return Some((0, text));
    }
    two_digits(text.strip_prefix(':').unwrap_or(text))
}

fn two_digits(text: &str) -> Option<(i64, &str)> {
    let (value, _) = number(text.get(..2)?, 2, 2)?;
    Some((value, &text[2..]))
}

pub(super) fn number(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(least..=most).contains(&count) {
        return None;
    }
    Some((text[..count].parse().ok()?, &text[count..]))
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 2000-01-01 in the proleptic Gregorian calendar, which repeats every 400 years of 146,097 days.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let cycle = year.div_euclid(400);
    let year_of_cycle = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    cycle * 146_097 + day_of_cycle - 719_468 - EPOCH_DAYS
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468 + EPOCH_DAYS;
    let cycle = days.div_euclid(146_097);
    let of_cycle = days.rem_euclid(146_097);
    let year = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (cycle * 400 + year + i64::from(month <= 2), month, day)
}

pub(super) fn put_date(date: i32, text: &mut String) {
    match date {
        i32::MAX => text.push_str("infinity"),
        i32::MIN => text.push_str("-infinity"),
        days => put_with_era(i64::from(days), text, |_| ()),
    }
}

pub(super) fn put_timestamp(micros: i64, zoned: bool, text: &mut String) {
    match micros {
        i64::MAX => text.push_str("infinity"),
        i64::MIN => text.push_str("-infinity"),
        micros => put_with_era(micros.div_euclid(DAY_MICROS), text, |text| {
            text.push(' ');
            put_time(micros.rem_euclid(DAY_MICROS), text);
            text.push_str(if zoned { "+00" } else { "" });
        }),
    }
}

fn put_with_era(days: i64, text: &mut String, between: impl FnOnce(&mut String)) {
    let (year, month, day) = civil_from_days(days);
    let shown = if year > 0 { year } else { 1 - year };
    let _ = write!(text, "{shown:04}-{month:02}-{day:02}");
    between(text);
    text.push_str(if year > 0 { "" } else { " BC" });
}

pub(super) fn put_time(micros: i64, text: &mut String) {
    let seconds = micros / SECOND_MICROS;
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = micros % SECOND_MICROS;
    if fraction != 0 {
        let digits = format!(".{fraction:06}");
        text.push_str(digits.trim_end_matches('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_back_as_they_were() {
        for text in [
            "2000-01-01",
            "1999-12-31",
            "2024-02-29",
            "0001-01-01",
            "0001-12-31 BC",
            "4714-11-24 BC",
            "5874897-12-31",
            "infinity",
            "-infinity",
        ] {
            let mut printed = String::new();
            put_date(parse_date(text).unwrap(), &mut printed);
            assert_eq!(printed, text);
        }
        for wrong in [
            "2023-02-29",
            "0000-01-01",
            "4714-11-23 BC",
            "5874898-01-01",
            "1-2-3",
            "today",
            "",
            "2020-13-01",
        ] {
            assert!(parse_date(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn timestamps_count_microseconds() {
        assert_eq!(parse_timestamp("2000-01-01T00:00:00.000001", false).unwrap(), 1);
        assert_eq!(parse_timestamp("2000-01-01 02:00:00+02", true).unwrap(), 0);
        assert_eq!(parse_timestamp("2000-01-01 02:00:00+02", false).unwrap(), 7_200_000_000);
        assert_eq!(parse_timestamp("1999-12-31T23:59:59+00:00", true).unwrap(), -1_000_000);
        assert!(parse_timestamp("294277-01-01 00:00:00", false).is_err());
        assert!(parse_timestamp("2000-01-01 10:00 Europe/Rome", true).is_err());
    }
}
