//! Regular expressions: the part of PostgreSQL's that is matched in linear time with the same answer.
//!
//! PostgreSQL manual, section 9.7.3. The pattern is read here, by PostgreSQL's rules, and written anew for the
//! `regex` crate; nothing of it gets there unread.

use std::iter::Peekable;
use std::str::Chars;

use super::NotAValue;
use super::class::{put_literal, put_range};
use super::like::MAX_PATTERN_BYTES;

/// What a compiled pattern may need.
pub(super) const MAX_PROGRAM_BYTES: usize = 1 << 20;
/// How deep groups may be nested.
const MAX_GROUPS: usize = 50;
/// PostgreSQL's own limit.
const MAX_REPEAT: u32 = 255;

/// A pattern that was read. The same pattern and options are equal.
#[derive(Clone, Debug)]
pub struct Regex {
    pattern: String,
    ascii_insensitive: bool,
    compiled: regex::Regex,
}

impl Regex {
    /// Reads a pattern; `ascii_insensitive` is `~*` in collation C.
    pub fn new(pattern: &str, ascii_insensitive: bool) -> Result<Self, NotAValue> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(NotAValue::new(format!("a pattern longer than {MAX_PATTERN_BYTES} bytes")));
        }
        let mut reader = Reader {
            rest: pattern.chars().peekable(),
            ascii_insensitive,
            program: String::from("(?s)"),
        };
        reader.expression(0)?;
        if reader.rest.next().is_some() {
            return Err(
                NotAValue::new("a closing parenthesis without an opening one").instead("\\)")
            );
        }
        let compiled = regex::RegexBuilder::new(&reader.program)
            .size_limit(MAX_PROGRAM_BYTES)
            .build()
            .map_err(|_| NotAValue::new("the regular expression is too large"))?;
        Ok(Self { pattern: pattern.to_owned(), ascii_insensitive, compiled })
    }

    pub fn matches(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        (&self.pattern, self.ascii_insensitive) == (&other.pattern, other.ascii_insensitive)
    }
}

impl Eq for Regex {}

impl std::hash::Hash for Regex {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.pattern, self.ascii_insensitive).hash(state);
    }
}

/// What an atom allows to follow.
#[derive(PartialEq)]
enum Atom {
    Repeatable,
    /// An anchor: a quantifier after it is an error.
    Constraint,
}

/// What an escape stands for.
enum Escaped {
    Character(char),
    Start,
    End,
}

struct Reader<'p> {
    rest: Peekable<Chars<'p>>,
    ascii_insensitive: bool,
    program: String,
}

