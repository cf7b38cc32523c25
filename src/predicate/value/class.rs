//! Characters as the `regex` crate's classes.

use std::fmt::Write as _;

/// A character as a class of the `regex` crate, with its other case if asked for.
pub(super) fn put_literal(character: char, ascii_insensitive: bool, program: &mut String) {
    program.push('[');
    put_range(character, character, ascii_insensitive, program);
    program.push(']');
}

/// A range of a class.
pub(super) fn put_range(start: char, end: char, ascii_insensitive: bool, program: &mut String) {
    let _ = write!(program, "\\x{{{:x}}}-\\x{{{:x}}}", u32::from(start), u32::from(end));
    if ascii_insensitive {
        for (letters, shift) in [('A'..='Z', 32), ('a'..='z', -32)] {
            let (from, to) = (start.max(*letters.start()), end.min(*letters.end()));
            let other = |letter: char| u32::from(letter).wrapping_add_signed(shift);
            if from <= to {
                let _ = write!(program, "\\x{{{:x}}}-\\x{{{:x}}}", other(from), other(to));
            }
        }
    }
}
