//! Functions: those listed here, and no others.

use super::convert::printed;
use super::typed::{Typed, check_equality, check_order, keep_explicit};
use super::{Checked, Checker};
use crate::catalog::{DataType, Scalar};
use crate::predicate::Fault;
use crate::predicate::ast::{Function, INT4, Relation, TEXT, Term, Test};
use crate::predicate::parse::Syntax;

impl Checker<'_> {
    pub fn call(&mut self, at: usize, name: &str, arguments: &[Syntax]) -> Checked {
        if !KNOWN.iter().any(|(known, _)| *known == name) {
            let fault = Fault::new(at, format!("the function {name} isn't available here"));
            return Err(match crate::catalog::nearest(name, KNOWN.iter().map(|(name, _)| *name)) {
                Some(near) => fault.instead(near),
                None => fault,
            });
        }
        let given = arguments.len();
        if !KNOWN
            .iter()
            .any(|(known, takes)| *known == name && (takes.is_none() || *takes == Some(given)))
        {
            let reason = format!("{name} doesn't take this number of arguments: {given}");
            return Err(Fault::new(at, reason));
        }
        let checked = arguments.iter().map(|argument| self.check(argument));
        let arguments = checked.collect::<Result<Vec<_>, _>>()?;
        self.known(at, name, arguments)
    }

    fn known(&mut self, at: usize, name: &str, arguments: Vec<Typed>) -> Checked {
        if arguments.is_empty() {
            return Err(Fault::new(at, format!("{name} needs arguments")));
        }
        match name {
            "coalesce" => return self.coalesce(at, arguments),
            "greatest" | "least" => return self.extreme(at, name == "greatest", arguments),
            _ => {}
        }
        let mut arguments = arguments.into_iter();
        match (arguments.next(), arguments.next()) {
            (Some(of), None) => self.of_one(at, name, of),
            (Some(left), Some(right)) => match name {
                "nullif" => self.null_if(at, left, right),
                "starts_with" => self.starts_with(at, left, right),
                _ => self.array_length(at, left, right),
            },
            _ => Err(Fault::new(at, format!("{name} needs arguments"))),
        }
    }

    fn of_one(&mut self, at: usize, name: &str, of: Typed) -> Checked {
        match name {
            "length" => self.length(at, of),
            "cardinality" => {
                let array = self.array_argument(of)?;
                Ok(Typed::term(at, Term::Call(Function::Cardinality, vec![array], INT4), INT4))
            }
            "lower" => self.folded(at, Function::Lower, of),
            _ => self.folded(at, Function::Upper, of),
        }
    }

    fn length(&mut self, at: usize, of: Typed) -> Checked {
        let own = match of.data_type() {
            None => TEXT,
            Some(own @ DataType::Scalar(Scalar::Text(_) | Scalar::Char(_) | Scalar::Bytea)) => {
                own.clone()
            }
            Some(other) => return Err(unfit(of.at, "length", other)),
        };
        let term = self.coerce(of, &own)?;
        Ok(Typed::term(at, Term::Call(Function::Length, vec![term], INT4), INT4))
    }

    fn folded(&mut self, at: usize, function: Function, of: Typed) -> Checked {
        let derived = of.derived();
        let term = self.text_argument(of)?;
        check_order(at, derived, "which letter is whose capital")?;
        let term = keep_explicit(derived, term);
        let term = Term::Call(function, vec![term], TEXT);
        Ok(Typed::collated(at, term, TEXT, derived))
    }

    fn starts_with(&mut self, at: usize, left: Typed, right: Typed) -> Checked {
        let derived = left.derived().with(right.derived());
        check_equality(at, derived)?;
        let left = keep_explicit(derived, self.text_argument(left)?);
        let right = keep_explicit(derived, self.text_argument(right)?);
        Ok(Typed::test(at, Test::Has(Relation::StartsWith, left, right)))
    }

    fn array_length(&mut self, at: usize, array: Typed, dimension: Typed) -> Checked {
        let array = self.array_argument(array)?;
        match dimension.data_type() {
            None | Some(DataType::Scalar(Scalar::Int2 | Scalar::Int4)) => {}
            Some(other) => return Err(unfit(dimension.at, "array_length", other)),
        }
        let dimension = self.coerce(dimension, &INT4)?;
        let arguments = vec![array, dimension];
        Ok(Typed::term(at, Term::Call(Function::ArrayLength, arguments, INT4), INT4))
    }

    /// Text; char(n) loses its trailing spaces.
    fn text_argument(&mut self, of: Typed) -> Result<Term, Fault> {
        match of.data_type() {
            None | Some(DataType::Scalar(Scalar::Text(_) | Scalar::Char(_))) => {
                self.coerce(of, &TEXT)
            }
            Some(_) => Err(Fault::new(of.at, "text is expected here").instead("a cast: …::text")),
        }
    }

    fn array_argument(&mut self, of: Typed) -> Result<Term, Fault> {
        match of.data_type().cloned() {
            Some(array @ DataType::Array(_)) => self.coerce(of, &array),
            Some(_) => Err(Fault::new(of.at, "an array is expected here")),
            None => Err(Fault::new(of.at, "its type isn't clear").instead("a cast: …::text[]")),
        }
    }
}

/// Each with the number of its arguments; none: at least one.
const KNOWN: [(&str, Option<usize>); 10] = [
    ("array_length", Some(2)),
    ("cardinality", Some(1)),
    ("coalesce", None),
    ("greatest", None),
    ("least", None),
    ("length", Some(1)),
    ("lower", Some(1)),
    ("nullif", Some(2)),
    ("starts_with", Some(2)),
    ("upper", Some(1)),
];

fn unfit(at: usize, name: &str, of: &DataType) -> Fault {
    Fault::new(at, format!("{name} doesn't take the type {}", printed(of)))
}
