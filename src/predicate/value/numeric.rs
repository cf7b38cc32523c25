//! `numeric`, held by its decimal digits.

use std::cmp::Ordering;

use super::NotAValue;

/// Digits that PostgreSQL keeps before the point, and after it.
const MAX_EXPONENT: i64 = 131_072;
const MAX_SCALE: i64 = 16_383;

/// A number of any precision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Numeric {
    NegativeInfinity,
    Finite(Decimal),
    Infinity,
    NaN,
}

/// 0.d₁d₂… × 10^exponent, with neither leading nor trailing zeros among the digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// Digits after the point that its text shows.
    scale: u16,
    exponent: i32,
    /// ASCII; empty for zero.
    digits: Box<[u8]>,
}

impl Numeric {
    /// Reads what `numeric_in` reads, without spaces around it.
    pub fn parse(text: &str) -> Result<Self, NotAValue> {
        let special = |name: &str| text.eq_ignore_ascii_case(name);
        if special("nan") {
            Ok(Numeric::NaN)
        } else if ["inf", "+inf", "infinity", "+infinity"].into_iter().any(special) {
            Ok(Numeric::Infinity)
        } else if special("-inf") || special("-infinity") {
            Ok(Numeric::NegativeInfinity)
        } else {
            Decimal::parse(text).map(Numeric::Finite)
        }
    }

    pub fn from_int(int: i64) -> Self {
        let negative = int < 0;
        let digits = int.unsigned_abs().to_string();
        Numeric::Finite(Decimal::made(negative, digits.as_bytes(), digits.len() as i64, 0))
    }

    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Numeric::Finite(left), Numeric::Finite(right)) => left.compare(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Numeric::NegativeInfinity => 0,
            Numeric::Finite(_) => 1,
            Numeric::Infinity => 2,
            Numeric::NaN => 3,
        }
    }

    /// Appends bytes that are equal for equal numbers.
    pub(super) fn put_key(&self, key: &mut Vec<u8>) {
        key.push(self.rank());
        if let Numeric::Finite(decimal) = self {
            key.push(u8::from(decimal.negative));
            key.extend_from_slice(&decimal.exponent.to_be_bytes());
            key.extend_from_slice(
                &u32::try_from(decimal.digits.len()).unwrap_or(u32::MAX).to_be_bytes(),
            );
            key.extend_from_slice(&decimal.digits);
        }
    }

    pub fn put_text(&self, text: &mut String) {
        match self {
            Numeric::NegativeInfinity => text.push_str("-Infinity"),
            Numeric::Infinity => text.push_str("Infinity"),
            Numeric::NaN => text.push_str("NaN"),
            Numeric::Finite(decimal) => decimal.put_text(text),
        }
    }

    /// Rounded to `numeric(precision, scale)`, half away from zero.
    pub(super) fn fit(self, precision: u32, scale: u16) -> Result<Self, NotAValue> {
        match self {
            Numeric::NaN => Ok(Numeric::NaN),
            Numeric::Finite(decimal) => decimal.fit(precision, scale).map(Numeric::Finite),
            _ => Err(NotAValue::new("an infinite number has no precision")),
        }
    }
}

