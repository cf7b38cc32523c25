//! `inet`.

/// An address with its network's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Inet {
    v6: bool,
    bits: u8,
    /// Left-aligned; the first four for IPv4, the rest zero.
    address: [u8; 16],
}
