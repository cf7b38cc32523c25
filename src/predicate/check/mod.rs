//! Syntax → checked tree: names found, operators chosen as PostgreSQL's type resolution does (manual chapter 10),
//! and everything refused that could fail on some row or isn't evaluated exactly.

mod call;
mod choice;
mod compare;
mod convert;
mod lists;
mod literal;
mod name;
mod operator;
mod pattern;
mod told;
mod typed;

use super::ast::{Part, Test};
use super::parse::{Kind, Syntax};
use super::{Fault, MAX_DEPTH, MAX_NODES, Scope};
use typed::Typed;

/// Checks a whole predicate.
pub fn check(syntax: &Syntax, scope: &Scope<'_>) -> Result<Test, Fault> {
    let mut checker = Checker { scope, depth: 0, nodes: 0 };
    let typed = checker.check(syntax)?;
    let test = checker.as_test(typed)?;
    if Part::Test(&test).size() > MAX_NODES {
        return Err(too_large(syntax.at));
    }
    Ok(test)
}

fn too_large(at: usize) -> Fault {
    Fault::new(at, "the predicate is too large")
}

struct Checker<'s> {
    scope: &'s Scope<'s>,
    depth: usize,
    /// How many nodes were copied.
    nodes: usize,
}

type Checked = Result<Typed, Fault>;

impl Checker<'_> {
    fn check(&mut self, syntax: &Syntax) -> Checked {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(syntax.at, format!("nested more than {MAX_DEPTH} deep")));
        }
        let checked = self.kind(syntax);
        self.depth -= 1;
        checked
    }

    fn kind(&mut self, syntax: &Syntax) -> Checked {
        let at = syntax.at;
        match &syntax.kind {
            Kind::Name(names) => self.name(names),
            Kind::String(text) => Ok(Typed::text(at, text)),
            Kind::Number(digits) => literal::number(at, digits),
            Kind::Param(number) => self.param(at, *number),
            Kind::Null => Ok(Typed::null(at)),
            Kind::Bool(value) => Ok(Typed::test(at, Test::Constant(Some(*value)))),
            Kind::Array(items) => self.array(at, items),
            Kind::And(parts) => Ok(Typed::test(at, Test::And(self.tests(parts)?))),
            Kind::Or(parts) => Ok(Typed::test(at, Test::Or(self.tests(parts)?))),
            Kind::Not(part) => {
                let test = self.test(part)?;
                Ok(Typed::test(at, Test::Not(Box::new(test))))
            }
            Kind::Operator { name, left, right } => self.operator(at, name, left, right),
            Kind::Quantified { all, left, array } => self.quantified(at, *all, left, array),
            Kind::Is { test, not, operand } => self.is(at, *test, *not, operand),
            Kind::Distinct { not, left, right } => self.distinct(at, *not, left, right),
            Kind::In { not, operand, list } => self.in_list(at, *not, operand, list),
            Kind::Between { not, symmetric, operand, bounds } => {
                let found = self.between(at, *symmetric, operand, bounds)?;
                Ok(Typed::test(at, negated(*not, found)))
            }
            Kind::Like { not, any_case, operand, pattern, escape } => {
                let found = self.like(at, *any_case, operand, pattern, escape.as_deref())?;
                Ok(Typed::test(at, negated(*not, found)))
            }
            Kind::Cast { operand, to } => self.cast(at, operand, to),
            Kind::Collate { operand, collation } => self.collate(at, operand, collation),
            Kind::Call { name, arguments } => self.call(at, name, arguments),
            Kind::Case { operand, branches, otherwise } => {
                self.case(at, operand.as_deref(), branches, otherwise.as_deref())
            }
        }
    }

    fn test(&mut self, syntax: &Syntax) -> Result<Test, Fault> {
        let typed = self.check(syntax)?;
        self.as_test(typed)
    }

    fn tests(&mut self, parts: &[Syntax]) -> Result<Vec<Test>, Fault> {
        parts.iter().map(|part| self.test(part)).collect()
    }

    /// Counts what a copy of the operand adds.
    fn copy(&mut self, typed: &Typed) -> Checked {
        self.nodes += typed.size();
        match self.nodes > MAX_NODES {
            true => Err(too_large(typed.at)),
            false => Ok(typed.clone()),
        }
    }
}

fn negated(not: bool, test: Test) -> Test {
    if not { Test::Not(Box::new(test)) } else { test }
}
