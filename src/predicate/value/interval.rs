//! `interval`.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::NotAValue;
use super::time::{DAY_MICROS, put_time, read_fraction};

/// An interval; compared by its span, with months of 30 days of 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

const INFINITY: Interval = Interval { months: i32::MAX, days: i32::MAX, micros: i64::MAX };
const NEGATIVE_INFINITY: Interval = Interval { months: i32::MIN, days: i32::MIN, micros: i64::MIN };

impl Interval {
    /// Reads `1 year 2 mons -3 days 04:05:06.7`: numbers with units, each unit once, then perhaps a time.
    pub fn parse(text: &str) -> Result<Self, NotAValue> {
        Parts::read(text).and_then(Parts::total).ok_or_else(|| {
            NotAValue::new("not an interval, or not in this form").instead("1 day 02:30:00")
        })
    }

    /// The same, with what the log may have besides.
    pub(super) fn from_log(text: &str) -> Result<Self, NotAValue> {
        match text {
            "infinity" => Ok(INFINITY),
            "-infinity" => Ok(NEGATIVE_INFINITY),
            _ => Self::parse(text),
        }
    }

    pub(super) fn span(&self) -> i128 {
        let days = i128::from(self.months) * 30 + i128::from(self.days);
        days * i128::from(DAY_MICROS) + i128::from(self.micros)
    }

    pub fn compare(&self, other: &Self) -> Ordering {
        self.span().cmp(&other.span())
    }

    pub fn put_text(&self, text: &mut String) {
        match *self {
            INFINITY => text.push_str("infinity"),
            NEGATIVE_INFINITY => text.push_str("-infinity"),
            _ => self.put_parts(text),
        }
    }

    fn put_parts(&self, text: &mut String) {
        let start = text.len();
        let mut after_negative = false;
        let parts = [(self.months / 12, "year"), (self.months % 12, "mon"), (self.days, "day")];
        for (count, unit) in parts.into_iter().filter(|&(count, _)| count != 0) {
            let space = if text.len() > start { " " } else { "" };
            let plus = if after_negative && count > 0 { "+" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            let _ = write!(text, "{space}{plus}{count} {unit}{plural}");
            after_negative = count < 0;
        }
        if text.len() > start && self.micros == 0 {
            return;
        }
        text.push_str(if text.len() > start { " " } else { "" });
        text.push_str(if self.micros < 0 {
            "-"
        } else if after_negative {
            "+"
        } else {
            ""
        });
        put_span(self.micros, text);
    }
}

fn put_span(micros: i64, text: &mut String) {
    match micros.checked_abs() {
        Some(micros) => put_time(micros, text),
        None => text.push_str("2562047788:00:54.775808"),
    }
}

/// What has been read of an interval's text.
#[derive(Default)]
struct Parts {
    /// By unit: years, months, weeks, days, hours, minutes, seconds (in microseconds).
    counts: [Option<i128>; 7],
}

impl Parts {
    fn read(text: &str) -> Option<Self> {
        let mut parts = Self::default();
        let mut words = text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            if word.contains(':') {
                parts.put(5, 0)?;
                parts.put(4, 0)?;
                parts.put(6, read_clock(word)?)?;
            } else {
                let unit = unit(words.next()?)?;
                parts.put(unit, if unit == 6 { read_seconds(word)? } else { read_count(word)? })?;
            }
        }
        parts.counts.iter().any(Option::is_some).then_some(parts)
    }

    fn put(&mut self, unit: usize, count: i128) -> Option<()> {
        self.counts[unit].replace(count).is_none().then_some(())
    }

    fn total(self) -> Option<Interval> {
        let [years, months, weeks, days, hours, minutes, micros] =
            self.counts.map(|it| it.unwrap_or(0));
        let micros = (hours * 60 + minutes) * 60 * 1_000_000 + micros;
        let interval = Interval {
            months: i32::try_from(years * 12 + months).ok()?,
            days: i32::try_from(weeks * 7 + days).ok()?,
            micros: i64::try_from(micros).ok()?,
        };
        (interval != INFINITY && interval != NEGATIVE_INFINITY).then_some(interval)
    }
}

fn unit(word: &str) -> Option<usize> {
    Some(match word.to_ascii_lowercase().as_str() {
        "year" | "years" => 0,
        "mon" | "mons" | "month" | "months" => 1,
        "week" | "weeks" => 2,
        "day" | "days" => 3,
        "hour" | "hours" => 4,
        "min" | "mins" | "minute" | "minutes" => 5,
        "sec" | "secs" | "second" | "seconds" => 6,
        _ => return None,
    })
}

/// A whole number that fits where PostgreSQL keeps it.
fn read_count(word: &str) -> Option<i128> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| word.parse::<i32>().ok()).flatten().map(i128::from)
}

/// Seconds with at most six decimals: microseconds.
fn read_seconds(word: &str) -> Option<i128> {
    let (whole, fraction) = word.split_at(word.find('.').unwrap_or(word.len()));
    if fraction.len() > 7 {
        return None;
    }
    let (micros, rest) = read_fraction(fraction)?;
    let whole_micros = read_count(whole)? * 1_000_000;
    let micros = if whole.starts_with('-') { -i128::from(micros) } else { i128::from(micros) };
    rest.is_empty().then_some(whole_micros + micros)
}

/// `[+-]HH:MM[:SS[.ffffff]]`: microseconds.
fn read_clock(word: &str) -> Option<i128> {
    let (sign, digits) = match word.as_bytes().first()? {
        b'-' => (-1, &word[1..]),
        b'+' => (1, &word[1..]),
        _ => (1, word),
    };
    let mut fields = digits.split(':');
    let hour = read_natural(fields.next()?, 10)?;
    let minute = read_natural(fields.next()?, 2).filter(|&minute| minute < 60)?;
    let seconds = match fields.next() {
        Some(seconds) if !seconds.starts_with(['+', '-']) => read_seconds(seconds)?,
        Some(_) => return None,
        None => 0,
    };
    let fits = fields.next().is_none() && seconds < 60_000_000;
    fits.then(|| sign * ((hour * 60 + minute) * 60_000_000 + seconds))
}

fn read_natural(digits: &str, most: usize) -> Option<i128> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= most;
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back() {
        for text in [
            "00:00:00",
            "1 year 2 mons 3 days 04:05:06.789",
            "-1 years -2 mons +3 days -04:05:06",
            "-1 days",
            "1 day",
            "-00:00:00.000001",
            "-1 days +02:03:00",
            "2562047788:00:54.775807",
            "1 mon -1 days",
        ] {
            let mut printed = String::new();
            Interval::parse(text).unwrap().put_text(&mut printed);
            assert_eq!(printed, text);
        }
        for wrong in [
            "",
            "1",
            "1.5 days",
            "P1D",
            "1 day 1 day",
            "1 fortnight",
            "01:60:00",
            "1 day ago",
            "infinity",
        ] {
            assert!(Interval::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_month_has_thirty_days() {
        let parse = |text| Interval::parse(text).unwrap();
        assert!(parse("1 mon").compare(&parse("30 days")).is_eq());
        assert!(parse("1 day").compare(&parse("24:00:00")).is_eq());
        assert!(parse("1 mon").compare(&parse("31 days")).is_lt());
    }
}
