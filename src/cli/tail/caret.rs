//! A filter with a caret under the place that is wrong.

use std::fmt::Write as _;

/// More of a line than this is left out.
const MAX_SHOWN_CHARS: usize = 72;

/// Two lines, `position` being a character from 1; nothing if there is no such place.
pub fn under(filter: &str, position: usize) -> String {
    let Some(before) = position.checked_sub(1) else { return String::new() };
    let characters: Vec<char> = filter.chars().collect();
    if before > characters.len() {
        return String::new();
    }
    let is_break = |character: &char| matches!(character, '\n' | '\r');
    let start = characters[..before].iter().rposition(is_break).map_or(0, |at| at + 1);
    let rest = characters[before..].iter().position(is_break);
    let end = rest.map_or(characters.len(), |more| before + more);
    let start = start.max(before.saturating_sub(MAX_SHOWN_CHARS / 2));
    let end = end.min(start + MAX_SHOWN_CHARS);
    let shown: String = characters[start..end].iter().map(|it| visible(*it)).collect();
    let mut text = String::new();
    let _ = write!(text, "\n  {shown}\n  {:1$}^", "", before - start);
    text
}

fn visible(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_character() {
        for (filter, position, expected) in [
            ("statsu = 1", 1, "\n  statsu = 1\n  ^"),
            ("größe = x", 9, "\n  größe = x\n          ^"),
            ("a = ", 5, "\n  a = \n      ^"),
            ("a = 1\nand b = 2", 11, "\n  and b = 2\n      ^"),
            ("a\t= \u{1b}[1m", 3, "\n  a =  [1m\n    ^"),
            ("a", 0, ""),
            ("a", 3, ""),
        ] {
            assert_eq!(under(filter, position), expected, "{filter:?}");
        }
    }

    #[test]
    fn of_a_long_filter_only_what_is_near_is_shown() {
        let filter = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let shown = under(&filter, 501);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= 2 + MAX_SHOWN_CHARS));
        assert_eq!(lines[1].find('!'), lines[2].find('^'));
    }
}
