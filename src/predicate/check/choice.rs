//! `case`, `coalesce`, `nullif`, `greatest`, `least`.

use super::compare::{Sides, check_equal, check_ordered};
use super::convert::common_type;
use super::told::check_null_is_told;
use super::typed::{Derived, Spelled, Typed, keep_explicit};
use super::{Checked, Checker};
use crate::catalog::DataType;
use crate::predicate::Fault;
use crate::predicate::ast::{Comparison, TEXT, Term, Test};
use crate::predicate::parse::Syntax;

impl Checker<'_> {
    pub fn case(
        &mut self,
        at: usize,
        operand: Option<&Syntax>,
        branches: &[[Syntax; 2]],
        otherwise: Option<&Syntax>,
    ) -> Checked {
        let operand = operand.map(|operand| self.case_operand(operand)).transpose()?;
        let mut conditions = Vec::new();
        let mut results = Vec::new();
        for [condition, result] in branches {
            conditions.push(self.case_condition(operand.as_ref(), condition)?);
            results.push(self.check(result)?);
        }
        // PostgreSQL looks at `else` first where it chooses the type.
        let otherwise = match otherwise {
            Some(otherwise) => self.check(otherwise)?,
            None => Typed::null(at),
        };
        results.insert(0, otherwise);
        let spelled = Spelled::of_all(&results);
        let (mut terms, of, collation) = self.unified(results)?;
        let otherwise = Box::new(terms.remove(0));
        let branches = conditions.into_iter().zip(terms).collect();
        let term = Term::Case { branches, otherwise, of: of.clone() };
        Ok(Typed::collated(at, term, of, collation).spelled_as(spelled))
    }

    /// An untyped one is text, whatever it is compared with.
    fn case_operand(&mut self, operand: &Syntax) -> Checked {
        let typed = self.check(operand)?;
        if !typed.is_open() {
            return Ok(typed.implied());
        }
        Ok(Typed::term(typed.at, self.coerce(typed, &TEXT)?, TEXT))
    }

    fn case_condition(
        &mut self,
        operand: Option<&Typed>,
        condition: &Syntax,
    ) -> Result<Test, Fault> {
        let Some(operand) = operand else { return self.test(condition) };
        let operand = self.copy(operand)?;
        let value = self.check(condition)?;
        self.compared(condition.at, Comparison::Equal, operand, value)
    }

    pub fn coalesce(&mut self, at: usize, arguments: Vec<Typed>) -> Checked {
        let spelled = Spelled::of_all(&arguments);
        let (terms, of, collation) = self.unified(arguments)?;
        check_null_is_told(at, &terms.iter().collect::<Vec<_>>())?;
        let term = Term::Coalesce(terms, of.clone());
        Ok(Typed::collated(at, term, of, collation).spelled_as(spelled))
    }

    pub fn extreme(&mut self, at: usize, greatest: bool, arguments: Vec<Typed>) -> Checked {
        let spelled = Spelled::of_all(&arguments);
        let (among, of, collation) = self.unified(arguments)?;
        let null = Term::null(of.clone());
        check_ordered(at, &Sides { left: null.clone(), right: null, collation, of: of.clone() })?;
        let among = among.into_iter().map(|term| keep_explicit(collation, term)).collect();
        let term = Term::Extreme { greatest, among, of: of.clone() };
        Ok(Typed::collated(at, term, of, collation).spelled_as(spelled))
    }

    pub fn null_if(&mut self, at: usize, left: Typed, right: Typed) -> Checked {
        let spelled = left.spelled();
        let sides = self.sides(at, left, right)?;
        check_equal(at, &sides)?;
        let Sides { left, right, collation, of } = sides;
        check_null_is_told(at, &[&left, &right])?;
        let term = Term::NullIf(Box::new([left, right]), of.clone());
        Ok(Typed::collated(at, term, of, collation).spelled_as(spelled))
    }

    fn unified(&mut self, typed: Vec<Typed>) -> Result<(Vec<Term>, DataType, Derived), Fault> {
        let of = common_type(&typed)?;
        let derived = typed.iter().fold(Derived::Default, |so_far, one| so_far.with(one.derived()));
        let coerce = |one| self.coerce(one, &of);
        let terms = typed.into_iter().map(coerce).collect::<Result<Vec<_>, _>>()?;
        Ok((terms, of, derived))
    }
}
