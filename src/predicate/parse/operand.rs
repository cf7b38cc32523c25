//! What stands between operators: literals, names, calls, parentheses.

use super::grammar::{Holds, Parser};
use super::token::Token;
use super::words::{RESERVED, VOLATILE};
use super::{Fault, Kind, Name, Syntax};

impl Parser {
    pub(super) fn operand(&mut self) -> Result<Syntax, Fault> {
        let at = self.at();
        let kind = match self.peek().clone() {
            Token::String(text) => self.leaf(Kind::String(text)),
            Token::Number(digits) => self.leaf(Kind::Number(digits)),
            Token::Param(digits) => self.param(&digits)?,
            Token::Mark("(") => return self.parenthesised(),
            Token::Word(word) => self.word(at, &word)?,
            Token::Quoted(name) => self.named(at, &name, true)?,
            _ => return self.unexpected("an operand"),
        };
        Ok(Syntax { at, kind })
    }

    fn leaf(&mut self, kind: Kind) -> Kind {
        self.advance();
        kind
    }

    fn param(&mut self, digits: &str) -> Result<Kind, Fault> {
        let number = digits.parse().ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| Fault::new(self.at(), "there is no such parameter"))?;
        Ok(self.leaf(Kind::Param(number)))
    }

    fn parenthesised(&mut self) -> Result<Syntax, Fault> {
        self.expect_mark("(")?;
        self.refuse_subquery()?;
        let inner = self.expression(Holds::Or)?;
        if self.is_mark(",") {
            return Err(Fault::new(self.at(), "rows of several values can't be compared here"));
        }
        self.expect_mark(")")?;
        Ok(inner)
    }

    pub(super) fn refuse_subquery(&self) -> Result<(), Fault> {
        let starts = ["select", "with", "values", "table"];
        let next_ends = matches!(self.peek_second(), Token::Operator(_) | Token::Mark(_));
        match starts.iter().any(|word| self.is_word(word)) && !next_ends {
            true => Err(Fault::new(self.at(), "subqueries have no place in a predicate")),
            false => Ok(()),
        }
    }

    fn word(&mut self, at: usize, word: &str) -> Result<Kind, Fault> {
        match word {
            "true" => return Ok(self.leaf(Kind::Bool(true))),
            "false" => return Ok(self.leaf(Kind::Bool(false))),
            "null" => return Ok(self.leaf(Kind::Null)),
            "case" => return self.case(),
            "array" => return self.array(),
            "cast" if *self.peek_second() == Token::Mark("(") => return self.cast(),
            "exists" if *self.peek_second() == Token::Mark("(") => {
                return Err(Fault::new(at, "subqueries have no place in a predicate"));
            }
            _ => {}
        }
        if VOLATILE.contains(&word) {
            let reason = format!(
                "{word} changes without the row: only constants, columns and auth may be read"
            );
            return Err(Fault::new(at, reason));
        }
        let names_a_function =
            matches!(word, "left" | "right") && *self.peek_second() == Token::Mark("(");
        if RESERVED.contains(&word) && !names_a_function {
            let fault = Fault::new(at, format!("{word} is a reserved word"));
            return Err(fault.instead(format!("\"{word}\", if a column is meant")));
        }
        if let Some(to) = self.typed_literal() {
            let operand = Box::new(self.operand()?);
            return Ok(Kind::Cast { operand, to });
        }
        self.named(at, word, false)
    }

    /// A column, `auth.…` or a call.
    fn named(&mut self, at: usize, name: &str, quoted: bool) -> Result<Kind, Fault> {
        if *self.peek_second() == Token::Mark("(") {
            self.advance();
            return self.call(at, name, quoted);
        }
        let names = self.names()?;
        if self.is_mark("(") {
            return Err(Fault::new(at, "functions are called by their bare names"));
        }
        Ok(Kind::Name(names))
    }

    fn call(&mut self, at: usize, name: &str, quoted: bool) -> Result<Kind, Fault> {
        self.expect_mark("(")?;
        if quoted {
            let fault = Fault::new(at, "functions are called by their bare names");
            return Err(fault.instead(name));
        }
        let star = matches!(self.peek(), Token::Operator(star) if star == "*");
        if star || self.is_word("distinct") || self.is_word("all") || self.is_word("variadic") {
            return Err(Fault::new(at, format!("the function {name} isn't available here")));
        }
        let arguments = self.list(")")?;
        for word in ["over", "filter", "within"] {
            if self.is_word(word) {
                return Err(Fault::new(self.at(), "a predicate looks at one row: no aggregates"));
            }
        }
        Ok(Kind::Call { name: name.to_owned(), arguments })
    }

    fn cast(&mut self) -> Result<Kind, Fault> {
        self.advance();
        self.expect_mark("(")?;
        let operand = Box::new(self.expression(Holds::Or)?);
        self.expect_word("as")?;
        let to = self.type_name()?;
        self.expect_mark(")")?;
        Ok(Kind::Cast { operand, to })
    }

    fn array(&mut self) -> Result<Kind, Fault> {
        self.advance();
        if self.is_mark("(") {
            return Err(Fault::new(self.at(), "subqueries have no place in a predicate"));
        }
        self.expect_mark("[")?;
        if self.is_mark("[") {
            return Err(Fault::new(self.at(), "only arrays of one dimension can be written")
                .instead("'{…}'"));
        }
        Ok(Kind::Array(self.list("]")?))
    }

    fn case(&mut self) -> Result<Kind, Fault> {
        self.advance();
        let operand = match self.is_word("when") {
            true => None,
            false => Some(Box::new(self.expression(Holds::Or)?)),
        };
        let mut branches = Vec::new();
        while self.take_word("when") {
            let condition = self.expression(Holds::Or)?;
            self.expect_word("then")?;
            branches.push([condition, self.expression(Holds::Or)?]);
        }
        if branches.is_empty() {
            return self.unexpected("\"when\"");
        }
        let otherwise = match self.take_word("else") {
            true => Some(Box::new(self.expression(Holds::Or)?)),
            false => None,
        };
        self.expect_word("end")?;
        Ok(Kind::Case { operand, branches, otherwise })
    }
}

impl Name {
    /// `auth` without quotes: who is asking.
    pub fn is_auth(&self) -> bool {
        !self.quoted && self.text == "auth"
    }
}
