//! Tokens → syntax, by PostgreSQL's precedences (manual 4.1.6). Comparisons don't chain.

use super::token::{Placed, Token};
use super::{Fault, Kind, Name, Syntax};
use crate::predicate::MAX_DEPTH;

/// How tightly an operator holds its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    Or,
    And,
    Not,
    Is,
    Compare,
    Range,
    Operator,
    Add,
    Multiply,
    Power,
    Collate,
}

pub(super) struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
}

impl Parser {
    pub(super) fn new(tokens: Vec<Placed>) -> Self {
        Self { tokens, next: 0, depth: 0 }
    }

    /// The whole text as one expression.
    pub(super) fn whole(mut self) -> Result<Syntax, Fault> {
        let expression = self.expression(Holds::Or)?;
        match self.peek() {
            Token::End => Ok(expression),
            _ => self.unexpected("the end"),
        }
    }

    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |placed| &placed.token)
    }

    pub(super) fn peek_second(&self) -> &Token {
        self.tokens.get(self.next + 1).map_or(&Token::End, |placed| &placed.token)
    }

    pub(super) fn at(&self) -> usize {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens.get(self.next.min(last)).map_or(1, |placed| placed.at)
    }

    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    pub(super) fn mark_place(&self) -> usize {
        self.next
    }

    pub(super) fn return_to(&mut self, place: usize) {
        self.next = place;
    }

    /// The lower bound of `between` takes `collate` in parentheses alone.
    pub(super) fn refuse_bare_collate(&self, start: usize) -> Result<(), Fault> {
        let mut open = 0_usize;
        for Placed { token, at } in &self.tokens[start..self.next] {
            match token {
                Token::Mark("(" | "[") => open += 1,
                Token::Mark(")" | "]") => open = open.saturating_sub(1),
                Token::Word(word) if word == "collate" && open == 0 => {
                    let fault = Fault::new(*at, "collate needs parentheses before \"and\"");
                    return Err(fault.instead("(… collate \"C\")"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn is_mark(&self, wanted: &str) -> bool {
        matches!(self.peek(), Token::Mark(mark) if *mark == wanted)
    }

    pub(super) fn take_mark(&mut self, wanted: &str) -> bool {
        let found = self.is_mark(wanted);
        self.next += usize::from(found);
        found
    }

    pub(super) fn expect_mark(&mut self, wanted: &str) -> Result<(), Fault> {
        match self.take_mark(wanted) {
            true => Ok(()),
            false => self.unexpected(&format!("{wanted:?}")),
        }
    }

    pub(super) fn is_word(&self, wanted: &str) -> bool {
        matches!(self.peek(), Token::Word(word) if word == wanted)
    }

    pub(super) fn take_word(&mut self, wanted: &str) -> bool {
        let found = self.is_word(wanted);
        self.next += usize::from(found);
        found
    }

    pub(super) fn take_words(&mut self, wanted: &[&str]) -> bool {
        let start = self.next;
        let found = wanted.iter().all(|word| self.take_word(word));
        if !found {
            self.next = start;
        }
        found
    }

    pub(super) fn expect_word(&mut self, wanted: &str) -> Result<(), Fault> {
        match self.take_word(wanted) {
            true => Ok(()),
            false => self.unexpected(&format!("{wanted:?}")),
        }
    }

    pub(super) fn unexpected<T>(&self, wanted: &str) -> Result<T, Fault> {
        let reason = match self.peek() {
            Token::End => format!("it ends where {wanted} is expected"),
            _ => format!("{wanted} is expected here"),
        };
        Err(Fault::new(self.at(), reason))
    }

    /// One level deeper; the only recursion is through here.
    pub(super) fn expression(&mut self, least: Holds) -> Result<Syntax, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(self.at(), format!("nested more than {MAX_DEPTH} deep")));
        }
        let found = self.climb(least);
        self.depth -= 1;
        found
    }

    fn climb(&mut self, least: Holds) -> Result<Syntax, Fault> {
        let mut left = self.prefixed(least)?;
        let mut closed_at = None;
        let mut length = 0;
        while let Some(holds) = self.next_holds().filter(|holds| *holds >= least) {
            if closed_at == Some(holds) {
                let fault = Fault::new(self.at(), "comparisons can't be chained");
                return Err(fault.instead("parentheses around one of them"));
            }
            let start = self.next;
            let chains = matches!(holds, Holds::And | Holds::Or);
            length += usize::from(!chains);
            if self.depth + length > MAX_DEPTH {
                return Err(Fault::new(self.at(), format!("nested more than {MAX_DEPTH} deep")));
            }
            left = self.operation(holds, left)?;
            closed_at = self.ends_open(holds, start).then_some(holds);
        }
        Ok(left)
    }

    /// Whether the operation before this place ends in an operand that a second operator of its kind would claim.
    fn ends_open(&self, holds: Holds, start: usize) -> bool {
        let is = |at: usize, wanted: &str| matches!(self.tokens.get(at), Some(Placed { token: Token::Word(word), .. }) if word == wanted);
        match holds {
            Holds::Compare => !is(start + 1, "any") && !is(start + 1, "all"),
            Holds::Is => is(start + 1, "distinct") || is(start + 2, "distinct"),
            Holds::Range => !is(start, "in") && !is(start + 1, "in"),
            _ => false,
        }
    }

    fn next_holds(&self) -> Option<Holds> {
        Some(match self.peek() {
            Token::Word(word) => match word.as_str() {
                "or" => Holds::Or,
                "and" => Holds::And,
                "is" | "isnull" | "notnull" => Holds::Is,
                "in" | "between" | "like" | "ilike" | "similar" => Holds::Range,
                "not" => Holds::Range,
                "collate" => Holds::Collate,
                _ => return None,
            },
            Token::Operator(operator) => match operator.as_str() {
                "<" | ">" | "=" | "<=" | ">=" | "<>" => Holds::Compare,
                "+" | "-" => Holds::Add,
                "*" | "/" | "%" => Holds::Multiply,
                "^" => Holds::Power,
                _ => Holds::Operator,
            },
            _ => return None,
        })
    }

    fn prefixed(&mut self, least: Holds) -> Result<Syntax, Fault> {
        let at = self.at();
        if self.take_word("not") {
            if least > Holds::Not {
                let fault = Fault::new(at, "\"not\" can't stand here by itself");
                return Err(fault.instead("parentheses around it: (not …)"));
            }
            let operand = Box::new(self.expression(Holds::Not)?);
            return Ok(Syntax { at, kind: Kind::Not(operand) });
        }
        match self.peek().clone() {
            Token::Operator(sign) if sign == "-" || sign == "+" => self.signed(at, &sign),
            Token::Operator(operator) => {
                Err(Fault::new(at, format!("an operand is expected before {operator}")))
            }
            _ => self.suffixed(),
        }
    }

    /// A sign belongs to a number, nothing else has one.
    fn signed(&mut self, at: usize, sign: &str) -> Result<Syntax, Fault> {
        self.advance();
        let Token::Number(digits) = self.peek().clone() else {
            return Err(Fault::new(at, "only a number may have a sign: arithmetic can fail"));
        };
        self.advance();
        if self.is_mark("::") {
            let fault = Fault::new(at, "the cast would come before the sign");
            return Err(fault.instead(format!("('{sign}{digits}')::…")));
        }
        let minus = if sign == "-" { "-" } else { "" };
        Ok(Syntax { at, kind: Kind::Number(format!("{minus}{digits}")) })
    }

    /// An operand and the casts after it.
    fn suffixed(&mut self) -> Result<Syntax, Fault> {
        let mut operand = self.operand()?;
        let mut length = 0;
        loop {
            let at = self.at();
            length += 1;
            if self.depth + length > MAX_DEPTH {
                return Err(Fault::new(at, format!("nested more than {MAX_DEPTH} deep")));
            }
            if self.take_mark("::") {
                let to = self.type_name()?;
                operand =
                    Syntax { at: operand.at, kind: Kind::Cast { operand: Box::new(operand), to } };
            } else if self.is_mark("[") {
                return Err(Fault::new(at, "elements of arrays can't be asked for")
                    .instead("… = any (array), array @> array[…]"));
            } else if self.is_mark(".") {
                return Err(Fault::new(at, "only \"auth\" has fields"));
            } else {
                return Ok(operand);
            }
        }
    }

    pub(super) fn list(&mut self, end: &'static str) -> Result<Vec<Syntax>, Fault> {
        let mut items = Vec::new();
        if self.take_mark(end) {
            return Ok(items);
        }
        loop {
            items.push(self.expression(Holds::Or)?);
            if items.len() > crate::predicate::MAX_LIST_ITEMS {
                let most = crate::predicate::MAX_LIST_ITEMS;
                return Err(Fault::new(self.at(), format!("a list may have at most {most} items")));
            }
            if self.take_mark(end) {
                return Ok(items);
            }
            self.expect_mark(",")?;
        }
    }

    /// A name and the parts after it: `auth.org.id`.
    pub(super) fn names(&mut self) -> Result<Vec<Name>, Fault> {
        let mut names = Vec::new();
        loop {
            let at = self.at();
            let (text, quoted) = match self.peek().clone() {
                Token::Word(word) => (word, false),
                Token::Quoted(name) => (name, true),
                _ => return self.unexpected("a name"),
            };
            self.advance();
            names.push(Name { at, text, quoted });
            if names.len() > MAX_DEPTH {
                return Err(Fault::new(at, format!("nested more than {MAX_DEPTH} deep")));
            }
            if !self.take_mark(".") {
                return Ok(names);
            }
        }
    }
}
