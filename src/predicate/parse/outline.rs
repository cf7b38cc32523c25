//! A predicate's parts as they were written: for people to see which of them decides.

use super::token::{Placed, Token, tokens};
use crate::predicate::Fault;

/// A predicate, or a part of it that is true, false or null by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// As written, without parentheses around it.
    pub text: String,
    /// What is joined by `and` or `or`, or negated; none if it is neither.
    pub parts: Vec<Outline>,
    /// The claims that it mentions, `auth.org.id` as `["org", "id"]`.
    pub claims: Vec<Vec<String>>,
}

/// Finds the parts of a text that is a predicate.
pub fn outline(text: &str) -> Result<Outline, Fault> {
    super::syntax(text)?;
    let tokens = tokens(text)?;
    let text = Text { characters: text.chars().collect(), tokens };
    Ok(text.part(0, text.tokens.len() - 1))
}

struct Text {
    characters: Vec<char>,
    tokens: Vec<Placed>,
}

impl Text {
    /// The tokens from the first of these to before the second.
    fn part(&self, from: usize, to: usize) -> Outline {
        let (from, to) = self.unwrapped(from, to);
        let parts = match (self.cuts(from, to, "or"), self.cuts(from, to, "and")) {
            (cuts, _) if !cuts.is_empty() => self.split(from, to, &cuts),
            (_, cuts) if !cuts.is_empty() => self.split(from, to, &cuts),
            _ if self.is_word(from, "not") && from + 1 < to => vec![self.part(from + 1, to)],
            _ => Vec::new(),
        };
        Outline { text: self.text(from, to), parts, claims: self.claims(from, to) }
    }

    fn split(&self, from: usize, to: usize, cuts: &[usize]) -> Vec<Outline> {
        let starts = [from].into_iter().chain(cuts.iter().map(|cut| cut + 1));
        starts.zip(cuts.iter().copied().chain([to])).map(|(from, to)| self.part(from, to)).collect()
    }

    /// Where this word joins what isn't in parentheses, nor within `case … end` or `between … and …`.
    fn cuts(&self, from: usize, to: usize, word: &str) -> Vec<usize> {
        let (mut depth, mut betweens, mut cuts) = (0, 0, Vec::new());
        for at in from..to {
            match &self.tokens[at].token {
                Token::Mark("(" | "[") => depth += 1,
                Token::Mark(")" | "]") => depth -= 1,
                Token::Word(_) if self.is_path(at) => {}
                Token::Word(found) => match found.as_str() {
                    "case" => depth += 1,
                    "end" => depth -= 1,
                    _ if depth != 0 => {}
                    "between" => betweens += 1,
                    "and" if betweens > 0 => betweens -= 1,
                    found if found == word => cuts.push(at),
                    _ => {}
                },
                _ => {}
            }
        }
        cuts
    }

    fn unwrapped(&self, mut from: usize, mut to: usize) -> (usize, usize) {
        while from + 2 < to && self.closing(from) == Some(to - 1) {
            (from, to) = (from + 1, to - 1);
        }
        (from, to)
    }

    /// Where the parenthesis that opens here is closed.
    fn closing(&self, from: usize) -> Option<usize> {
        let mut depth = 0;
        for (at, placed) in self.tokens.iter().enumerate().skip(from) {
            match placed.token {
                Token::Mark("(") => depth += 1,
                Token::Mark(")") => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return (at > from).then_some(at);
            }
        }
        None
    }

    fn text(&self, from: usize, to: usize) -> String {
        let (start, end) = (self.tokens[from].at - 1, self.tokens[to].at - 1);
        let end = end.min(self.characters.len());
        let text: String = self.characters[start.min(end)..end].iter().collect();
        text.trim_end().to_owned()
    }

    fn claims(&self, from: usize, to: usize) -> Vec<Vec<String>> {
        let mut claims: Vec<Vec<String>> = Vec::new();
        for at in (from..to).filter(|&at| self.is_word(at, "auth") && !self.is_path(at)) {
            let mut path = Vec::new();
            let mut next = at + 1;
            while next + 1 < to && self.tokens[next].token == Token::Mark(".") {
                match &self.tokens[next + 1].token {
                    Token::Word(name) | Token::Quoted(name) => path.push(name.clone()),
                    _ => break,
                }
                next += 2;
            }
            if !path.is_empty() && !claims.contains(&path) {
                claims.push(path);
            }
        }
        claims
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        matches!(&self.tokens[at].token, Token::Word(found) if found == word)
    }

    /// Whether it is a name after a dot.
    fn is_path(&self, at: usize) -> bool {
        at > 0 && self.tokens[at - 1].token == Token::Mark(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(outline: &Outline) -> String {
        let parts: Vec<String> = outline.parts.iter().map(shown).collect();
        match parts.is_empty() {
            true => outline.text.clone(),
            false => format!("[{}]", parts.join(" | ")),
        }
    }

    #[test]
    fn parts_are_what_and_or_and_not_join() {
        for (text, expected) in [
            ("a = 1", "a = 1"),
            ("a = 1 or b = 2 and c", "[a = 1 | [b = 2 | c]]"),
            ("(a = 1 or b = 2) and not (c or d)", "[[a = 1 | b = 2] | [[c | d]]]"),
            ("a between 1 and 2 and b", "[a between 1 and 2 | b]"),
            ("case when a and b then c or d end and e", "[case when a and b then c or d end | e]"),
            ("a in (1, 2) or auth.\"or\" = 'x or y'", "[a in (1, 2) | auth.\"or\" = 'x or y']"),
            ("((a = 1))", "a = 1"),
            ("(a) = (b)", "(a) = (b)"),
            ("a not in ('ü', 'and') and b = 'é' ", "[a not in ('ü', 'and') | b = 'é']"),
        ] {
            assert_eq!(shown(&outline(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn claims_are_found() {
        let found = outline("a = auth.sub or b = any(auth.org.ids) and auth.\"X\" = 'auth.y'");
        let found = found.unwrap();
        assert_eq!(found.claims, [vec!["sub"], vec!["org", "ids"], vec!["X"]]);
        assert_eq!(found.parts[0].claims, [["sub"]]);
    }
}
