//! Types' names, as casts and typed literals have them.

use super::grammar::Parser;
use super::token::Token;
use super::words::{RESERVED, built_in_type};
use super::{Fault, TypeName};

impl Parser {
    pub(super) fn type_name(&mut self) -> Result<TypeName, Fault> {
        let at = self.at();
        let (built_in, parts) = match self.two_words() {
            Some(built_in) => (Some(built_in), Vec::new()),
            None => self.one_name()?,
        };
        if self.is_mark("(") {
            let fault = Fault::new(self.at(), "a type's length or precision has no place here");
            return Err(fault.instead("the type without it"));
        }
        let mut is_array = false;
        while self.take_mark("[") {
            if let Token::Number(_) = self.peek() {
                self.advance();
            }
            self.expect_mark("]")?;
            is_array = true;
        }
        Ok(TypeName { at, built_in, parts, is_array })
    }

    /// `date '2026-11-20'`: a type's name right before a string.
    pub(super) fn typed_literal(&mut self) -> Option<TypeName> {
        let start = self.mark_place();
        let is_built_in = |name: &TypeName| name.built_in.is_some() && !name.is_array;
        let name = self.type_name().ok().filter(is_built_in);
        if name.is_none() || !matches!(self.peek(), Token::String(_)) {
            self.return_to(start);
            return None;
        }
        name
    }

    fn two_words(&mut self) -> Option<&'static str> {
        const LONG: [(&[&str], &str); 7] = [
            (&["double", "precision"], "double precision"),
            (&["character", "varying"], "character varying"),
            (&["char", "varying"], "character varying"),
            (&["timestamp", "without", "time", "zone"], "timestamp without time zone"),
            (&["timestamp", "with", "time", "zone"], "timestamp with time zone"),
            (&["time", "without", "time", "zone"], "time without time zone"),
            (&["time", "with", "time", "zone"], "time with time zone"),
        ];
        let found = LONG.into_iter().find(|(words, _)| self.take_words(words));
        found.map(|(_, printed)| printed)
    }

    fn one_name(&mut self) -> Result<(Option<&'static str>, Vec<String>), Fault> {
        let mut parts = Vec::new();
        let mut built_in = None;
        loop {
            match self.peek().clone() {
                Token::Word(word) if !RESERVED.contains(&word.as_str()) => {
                    built_in = built_in_type(&word);
                    parts.push(word);
                }
                Token::Quoted(name) => parts.push(name),
                _ => return self.unexpected("a type's name"),
            }
            self.advance();
            if !self.take_mark(".") {
                let alone = parts.len() == 1;
                return Ok((built_in.filter(|_| alone), parts));
            }
        }
    }
}