impl Decimal {
    fn parse(text: &str) -> Result<Self, NotAValue> {
        let invalid = || NotAValue::new("not a number").instead("123.45");
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], read_exponent(&unsigned[at + 1..]).ok_or_else(invalid)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return Err(invalid());
        }
        let digits = [whole.as_bytes(), fraction.as_bytes()].concat();
        let scale = (fraction.len() as i64 - exponent).max(0);
        let made = Self::made(negative, &digits, whole.len() as i64 + exponent, scale);
        if scale > MAX_SCALE || i64::from(made.exponent) > MAX_EXPONENT {
            return Err(NotAValue::new("the number has more digits than numeric keeps"));
        }
        Ok(made)
    }

    fn made(negative: bool, digits: &[u8], exponent: i64, scale: i64) -> Self {
        let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
        let kept = digits.len() - digits.iter().rev().take_while(|&&digit| digit == b'0').count();
        let scale = u16::try_from(scale).unwrap_or(u16::MAX);
        if leading >= kept {
            return Self { negative: false, scale, exponent: 0, digits: Box::default() };
        }
        let exponent = i32::try_from(exponent - leading as i64).unwrap_or(i32::MAX);
        Self { negative, scale, exponent, digits: digits[leading..kept].into() }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let sign = |decimal: &Self| match (decimal.digits.is_empty(), decimal.negative) {
            (true, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let order = sign(self).cmp(&sign(other));
        if order.is_ne() || self.digits.is_empty() {
            return order;
        }
        let size = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        if self.negative { size.reverse() } else { size }
    }

    fn put_text(&self, text: &mut String) {
        if self.negative {
            text.push('-');
        }
        if self.exponent <= 0 {
            text.push('0');
        }
        for at in 0..self.exponent {
            text.push(self.digit(at));
        }
        if self.scale > 0 {
            text.push('.');
            text.extend((0..i32::from(self.scale)).map(|at| self.digit(self.exponent + at)));
        }
    }

    fn digit(&self, at: i32) -> char {
        let at = usize::try_from(at).ok();
        at.and_then(|at| self.digits.get(at)).map_or('0', |&digit| char::from(digit))
    }

    fn fit(self, precision: u32, scale: u16) -> Result<Self, NotAValue> {
        let rounded = self.rounded(scale);
        let whole = i64::from(precision) - i64::from(scale);
        if !rounded.digits.is_empty() && i64::from(rounded.exponent) > whole {
            return Err(NotAValue::new(format!(
                "the number doesn't fit numeric({precision},{scale})"
            )));
        }
        Ok(rounded)
    }

    fn rounded(self, scale: u16) -> Self {
        let keep = i64::from(self.exponent) + i64::from(scale);
        if keep >= self.digits.len() as i64 {
            return Self { scale, ..self };
        }
        if keep < 0 || self.digits.is_empty() {
            return Self::made(false, &[], 0, i64::from(scale));
        }
        let keep = usize::try_from(keep).unwrap_or(0);
        let mut digits = vec![b'0'];
        digits.extend_from_slice(&self.digits[..keep]);
        if self.digits[keep] >= b'5' {
            let nines = digits.iter().rev().take_while(|&&digit| digit == b'9').count();
            let at = digits.len() - nines;
            digits[at..].fill(b'0');
            digits[at - 1] += 1;
        }
        Self::made(self.negative, &digits, i64::from(self.exponent) + 1, i64::from(scale))
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && digits.len() <= 9).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(of: &Numeric) -> String {
        let mut text = String::new();
        of.put_text(&mut text);
        text
    }

    #[test]
    fn text_keeps_the_scale() {
        for (given, printed) in [
            ("1.00", "1.00"),
            ("-0.0", "0.0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.5e1", "15"),
            ("1e-5", "0.00001"),
            ("00012.30", "12.30"),
            ("nan", "NaN"),
            ("-inf", "-Infinity"),
            ("1.23e-2", "0.0123"),
        ] {
            assert_eq!(text(&Numeric::parse(given).unwrap()), printed, "{given}");
        }
        for wrong in ["", ".", "-", "1e", "1_000", "0x1", "1e400000", "1e-16384", "--1", "1.2.3"] {
            assert!(Numeric::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn order_is_by_value() {
        let ascending = [
            "-Infinity",
            "-1e131071",
            "-10.5",
            "-10",
            "-1e-400",
            "0",
            "1e-400",
            "0.1",
            "0.11",
            "9",
            "10",
            "1e131071",
            "Infinity",
            "NaN",
        ];
        let numbers = ascending.map(|text| Numeric::parse(text).unwrap());
        for (at, left) in numbers.iter().enumerate() {
            for (other, right) in numbers.iter().enumerate() {
                assert_eq!(left.compare(right), at.cmp(&other), "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn rounds_half_away_from_zero() {
        for (given, precision, scale, rounded) in [
            ("1.25", 3, 1, "1.3"),
            ("-1.25", 3, 1, "-1.3"),
            ("0.04", 3, 1, "0.0"),
            ("9.99", 3, 1, "10.0"),
            ("0.5", 1, 0, "1"),
            ("0.05", 2, 1, "0.1"),
            ("0.005", 2, 1, "0.0"),
            ("7", 3, 2, "7.00"),
        ] {
            let fitted = Numeric::parse(given).unwrap().fit(precision, scale).unwrap();
            assert_eq!(text(&fitted), rounded, "{given}");
        }
        assert!(Numeric::parse("99.95").unwrap().fit(3, 1).is_err());
    }
}
