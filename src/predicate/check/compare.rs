//! Comparisons: the operator for two types, as PostgreSQL finds it (manual 10.2).

use super::convert::{printed, rank};
use super::told::check_null_is_told;
use super::typed::{Derived, Typed, check_equality, check_order, keep_explicit};
use super::{Checked, Checker};
use crate::catalog::{DataType, Scalar};
use crate::predicate::Fault;
use crate::predicate::ast::{Comparison, TEXT, Term, Test};
use crate::predicate::parse::{Syntax, Test as IsTest};

/// The two sides as the operator takes them.
pub struct Sides {
    pub left: Term,
    pub right: Term,
    pub collation: Derived,
    /// The type of the left side there.
    pub of: DataType,
}

impl Checker<'_> {
    pub fn comparison(
        &mut self,
        at: usize,
        comparison: Comparison,
        left: &Syntax,
        right: &Syntax,
    ) -> Checked {
        let (left, right) = (self.check(left)?, self.check(right)?);
        Ok(Typed::test(at, self.compared(at, comparison, left, right)?))
    }

    pub fn compared(
        &mut self,
        at: usize,
        comparison: Comparison,
        left: Typed,
        right: Typed,
    ) -> Result<Test, Fault> {
        let sides = self.sides(at, left, right)?;
        match comparison {
            Comparison::Equal | Comparison::NotEqual => check_equal(at, &sides)?,
            _ => check_ordered(at, &sides)?,
        }
        Ok(Test::Compare(comparison, sides.left, sides.right))
    }

    /// Converts both sides to what their operator takes.
    pub fn sides(&mut self, at: usize, left: Typed, right: Typed) -> Result<Sides, Fault> {
        let collation = left.derived().with(right.derived());
        let (left_type, right_type) = operator_types(at, &left, &right)?;
        let left = keep_explicit(collation, self.coerce(left, &left_type)?);
        let right = keep_explicit(collation, self.coerce(right, &right_type)?);
        Ok(Sides { left, right, collation, of: left_type })
    }

    pub fn distinct(&mut self, at: usize, not: bool, left: &Syntax, right: &Syntax) -> Checked {
        let (left, right) = (self.check(left)?, self.check(right)?);
        let sides = self.sides(at, left, right)?;
        check_equal(at, &sides)?;
        let Sides { left, right, .. } = sides;
        check_null_is_told(at, &[&left, &right])?;
        Ok(Typed::test(at, Test::Distinct { not, left, right }))
    }

    pub fn is(&mut self, at: usize, test: IsTest, not: bool, operand: &Syntax) -> Checked {
        let operand = self.check(operand)?;
        let found = match test {
            IsTest::Null => {
                let of = operand.data_type().cloned().unwrap_or(TEXT);
                let term = self.coerce(operand, &of)?;
                check_null_is_told(at, &[&term])?;
                Test::IsNull(term)
            }
            _ => Test::Is(test, Box::new(self.as_test(operand)?)),
        };
        Ok(Typed::test(at, super::negated(not, found)))
    }

    pub fn between(
        &mut self,
        at: usize,
        symmetric: bool,
        operand: &Syntax,
        bounds: &[Syntax; 2],
    ) -> Result<Test, Fault> {
        let operand = self.check(operand)?;
        let [low, high] = [self.check(&bounds[0])?, self.check(&bounds[1])?];
        let one = self.within(at, &operand, &low, &high)?;
        let test = match symmetric {
            true => Test::Or(vec![one, self.within(at, &operand, &high, &low)?]),
            false => one,
        };
        Ok(Test::Whole(Box::new(test)))
    }

    fn within(
        &mut self,
        at: usize,
        operand: &Typed,
        low: &Typed,
        high: &Typed,
    ) -> Result<Test, Fault> {
        let (first, second) = (self.copy(operand)?, self.copy(operand)?);
        let (low, high) = (self.copy(low)?, self.copy(high)?);
        let above = self.compared(at, Comparison::GreaterOrEqual, first, low)?;
        let below = self.compared(at, Comparison::LessOrEqual, second, high)?;
        Ok(Test::And(vec![above, below]))
    }
}

