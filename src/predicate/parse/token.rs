//! Text → tokens, as PostgreSQL's scanner splits it (manual 4.1): names folded, operators by longest match.

use crate::predicate::Fault;

/// More than any predicate written by hand; 100,000 terms are refused here at the latest.
pub(super) const MAX_TOKENS: usize = 4_096;
/// `NAMEDATALEN - 1`: PostgreSQL would cut a longer name.
const MAX_NAME_BYTES: usize = 63;
const OPERATOR_CHARS: &str = "+-*/<>=~!@#%^&|`?";
/// An operator may end in `+` or `-` only if it has one of these.
const MAKES_LONGER: &str = "~!@#%^&|`?";

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Unquoted, folded to lower case: a key word or a name.
    Word(String),
    /// In double quotes: always a name.
    Quoted(String),
    String(String),
    Number(String),
    Param(String),
    Operator(String),
    /// `( ) [ ] , .`, `::`, and what has no place in a predicate.
    Mark(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub at: usize,
    pub token: Token,
}

/// Splits the text; the last token is always `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Fault> {
    let mut scanner = Scanner { rest: text, at: 1 };
    let mut found = Vec::new();
    loop {
        scanner.skip_space()?;
        let at = scanner.at;
        let token = scanner.token()?;
        if found.len() >= MAX_TOKENS {
            let reason = format!("a predicate may have at most {MAX_TOKENS} words and signs");
            return Err(Fault::new(at, reason));
        }
        let is_end = token == Token::End;
        found.push(Placed { at, token });
        if is_end {
            return Ok(found);
        }
    }
}

struct Scanner<'t> {
    rest: &'t str,
    /// Of the next character, from 1.
    at: usize,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn second(&self) -> Option<char> {
        self.rest.chars().nth(1)
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.at += taken.chars().count();
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn fault<T>(&self, reason: &str) -> Result<T, Fault> {
        Err(Fault::new(self.at, reason))
    }

    fn skip_space(&mut self) -> Result<(), Fault> {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
        match self.rest {
            rest if rest.starts_with("--") || rest.starts_with("/*") => {
                self.fault("comments have no place in a predicate")
            }
            _ => Ok(()),
        }
    }

    fn token(&mut self) -> Result<Token, Fault> {
        let Some(first) = self.peek() else { return Ok(Token::End) };
        match first {
            '\'' => Ok(Token::String(self.quoted('\'')?)),
            '"' => self.quoted_name(),
            '$' => self.param(),
            '0'..='9' => self.number(),
            '.' if self.second().is_some_and(|c| c.is_ascii_digit()) => self.number(),
            c if is_name_start(c) => self.word(),
            c if OPERATOR_CHARS.contains(c) => self.operator(),
            _ => self.mark(),
        }
    }

    fn mark(&mut self) -> Result<Token, Fault> {
        const MARKS: [&str; 8] = ["::", "(", ")", "[", "]", ",", ".", ";"];
        match MARKS.into_iter().find(|mark| self.rest.starts_with(mark)) {
            Some(";") => self.fault("a predicate is one expression, not a list of statements"),
            Some(mark) => {
                self.take(mark.len());
                Ok(Token::Mark(mark))
            }
            None if self.rest.starts_with('\0') => self.fault("PostgreSQL knows no NUL character"),
            None => self.fault("this character has no place in a predicate"),
        }
    }

    /// What is between two of these quotes; a doubled one stands for itself.
    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        let start = self.at;
        self.take(1);
        let mut content = String::new();
        loop {
            content.push_str(self.take_while(|c| c != quote && c != '\0'));
            match (self.peek(), self.second()) {
                (Some('\0'), _) => return self.fault("PostgreSQL knows no NUL character"),
                (None, _) => return Err(Fault::new(start, "the quote isn't closed")),
                (Some(_), Some(next)) if next == quote => {
                    content.push(quote);
                    self.take(2);
                }
                _ => {
                    self.take(1);
                    return Ok(content);
                }
            }
        }
    }

    fn quoted_name(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        let name = self.quoted('"')?;
        match name.len() {
            0 => Err(Fault::new(start, "a name can't be empty")),
            1..=MAX_NAME_BYTES => Ok(Token::Quoted(name)),
            _ => Err(Fault::new(start, "the name is longer than 63 bytes")),
        }
    }

    fn word(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        let word = self.take_while(is_name_part).to_ascii_lowercase();
        let prefix = matches!(word.as_str(), "e" | "b" | "x" | "n" | "u");
        if prefix && (self.rest.starts_with('\'') || word == "u" && self.rest.starts_with('&')) {
            let fault = Fault::new(start, "only plain string literals are understood");
            return Err(fault.instead("'…', with '' for each quote in it"));
        }
        match word.len() {
            ..=MAX_NAME_BYTES => Ok(Token::Word(word)),
            _ => Err(Fault::new(start, "the name is longer than 63 bytes")),
        }
    }

    fn param(&mut self) -> Result<Token, Fault> {
        let digits = self.rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            let fault = Fault::new(self.at, "only plain string literals are understood");
            return Err(fault.instead("'…', with '' for each quote in it"));
        }
        let number = self.take(1 + digits)[1..].to_owned();
        self.check_gap("parameter")?;
        Ok(Token::Param(number))
    }

    fn number(&mut self) -> Result<Token, Fault> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits((end + 1 + sign).min(bytes.len()));
            if exponent > 0 {
                end += 1 + sign + exponent;
            }
        }
        let number = self.take(end).to_owned();
        self.check_gap("number")?;
        Ok(Token::Number(number))
    }

    /// Older servers read `1a` as two tokens, newer ones not at all.
    fn check_gap(&self, what: &str) -> Result<(), Fault> {
        match self.peek() {
            Some(c) if is_name_part(c) || c == '.' => {
                Err(Fault::new(self.at, format!("something follows the {what} without a space")))
            }
            _ => Ok(()),
        }
    }

    fn operator(&mut self) -> Result<Token, Fault> {
        let end = self.rest.find(|c| !OPERATOR_CHARS.contains(c)).unwrap_or(self.rest.len());
        let mut run = &self.rest[..end];
        if let Some(comment) = [run.find("--"), run.find("/*")].into_iter().flatten().min() {
            run = &run[..comment];
        }
        let may_end_so = run.contains(|c| MAKES_LONGER.contains(c));
        while run.len() > 1 && run.ends_with(['+', '-']) && !may_end_so {
            run = &run[..run.len() - 1];
        }
        let operator = self.take(run.len());
        Ok(Token::Operator(if operator == "!=" { "<>" } else { operator }.to_owned()))
    }
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_name_part(c: char) -> bool {
    is_name_start(c) || c.is_ascii_digit() || c == '$'
}
