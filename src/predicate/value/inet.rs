//! `inet`.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::NotAValue;

/// An address with its network's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Inet {
    v6: bool,
    bits: u8,
    /// Left-aligned; the first four for IPv4, the rest zero.
    address: [u8; 16],
}

impl Inet {
    /// Reads a whole address, perhaps with `/n`.
    pub fn parse(text: &str) -> Result<Self, NotAValue> {
        Self::read(text).ok_or_else(|| {
            NotAValue::new("not an inet address, or not in its full form").instead("192.168.0.1/24")
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (host, bits) = match text.split_once('/') {
            Some((host, bits)) => (host, Some(read_bits(bits)?)),
            None => (text, None),
        };
        let v6 = host.contains(':');
        let mut address = [0; 16];
        if v6 {
            address = host.parse::<Ipv6Addr>().ok()?.octets();
        } else {
            address[..4].copy_from_slice(&host.parse::<Ipv4Addr>().ok()?.octets());
        }
        let most = if v6 { 128 } else { 32 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { v6, bits, address })
    }

    fn most_bits(&self) -> u8 {
        if self.v6 { 128 } else { 32 }
    }

    /// By family, by the bits that both networks have, by their lengths, then by the address.
    pub fn compare(&self, other: &Self) -> Ordering {
        let common = self.bits.min(other.bits);
        self.v6
            .cmp(&other.v6)
            .then_with(|| self.prefix(common).cmp(&other.prefix(common)))
            .then(self.bits.cmp(&other.bits))
            .then(self.address.cmp(&other.address))
    }

    fn prefix(&self, bits: u8) -> u128 {
        u128::from_be_bytes(self.address).checked_shr(128 - u32::from(bits)).unwrap_or(0)
    }

    pub(super) fn put_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&[u8::from(self.v6), self.bits]);
        key.extend_from_slice(&self.address);
    }

    /// As `inet_out` writes it: the length only where it isn't the whole address.
    pub fn put_text(&self, text: &mut String) {
        if self.v6 {
            put_v6(self.address, text);
        } else {
            let [a, b, c, d, ..] = self.address;
            let _ = write!(text, "{a}.{b}.{c}.{d}");
        }
        if self.bits != self.most_bits() {
            let _ = write!(text, "/{}", self.bits);
        }
    }

    /// As a cast to text writes it: always with the length.
    pub(super) fn put_with_length(&self, text: &mut String) {
        self.put_text(text);
        if self.bits == self.most_bits() {
            let _ = write!(text, "/{}", self.bits);
        }
    }
}

fn read_bits(text: &str) -> Option<u8> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

fn put_v6(address: [u8; 16], text: &mut String) {
    let words: Vec<u16> =
        address.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let (start, len) = longest_zeros(&words);
    let dotted = start == 0 && (len == 6 || (len == 5 && words[5] == 0xffff));
    let end = if dotted { 6 } else { 8 };
    for (at, word) in words.iter().enumerate().take(end) {
        if (start..start + len).contains(&at) {
            text.push_str(if at == start { ":" } else { "" });
        } else {
            let colon = if at > 0 { ":" } else { "" };
            let _ = write!(text, "{colon}{word:x}");
        }
    }
    if dotted {
        let [.., a, b, c, d] = address;
        let _ = write!(text, ":{a}.{b}.{c}.{d}");
    } else if len > 0 && start + len == 8 {
        text.push(':');
    }
}

/// The first of the longest runs of zeros, at least two.
fn longest_zeros(words: &[u16]) -> (usize, usize) {
    let mut best = (0, 0);
    let mut at = 0;
    while at < words.len() {
        let len = words[at..].iter().take_while(|&&word| word == 0).count();
        if len > best.1 && len >= 2 {
            best = (at, len);
        }
        at += len.max(1);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back() {
        for text in [
            "10.0.0.1",
            "10.0.0.1/8",
            "::",
            "::1",
            "2001:db8::1/64",
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "1::",
            "1:0:0:2::3",
            "fe80::1:0:0:1",
            "::1:2:3:4:5:6",
            "0.0.0.0/0",
        ] {
            let mut printed = String::new();
            Inet::parse(text).unwrap().put_text(&mut printed);
            assert_eq!(printed, text);
        }
        for wrong in
            ["10.1", "10.0.0.1/33", "10.0.0.256", "1.2.3.4/", " 1.2.3.4", "::1/129", "01.2.3.4"]
        {
            assert!(Inet::parse(wrong).is_err(), "{wrong}");
        }
    }
}
