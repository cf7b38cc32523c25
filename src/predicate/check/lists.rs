//! `in (…)`, `= any (…)`, `array[…]`.

use std::collections::BTreeSet;

use super::compare::{check_equal, operator_types};
use super::convert::{common_type, printed};
use super::typed::{Derived, Operand, Spelled, Typed};
use super::{Checked, Checker};
use crate::catalog::DataType;
use crate::predicate::Fault;
use crate::predicate::ast::{Comparison, Constant, Term, Test};
use crate::predicate::parse::Syntax;
use crate::predicate::value::Value;

impl Checker<'_> {
    /// PostgreSQL makes one array of the items that read no column, if there are several and their types and the
    /// operand's have a common one; the rest are comparisons of their own.
    pub fn in_list(&mut self, at: usize, not: bool, operand: &Syntax, list: &[Syntax]) -> Checked {
        let operand = self.check(operand)?;
        let items = list.iter().map(|item| self.check(item)).collect::<Result<Vec<_>, _>>()?;
        let (constants, rest): (Vec<Typed>, Vec<Typed>) =
            items.into_iter().partition(|item| !item.reads_a_column());
        let mut tests = Vec::new();
        if constants.len() > 1 {
            tests = self.in_array(at, &operand, constants)?;
        } else {
            self.in_each(at, &operand, constants, &mut tests)?;
        }
        self.in_each(at, &operand, rest, &mut tests)?;
        let test = Test::Whole(Box::new(Test::Or(tests)));
        Ok(Typed::test(at, super::negated(not, test)))
    }

    fn in_each(
        &mut self,
        at: usize,
        operand: &Typed,
        items: Vec<Typed>,
        tests: &mut Vec<Test>,
    ) -> Result<(), Fault> {
        for item in items {
            let operand = self.copy(operand)?;
            tests.push(self.compared(at, Comparison::Equal, operand, item)?);
        }
        Ok(())
    }

    fn in_array(
        &mut self,
        at: usize,
        operand: &Typed,
        items: Vec<Typed>,
    ) -> Result<Vec<Test>, Fault> {
        let mut all = vec![self.copy(operand)?];
        all.extend(items);
        let of = common_type(&all)?;
        let derived = all.iter().fold(Derived::Default, |so_far, one| so_far.with(one.derived()));
        let mut constants = Vec::new();
        let mut tests = Vec::new();
        for item in all.into_iter().skip(1) {
            let item_at = item.at;
            match self.coerce(item, &of)? {
                Term::Constant(Constant { value: Some(value), .. }) => constants.push(value),
                term => {
                    let item = Typed::collated(item_at, term, of.clone(), derived);
                    self.in_each(at, operand, vec![item], &mut tests)?;
                }
            }
        }
        if !constants.is_empty() {
            tests.push(self.one_of(at, operand, constants, of, derived)?);
        }
        Ok(tests)
    }

    fn one_of(
        &mut self,
        at: usize,
        operand: &Typed,
        constants: Vec<Value>,
        of: DataType,
        derived: Derived,
    ) -> Result<Test, Fault> {
        let null = Typed::collated(at, Term::null(of.clone()), of.clone(), derived);
        let operand = self.copy(operand)?;
        let sides = self.sides(at, operand, null)?;
        check_equal(at, &sides)?;
        let mut seen = BTreeSet::new();
        let fresh = |value: &Value| match crate::predicate::value::key(value) {
            Some(key) => seen.insert(format!("{key:?}")),
            None => true,
        };
        let set: Vec<Value> = constants.into_iter().filter(fresh).collect();
        Ok(Test::OneOf { item: sides.left, set: set.into(), of })
    }

    pub fn quantified(&mut self, at: usize, all: bool, left: &Syntax, array: &Syntax) -> Checked {
        let (left, array) = (self.check(left)?, self.check(array)?);
        let element = match array.data_type() {
            Some(DataType::Array(element)) => Some(DataType::Scalar(element.clone())),
            Some(other) => {
                let reason = format!("an array is expected, this is of type {}", printed(other));
                return Err(Fault::new(array.at, reason));
            }
            None => None,
        };
        let of = element.or_else(|| left.data_type().cloned());
        let of = of.unwrap_or(crate::predicate::ast::TEXT);
        let right = Typed::collated(array.at, Term::null(of.clone()), of.clone(), array.derived());
        if operator_types(at, &left, &right)?.1 != of {
            let reason = format!("elements of type {} would have to be converted", printed(&of));
            return Err(Fault::new(array.at, reason).instead("a cast of the array"));
        }
        let sides = self.sides(at, left, right)?;
        check_equal(at, &sides)?;
        let array = self.coerce(array, &array_of(at, &of)?)?;
        let test = Test::Any { item: sides.left, array };
        Ok(Typed::test(at, super::negated(all, test)))
    }

    pub fn array(&mut self, at: usize, items: &[Syntax]) -> Checked {
        if items.is_empty() {
            let fault = Fault::new(at, "an empty array has no type of its own");
            return Err(fault.instead("'{}'"));
        }
        let items = items.iter().map(|item| self.check(item)).collect::<Result<Vec<_>, _>>()?;
        let of = common_type(&items)?;
        let spelled = Spelled::of_all(&items);
        let derived = items.iter().fold(Derived::Default, |so_far, one| so_far.with(one.derived()));
        let array = array_of(at, &of)?;
        let coerce = |item| self.coerce(item, &of);
        let terms = items.into_iter().map(coerce).collect::<Result<Vec<_>, _>>()?;
        let term = Term::Array(terms, array.clone());
        Ok(Typed::collated(at, term, array, derived).spelled_as(spelled))
    }
}

fn array_of(at: usize, element: &DataType) -> Result<DataType, Fault> {
    match element {
        DataType::Scalar(scalar) => Ok(DataType::Array(scalar.clone())),
        _ => Err(Fault::new(at, "arrays of arrays can't be written").instead("'{…}'")),
    }
}

impl Typed {
    /// Whether it is untyped and no claim: its value is known as soon as its type is.
    pub fn is_open(&self) -> bool {
        matches!(self.operand, Operand::Open(_))
    }
}
