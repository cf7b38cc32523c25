//! `numeric`, held by its decimal digits.

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