impl Reader<'_> {
    /// Branches up to a closing parenthesis or the end.
    fn expression(&mut self, depth: usize) -> Result<(), NotAValue> {
        while let Some(&next) = self.rest.peek() {
            match next {
                ')' => return Ok(()),
                '|' => {
                    self.rest.next();
                    self.program.push('|');
                }
                _ => {
                    let atom = self.atom(depth)?;
                    self.quantifier(&atom)?;
                }
            }
        }
        Ok(())
    }

    fn atom(&mut self, depth: usize) -> Result<Atom, NotAValue> {
        match self.rest.next() {
            Some('(') => self.group(depth + 1)?,
            Some('[') => self.bracket()?,
            Some('.') => self.program.push('.'),
            Some('^') => return Ok(self.constraint("\\A")),
            Some('$') => return Ok(self.constraint("\\z")),
            Some('\\') => match self.escape()? {
                Escaped::Character(character) => self.literal(character),
                Escaped::Start => return Ok(self.constraint("\\A")),
                Escaped::End => return Ok(self.constraint("\\z")),
            },
            Some('*' | '+' | '?') => return Err(nothing_to_repeat()),
            Some('{') if self.rest.peek().is_some_and(char::is_ascii_digit) => {
                return Err(nothing_to_repeat());
            }
            Some(character) => self.literal(character),
            None => {}
        }
        Ok(Atom::Repeatable)
    }

    fn literal(&mut self, character: char) {
        put_literal(character, self.ascii_insensitive, &mut self.program);
    }

    fn constraint(&mut self, program: &str) -> Atom {
        self.program.push_str(program);
        Atom::Constraint
    }

    fn group(&mut self, depth: usize) -> Result<(), NotAValue> {
        if depth > MAX_GROUPS {
            return Err(NotAValue::new(format!("more than {MAX_GROUPS} groups inside each other")));
        }
        if self.rest.next_if_eq(&'?').is_some() && self.rest.next_if_eq(&':').is_none() {
            return Err(NotAValue::new(
                "look-around and options inside a pattern aren't supported",
            ));
        }
        self.program.push_str("(?:");
        self.expression(depth)?;
        self.program.push(')');
        match self.rest.next() {
            Some(')') => Ok(()),
            _ => Err(NotAValue::new("a parenthesis isn't closed")),
        }
    }

    fn quantifier(&mut self, atom: &Atom) -> Result<(), NotAValue> {
        let Some(quantifier) = self.read_quantifier()? else { return Ok(()) };
        if *atom == Atom::Constraint || self.read_quantifier()?.is_some() {
            return Err(nothing_to_repeat());
        }
        self.program.push_str(&quantifier);
        Ok(())
    }

    /// Lazy or not makes no difference to whether there is a match.
    fn read_quantifier(&mut self) -> Result<Option<String>, NotAValue> {
        let quantifier = match self.rest.peek().copied() {
            Some(simple @ ('*' | '+' | '?')) => {
                self.rest.next();
                simple.to_string()
            }
            Some('{') if self.is_bound() => self.bound()?,
            _ => return Ok(None),
        };
        self.rest.next_if_eq(&'?');
        Ok(Some(quantifier))
    }

    fn is_bound(&self) -> bool {
        self.rest.clone().nth(1).is_some_and(|next| next.is_ascii_digit())
    }

    fn bound(&mut self) -> Result<String, NotAValue> {
        let wrong = || {
            NotAValue::new(format!("not a repetition of at most {MAX_REPEAT}")).instead("{1,10}")
        };
        self.rest.next();
        let least = self.count().ok_or_else(wrong)?;
        let most = match self.rest.next_if_eq(&',') {
            None => Some(least),
            Some(_) if self.rest.peek() == Some(&'}') => None,
            Some(_) => Some(self.count().ok_or_else(wrong)?),
        };
        let fits = self.rest.next() == Some('}') && most.is_none_or(|most| least <= most);
        let most = most.map_or(String::new(), |most| most.to_string());
        if fits { Ok(format!("{{{least},{most}}}")) } else { Err(wrong()) }
    }

    fn count(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits.parse().ok().filter(|&count| count <= MAX_REPEAT)
    }

    fn escape(&mut self) -> Result<Escaped, NotAValue> {
        let Some(letter) = self.rest.next() else {
            return Err(NotAValue::new("a pattern must not end with a backslash").instead("\\\\"));
        };
        Ok(Escaped::Character(match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'a' => '\u{7}',
            'e' => '\u{1b}',
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            'A' => return Ok(Escaped::Start),
            'Z' => return Ok(Escaped::End),
            'd' => return Err(by_locale("\\d", "[0-9]")),
            'w' => return Err(by_locale("\\w", "[A-Za-z0-9_]")),
            's' => return Err(by_locale("\\s", "[ \\t\\n\\r\\f\\v]")),
            'D' => return Err(by_locale("\\D", "[^0-9]")),
            'W' => return Err(by_locale("\\W", "[^A-Za-z0-9_]")),
            'S' => return Err(by_locale("\\S", "[^ \\t\\n\\r\\f\\v]")),
            '1'..='9' => return Err(NotAValue::new("back references aren't supported")),
            letter if letter.is_alphanumeric() => {
                return Err(NotAValue::new(format!("the escape \\{letter} isn't supported")));
            }
            other => other,
        }))
    }

    fn code(&mut self, digits: usize) -> Result<char, NotAValue> {
        let hex: String = self.rest.by_ref().take(digits).collect();
        let plain = hex.len() == digits && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = plain.then(|| u32::from_str_radix(&hex, 16).ok()).flatten();
        code.and_then(char::from_u32)
            .filter(|&character| character != '\0')
            .ok_or_else(|| NotAValue::new("not a character's number"))
    }

    fn bracket(&mut self) -> Result<(), NotAValue> {
        self.program.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.program.push('^');
        }
        let mut first = true;
        loop {
            if !first && self.rest.next_if_eq(&']').is_some() {
                self.program.push(']');
                return Ok(());
            }
            self.range(first)?;
            first = false;
        }
    }

    fn range(&mut self, first: bool) -> Result<(), NotAValue> {
        let start = self.member(first)?;
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.next() != Some(']');
        if !is_range {
            put_range(start, start, self.ascii_insensitive, &mut self.program);
            return Ok(());
        }
        self.rest.next();
        let end = self.member(false)?;
        if start > end || start == '-' || self.rest.peek() == Some(&'-') {
            return Err(NotAValue::new("not a range of characters").instead("[a-z]"));
        }
        put_range(start, end, self.ascii_insensitive, &mut self.program);
        Ok(())
    }

    /// A character of a bracket expression. `-` stands for itself only at either end.
    fn member(&mut self, first: bool) -> Result<char, NotAValue> {
        let wrong = |what: &str| Err(NotAValue::new(what));
        match self.rest.next() {
            None => wrong("a bracket isn't closed"),
            Some('[') if matches!(self.rest.peek(), Some(':' | '.' | '=')) => {
                Err(by_locale("[[:…:]]", "[A-Za-z0-9]"))
            }
            Some('-') if !first && self.rest.peek() != Some(&']') => {
                Err(NotAValue::new("a hyphen in the middle of a bracket").instead("\\-"))
            }
            Some('\\') => match self.escape()? {
                Escaped::Character(character) => Ok(character),
                _ => wrong("an anchor in a bracket"),
            },
            Some(character) => Ok(character),
        }
    }
}

