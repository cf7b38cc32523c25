//! What an operator makes of its left side.

use super::grammar::{Holds, Parser};
use super::token::Token;
use super::{Fault, Kind, Syntax, Test};

impl Parser {
    /// The operation that starts at the next token.
    pub(super) fn operation(&mut self, holds: Holds, left: Syntax) -> Result<Syntax, Fault> {
        let at = self.at();
        let kind = match holds {
            Holds::Or => self.chain("or", Holds::And, left).map(Kind::Or),
            Holds::And => self.chain("and", Holds::Not, left).map(Kind::And),
            Holds::Is => self.is(left),
            Holds::Range => self.range(left),
            Holds::Collate => {
                self.advance();
                let collation = self.names()?;
                Ok(Kind::Collate { operand: Box::new(left), collation })
            }
            _ => self.operator(holds, left),
        }?;
        Ok(Syntax { at, kind })
    }

    fn chain(&mut self, word: &str, next: Holds, first: Syntax) -> Result<Vec<Syntax>, Fault> {
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(self.expression(next)?);
        }
        Ok(parts)
    }

    fn is(&mut self, left: Syntax) -> Result<Kind, Fault> {
        let operand = Box::new(left);
        if self.take_word("isnull") {
            return Ok(Kind::Is { test: Test::Null, not: false, operand });
        }
        if self.take_word("notnull") {
            return Ok(Kind::Is { test: Test::Null, not: true, operand });
        }
        self.expect_word("is")?;
        let not = self.take_word("not");
        if self.take_words(&["distinct", "from"]) {
            let right = Box::new(self.expression(Holds::Compare)?);
            return Ok(Kind::Distinct { not, left: operand, right });
        }
        let tests = [
            ("null", Test::Null),
            ("true", Test::True),
            ("false", Test::False),
            ("unknown", Test::Unknown),
        ];
        match tests.into_iter().find(|(word, _)| self.take_word(word)) {
            Some((_, test)) => Ok(Kind::Is { test, not, operand }),
            None => self.unexpected("null, true, false, unknown or distinct from"),
        }
    }

    fn range(&mut self, left: Syntax) -> Result<Kind, Fault> {
        let not = self.take_word("not");
        let operand = Box::new(left);
        if self.take_word("in") {
            return self.in_list(not, operand);
        }
        if self.take_word("between") {
            return self.between(not, operand);
        }
        let any_case = self.take_word("ilike");
        if !any_case && !self.take_word("like") {
            return self.unexpected("in, between, like or ilike");
        }
        let pattern = Box::new(self.expression(Holds::Operator)?);
        let escape = match self.take_word("escape") {
            true => Some(Box::new(self.expression(Holds::Operator)?)),
            false => None,
        };
        Ok(Kind::Like { not, any_case, operand, pattern, escape })
    }

    fn in_list(&mut self, not: bool, operand: Box<Syntax>) -> Result<Kind, Fault> {
        self.expect_mark("(")?;
        self.refuse_subquery()?;
        if self.is_mark(")") {
            return self.unexpected("a value");
        }
        Ok(Kind::In { not, operand, list: self.list(")")? })
    }

    fn between(&mut self, not: bool, operand: Box<Syntax>) -> Result<Kind, Fault> {
        let symmetric = self.take_word("symmetric");
        if !symmetric {
            self.take_word("asymmetric");
        }
        let start = self.mark_place();
        let low = self.expression(Holds::Operator)?;
        self.refuse_bare_collate(start)?;
        self.expect_word("and")?;
        let high = self.expression(Holds::Operator)?;
        Ok(Kind::Between { not, symmetric, operand, bounds: Box::new([low, high]) })
    }

    fn operator(&mut self, holds: Holds, left: Syntax) -> Result<Kind, Fault> {
        let Token::Operator(name) = self.peek().clone() else {
            return self.unexpected("an operator");
        };
        let at = self.at();
        self.advance();
        let left = Box::new(left);
        if ["any", "some", "all"].iter().any(|word| self.is_word(word)) {
            return self.quantified(at, &name, left);
        }
        let next = match holds {
            Holds::Compare => Holds::Range,
            Holds::Operator => Holds::Add,
            Holds::Add => Holds::Multiply,
            Holds::Multiply => Holds::Power,
            _ => Holds::Collate,
        };
        let right = Box::new(self.expression(next)?);
        Ok(Kind::Operator { name, left, right })
    }

    fn quantified(&mut self, at: usize, name: &str, left: Box<Syntax>) -> Result<Kind, Fault> {
        let all = self.is_word("all");
        self.advance();
        if name != if all { "<>" } else { "=" } {
            let fault = Fault::new(at, "only = any (…) and <> all (…) are understood");
            return Err(fault.instead("= any (…), <> all (…)"));
        }
        self.expect_mark("(")?;
        self.refuse_subquery()?;
        let array = Box::new(self.expression(Holds::Or)?);
        self.expect_mark(")")?;
        Ok(Kind::Quantified { all, left, array })
    }
}
