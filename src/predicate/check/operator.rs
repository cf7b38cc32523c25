//! Binary operators, by their names.

use super::compare::no_operator;
use super::convert::printed;
use super::typed::{Spelled, Typed, check_equality, keep_explicit};
use super::{Checked, Checker};
use crate::catalog::{DataType, Scalar};
use crate::predicate::Fault;
use crate::predicate::ast::{Comparison, Function, INT4, Part, Relation, TEXT, Term, Test};
use crate::predicate::evaluate::NoRow;
use crate::predicate::parse::Syntax;

const JSON: DataType = DataType::Scalar(Scalar::Json);
const JSONB: DataType = DataType::Scalar(Scalar::Jsonb);
const BYTEA: DataType = DataType::Scalar(Scalar::Bytea);

impl Checker<'_> {
    pub fn operator(&mut self, at: usize, name: &str, left: &Syntax, right: &Syntax) -> Checked {
        let comparison = match name {
            "=" => Some(Comparison::Equal),
            "<>" => Some(Comparison::NotEqual),
            "<" => Some(Comparison::Less),
            "<=" => Some(Comparison::LessOrEqual),
            ">" => Some(Comparison::Greater),
            ">=" => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparison) = comparison {
            return self.comparison(at, comparison, left, right);
        }
        match name {
            "~" | "~*" | "!~" | "!~*" => self.regex(at, name, left, right),
            "~~" | "~~*" | "!~~" | "!~~*" => self.like_operator(at, name, left, right),
            "||" | "->" | "->>" | "#>" | "#>>" | "@>" | "<@" | "&&" | "?" | "?|" | "?&" => {
                let (left, right) = (self.check(left)?, self.check(right)?);
                self.of_values(at, name, left, right)
            }
            "+" | "-" | "*" | "/" | "%" | "^" => {
                Err(Fault::new(at, "arithmetic can fail for some row: it isn't available here"))
            }
            _ => Err(Fault::new(at, format!("the operator {name} isn't available here"))),
        }
    }

    fn of_values(&mut self, at: usize, name: &str, left: Typed, right: Typed) -> Checked {
        match name {
            "||" => self.concat(at, left, right),
            "->" => self.json_step(at, left, right, Function::JsonAt),
            "->>" => self.json_step(at, left, right, Function::JsonAtText),
            "#>" => self.json_path(at, Function::JsonAtPath, left, right),
            "#>>" => self.json_path(at, Function::JsonAtPathText, left, right),
            "@>" => self.contains(at, Relation::Contains, left, right),
            "<@" => self.contains(at, Relation::ContainedBy, left, right),
            "&&" => self.contains(at, Relation::Overlaps, left, right),
            "?" => self.has_key(at, Relation::HasKey, left, right, TEXT),
            "?|" => self.has_key(at, Relation::HasAnyKey, left, right, texts()),
            _ => self.has_key(at, Relation::HasAllKeys, left, right, texts()),
        }
    }

    fn concat(&mut self, at: usize, left: Typed, right: Typed) -> Checked {
        let derived = left.derived().with(right.derived());
        if let Some(DataType::Array(_)) = left.data_type().or(right.data_type()) {
            return self.concat_arrays(at, left, right);
        }
        let of = match (left.data_type(), right.data_type()) {
            (Some(of), _) | (None, Some(of)) if *of == BYTEA => BYTEA,
            (Some(of), None) | (None, Some(of)) if !is_text(of) => {
                return Err(Fault::new(at, "|| is for text and bytea").instead("a cast: …::text"));
            }
            _ => TEXT,
        };
        for side in [&left, &right] {
            if side.data_type().is_some_and(|side| *side != of && !(of == TEXT && is_text(side))) {
                return Err(Fault::new(side.at, "|| is for two texts").instead("a cast: …::text"));
            }
        }
        let terms = vec![self.coerce(left, &of)?, self.coerce(right, &of)?];
        Ok(Typed::collated(at, Term::Call(Function::Concat, terms, of.clone()), of, derived))
    }

    /// Arrays of a column may have any dimensions, and not all go together: constants alone are concatenated.
    fn concat_arrays(&mut self, at: usize, left: Typed, right: Typed) -> Checked {
        let of = match (left.data_type(), right.data_type()) {
            (Some(one), Some(other)) if one == other => one.clone(),
            _ => return Err(Fault::new(at, "|| is for two arrays of one type")),
        };
        self.same_spelling(at, &of, &left, &right)?;
        let (derived, spelled) = (left.derived().with(right.derived()), left.spelled());
        let terms = vec![self.coerce(left, &of)?, self.coerce(right, &of)?];
        // An array and NULL is the array: unlike other operators, this one isn't strict.
        let is_null = |term: &Term| matches!(term.evaluate(&NoRow), Ok(None));
        if terms.iter().any(is_null) {
            return Err(Fault::new(at, "|| is for two arrays, and one is null"));
        }
        let term = Term::Call(Function::Concat, terms, of.clone());
        if !Part::Term(&term).is_closed() || term.evaluate(&NoRow).is_err() {
            let reason = "arrays of some rows can't be concatenated: it isn't available here";
            return Err(Fault::new(at, reason));
        }
        Ok(Typed::collated(at, term, of, derived).spelled_as(spelled))
    }

    fn json_step(&mut self, at: usize, left: Typed, right: Typed, function: Function) -> Checked {
        let of = self.json_type(at, &left, &right)?;
        let step = match right.data_type() {
            None => TEXT,
            Some(step) if *step == TEXT || *step == INT4 => step.clone(),
            Some(DataType::Scalar(Scalar::Int2)) => INT4,
            Some(step) => return Err(no_operator(at, &of, step)),
        };
        let terms = vec![self.coerce(left, &of)?, self.coerce(right, &step)?];
        let result = if function == Function::JsonAt { of } else { TEXT };
        Ok(Typed::term(at, Term::Call(function, terms, result.clone()), result))
    }

    fn json_path(&mut self, at: usize, function: Function, left: Typed, right: Typed) -> Checked {
        let of = self.json_type(at, &left, &right)?;
        if let Some(path) = right.data_type().filter(|path| **path != texts()) {
            return Err(no_operator(at, &of, path));
        }
        let terms = vec![self.coerce(left, &of)?, self.coerce(right, &texts())?];
        let result = if function == Function::JsonAtPath { of } else { TEXT };
        Ok(Typed::term(at, Term::Call(function, terms, result.clone()), result))
    }

    fn json_type(&self, at: usize, left: &Typed, right: &Typed) -> Result<DataType, Fault> {
        match left.data_type() {
            Some(of) if *of == JSON || *of == JSONB => Ok(of.clone()),
            Some(of) => {
                let right = right.data_type().map_or_else(|| "text".to_owned(), printed);
                let left = printed(of);
                let reason = format!("there is no such operator for {left} and {right}");
                Err(Fault::new(at, reason))
            }
            None => Err(Fault::new(left.at, "its type isn't clear").instead("a cast: …::jsonb")),
        }
    }

    /// `@>`, `<@`, `&&`: two arrays of one type, or two jsonb.
    fn contains(&mut self, at: usize, relation: Relation, left: Typed, right: Typed) -> Checked {
        let derived = left.derived().with(right.derived());
        let of = match (left.data_type(), right.data_type()) {
            (None, None) => {
                return Err(Fault::new(at, "its type isn't clear").instead("a cast: …::jsonb"));
            }
            (Some(of), None) | (None, Some(of)) => of.clone(),
            (Some(one), Some(other)) if one == other => one.clone(),
            (Some(one), Some(other)) => return Err(no_operator(at, one, other)),
        };
        match &of {
            DataType::Array(Scalar::Json) => return Err(no_operator(at, &of, &of)),
            DataType::Array(_) => check_equality(at, derived)?,
            DataType::Scalar(Scalar::Jsonb) if relation != Relation::Overlaps => {}
            _ => return Err(no_operator(at, &of, &of)),
        }
        self.same_spelling(at, &of, &left, &right)?;
        let as_texts = |typed: &Typed| of == texts() && typed.spelled() != Spelled::Text;
        let (cast_left, cast_right) = (as_texts(&left), as_texts(&right));
        let left = keep_explicit(derived, self.coerce(left, &of)?);
        let right = keep_explicit(derived, self.coerce(right, &of)?);
        let (left, right) = (cast_texts(left, cast_left), cast_texts(right, cast_right));
        Ok(Typed::test(at, Test::Has(relation, left, right)))
    }

    /// `varchar[]` and `text[]` have no operators in common.
    fn same_spelling(
        &self,
        at: usize,
        of: &DataType,
        left: &Typed,
        right: &Typed,
    ) -> Result<(), Fault> {
        let alike = left.spelled() == right.spelled() && left.spelled() != Spelled::Unsure;
        if *of != texts() || left.is_open() || right.is_open() || alike {
            return Ok(());
        }
        let reason = "arrays of text and of varchar don't go together";
        Err(Fault::new(at, reason).instead("a cast of both sides: …::text[]"))
    }

    fn has_key(
        &mut self,
        at: usize,
        relation: Relation,
        left: Typed,
        right: Typed,
        keys: DataType,
    ) -> Checked {
        if relation == Relation::HasAnyKey && left.is_open() && right.is_open() {
            return Err(Fault::new(at, "its type isn't clear").instead("a cast: …::jsonb"));
        }
        for (side, wanted) in [(&left, &JSONB), (&right, &keys)] {
            if side.data_type().is_some_and(|of| of != wanted) {
                let reason = format!("{} is expected here", printed(wanted));
                return Err(
                    Fault::new(side.at, reason).instead(format!("a cast: …::{}", printed(wanted)))
                );
            }
        }
        let (left, right) = (self.coerce(left, &JSONB)?, self.coerce(right, &keys)?);
        Ok(Typed::test(at, Test::Has(relation, left, right)))
    }
}

/// As `text[]`, which constants are printed as.
fn cast_texts(term: Term, needed: bool) -> Term {
    match (needed, &term) {
        (false, _) | (_, Term::Constant(_) | Term::Claim { .. }) => term,
        _ => Term::Cast { how: None, to: texts(), of: Box::new(term) },
    }
}

fn texts() -> DataType {
    DataType::Array(Scalar::Text(crate::catalog::Collation::Deterministic))
}

fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Scalar(Scalar::Text(_) | Scalar::Char(_)))
}
