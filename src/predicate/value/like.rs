//! `like` and `ilike`.

use super::NotAValue;
use super::class::put_literal;
use super::regex::MAX_PROGRAM_BYTES;

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 4096;

/// What takes a wildcard's meaning away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Escape {
    /// `escape ''`
    None,
    /// Backslash unless given.
    Char(char),
}

/// A pattern that was read. The same pattern and options are equal.
#[derive(Clone, Debug)]
pub struct Like {
    pattern: String,
    escape: Escape,
    ascii_insensitive: bool,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// The texts between the `%`, the first one at the start and the last one at the end.
    Pieces(Vec<Box<str>>),
    Regex(regex::Regex),
}

enum Token {
    Literal(char),
    One,
    Any,
}

impl Like {
    /// Reads a pattern; `ascii_insensitive` is `ilike` in collation C. The text of a char(n) is matched with its
    /// padding.
    pub fn new(pattern: &str, escape: Escape, ascii_insensitive: bool) -> Result<Self, NotAValue> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(NotAValue::new(format!("a pattern longer than {MAX_PATTERN_BYTES} bytes")));
        }
        let tokens = read(pattern, escape)?;
        let matcher = match pieces(&tokens) {
            Some(pieces) if !ascii_insensitive => Matcher::Pieces(pieces),
            _ => Matcher::Regex(compile(&tokens, ascii_insensitive)?),
        };
        Ok(Self { pattern: pattern.to_owned(), escape, ascii_insensitive, matcher })
    }

    pub fn matches(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Regex(regex) => regex.is_match(text),
            Matcher::Pieces(pieces) => match_pieces(pieces, text),
        }
    }

    fn identity(&self) -> (&str, Escape, bool) {
        (&self.pattern, self.escape, self.ascii_insensitive)
    }
}

impl PartialEq for Like {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Like {}

impl std::hash::Hash for Like {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

fn read(pattern: &str, escape: Escape) -> Result<Vec<Token>, NotAValue> {
    let mut tokens = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            _ if escape == Escape::Char(character) => {
                Token::Literal(characters.next().ok_or_else(|| {
                    NotAValue::new("a pattern must not end with the escape character")
                })?)
            }
            '%' => Token::Any,
            '_' => Token::One,
            literal => Token::Literal(literal),
        });
    }
    Ok(tokens)
}

/// None if there is a `_`.
fn pieces(tokens: &[Token]) -> Option<Vec<Box<str>>> {
    let mut pieces = vec![String::new()];
    for token in tokens {
        match token {
            Token::Literal(character) => pieces.last_mut()?.push(*character),
            Token::Any => pieces.push(String::new()),
            Token::One => return None,
        }
    }
    Some(pieces.into_iter().map(String::into_boxed_str).collect())
}

fn match_pieces(pieces: &[Box<str>], text: &str) -> bool {
    let [first, between @ .., last] = pieces else {
        return pieces.first().is_some_and(|whole| **whole == *text);
    };
    let Some(rest) = text.strip_prefix(&**first) else { return false };
    let Some(mut rest) = rest.strip_suffix(&**last) else { return false };
    for piece in between {
        let Some(at) = rest.find(&**piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

fn compile(tokens: &[Token], ascii_insensitive: bool) -> Result<regex::Regex, NotAValue> {
    let mut program = String::from("(?s)\\A");
    for token in tokens {
        match token {
            Token::Literal(character) => put_literal(*character, ascii_insensitive, &mut program),
            Token::One => program.push('.'),
            Token::Any => program.push_str(".*"),
        }
    }
    program.push_str("\\z");
    regex::RegexBuilder::new(&program)
        .size_limit(MAX_PROGRAM_BYTES)
        .build()
        .map_err(|_| NotAValue::new("a pattern with too many wildcards"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_like_does() {
        for (text, pattern, expected) in [
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "_b_", true),
            ("abc", "_", false),
            ("", "%", true),
            ("", "", true),
            ("", "_", false),
            ("é", "_", true),
            ("a%c", "a\\%c", true),
            ("abc", "a\\%c", false),
            ("aba", "ab%ba", false),
            ("a\nb", "a_b", true),
            ("a.b", "a.b", true),
            ("axb", "a.b", false),
            ("abcabc", "%b%b%", true),
            ("abc", "%b%b%", false),
            ("ABC", "abc", false),
        ] {
            let like = Like::new(pattern, Escape::Char('\\'), false).unwrap();
            assert_eq!(like.matches(text), expected, "{text} {pattern}");
        }
        assert!(Like::new("A%É", Escape::None, true).unwrap().matches("axÉ"));
        assert!(!Like::new("A%É", Escape::None, true).unwrap().matches("axé"));
        assert!(Like::new("a#%", Escape::Char('#'), false).unwrap().matches("a%"));
        assert!(Like::new("a%", Escape::Char('%'), false).is_err());
        assert!(Like::new("a\\", Escape::Char('\\'), false).is_err());
        assert!(Like::new("a\\", Escape::None, false).unwrap().matches("a\\"));
    }
}