/// Equality of this type can be told.
pub fn check_equal(at: usize, sides: &Sides) -> Result<(), Fault> {
    comparable(at, &sides.of)?;
    check_equality(at, sides.collation)
}

/// So can the order.
pub fn check_ordered(at: usize, sides: &Sides) -> Result<(), Fault> {
    comparable(at, &sides.of)?;
    match sides.of {
        DataType::Scalar(Scalar::Text(_) | Scalar::Char(_)) => {
            check_order(at, sides.collation, "the order of text")
        }
        DataType::Scalar(Scalar::Jsonb) => {
            let reason = "the order of jsonb depends on the server's collation";
            Err(Fault::new(at, reason).instead("(… ->> 'key') collate \"C\" < '…'"))
        }
        _ => Ok(()),
    }
}

fn comparable(at: usize, of: &DataType) -> Result<(), Fault> {
    match of {
        DataType::Scalar(Scalar::Json) => {
            let fault = Fault::new(at, "the type json has no comparisons");
            Err(fault.instead("… ->> 'key' = '…'"))
        }
        DataType::Other => {
            let fault = Fault::new(at, "a domain over an enum has no operators of its own");
            Err(fault.instead("a cast to the enum"))
        }
        DataType::Array(_) => {
            let reason = "arrays can't be compared: their lower bounds aren't in the log";
            Err(Fault::new(at, reason).instead("a @> b and a <@ b"))
        }
        _ => Ok(()),
    }
}

/// The types that the operator takes at its left and its right.
pub fn operator_types(
    at: usize,
    left: &Typed,
    right: &Typed,
) -> Result<(DataType, DataType), Fault> {
    for side in [left, right] {
        if let Some(DataType::Other) = side.data_type() {
            let fault = Fault::new(side.at, "a domain over an enum has no operators of its own");
            return Err(fault.instead("a cast to the enum"));
        }
    }
    let (one, other) = match (left.data_type(), right.data_type()) {
        (None, None) => return Ok((TEXT, TEXT)),
        (Some(of), None) | (None, Some(of)) => return Ok((of.clone(), of.clone())),
        (Some(one), Some(other)) => (one, other),
    };
    if one == other {
        return Ok((one.clone(), other.clone()));
    }
    let none = || no_operator(at, one, other);
    let (DataType::Scalar(a), DataType::Scalar(b)) = (one, other) else { return Err(none()) };
    match (a, b) {
        (Scalar::Text(_), Scalar::Char(_)) | (Scalar::Char(_), Scalar::Text(_)) => {
            Err(text_and_char(at))
        }
        (Scalar::Date, Scalar::Timestamp) | (Scalar::Timestamp, Scalar::Date) => {
            Ok((one.clone(), other.clone()))
        }
        _ => match (rank(a), rank(b)) {
            (Some(a), Some(b)) => Ok(number_types((a, one), (b, other))),
            _ => Err(none()),
        },
    }
}

/// `varchar` with `char(n)` is compared as char(n), `text` with it as text: the catalog doesn't tell which it is.
fn text_and_char(at: usize) -> Fault {
    Fault::new(at, "whether trailing spaces count depends on the text's type")
        .instead("a cast of both sides: …::text")
}

const FLOAT8: DataType = DataType::Scalar(Scalar::Float8);
const INT8_RANK: u8 = 2;
const NUMERIC_RANK: u8 = 3;

fn number_types((a, one): (u8, &DataType), (b, other): (u8, &DataType)) -> (DataType, DataType) {
    match a.max(b) {
        ..=INT8_RANK => (one.clone(), other.clone()),
        NUMERIC_RANK => (DataType::Scalar(Scalar::Numeric), DataType::Scalar(Scalar::Numeric)),
        _ => {
            let as_float = |rank: u8, of: &DataType| {
                if rank > NUMERIC_RANK { of.clone() } else { FLOAT8 }
            };
            (as_float(a, one), as_float(b, other))
        }
    }
}

pub fn no_operator(at: usize, left: &DataType, right: &DataType) -> Fault {
    let (left, right) = (printed(left), printed(right));
    Fault::new(at, format!("there is no such operator for {left} and {right}"))
        .instead(format!("a cast: …::{left}"))
}