fn nothing_to_repeat() -> NotAValue {
    NotAValue::new("a quantifier with nothing to repeat")
}

fn by_locale(what: &str, instead: &str) -> NotAValue {
    NotAValue::new(format!("{what} depends on the locale")).instead(instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_postgresql_does() {
        for (text, pattern, expected) in [
            ("abc", "b", true),
            ("abc", "^b", false),
            ("a\nb", "a.b", true),
            ("a\nb", "^b", false),
            ("a\n", "a$", false),
            ("a{b", "a{b", true),
            ("aaa", "^a{2}$", false),
            ("aaa", "^a{2,}?$", true),
            ("]", "[]]", true),
            ("-", "[a-]", true),
            ("b", "[^a]", true),
            ("\n", "[^a]", true),
            ("x", "a|", true),
            ("", "()", true),
            ("a+b", "a\\+b", true),
            ("é", "^.$", true),
            ("\t", "^[\\t]$", true),
            ("ab", "^(?:a|b)+$", true),
            ("a&&b", "[&&]", true),
        ] {
            assert_eq!(
                Regex::new(pattern, false).unwrap().matches(text),
                expected,
                "{text} {pattern}"
            );
        }
        assert!(Regex::new("[a-c]É", true).unwrap().matches("BÉ"));
        assert!(!Regex::new("É", true).unwrap().matches("é"));
        assert!(!Regex::new("[^a]", true).unwrap().matches("A"));
    }

    #[test]
    fn refuses_the_rest() {
        for pattern in [
            "a**",
            "*a",
            "^*",
            "a|*",
            "(",
            ")",
            "(?=a)",
            "(?i)a",
            "***=a",
            "\\1",
            "\\d",
            "\\w",
            "[[:alpha:]]",
            "[[.a.]]",
            "[z-a]",
            "[a-b-c]",
            "a{256}",
            "a{2,1}",
            "\\m",
            "\\y",
            "a\\",
            "[a",
            "[]",
            "a{1",
            "$+",
            "\\x41",
            "((a{255}){255}){255}",
            "a*?*",
            "{1}",
        ] {
            assert!(Regex::new(pattern, false).is_err(), "{pattern}");
        }
        assert!(Regex::new(&"(".repeat(4000), false).is_err());
    }
}
