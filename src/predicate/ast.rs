//! The checked tree: every operand has its type, every operator is the one that PostgreSQL would choose.

use std::sync::Arc;

use super::parse::Test as IsTest;
use super::set::Set;
use super::value::{Cast, Like, Regex, Value};
use crate::catalog::{Collation, DataType, Scalar};

/// What is true, false or null.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    Constant(Option<bool>),
    /// A claim couldn't be converted: not true, whatever is made of it. None is left in a bound tree.
    Failed,
    /// A column, or another term, of type boolean.
    Term(Term),
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Compare(Comparison, Term, Term),
    /// `is [not] distinct from`
    Distinct {
        not: bool,
        left: Term,
        right: Term,
    },
    IsNull(Term),
    /// `is true`, `is false`, `is unknown`
    Is(IsTest, Box<Test>),
    /// `item in (constants)`; the constants' type comes with them.
    OneOf {
        item: Term,
        set: Set,
        of: DataType,
    },
    /// `item = any (array)`
    Any {
        item: Term,
        array: Term,
    },
    Like {
        text: Term,
        pattern: Pattern,
    },
    /// `in`, `between`: made of several conditions, but a claim that fails in one fails it all. None is left in a
    /// bound tree.
    Whole(Box<Test>),
    /// With two arguments, none of them null.
    Has(Relation, Term, Term),
}

/// A value, or null.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    Constant(Constant),
    Column(ColumnAt),
    /// `auth.…`; none is left in a bound tree.
    Claim {
        path: Vec<String>,
        of: DataType,
    },
    /// A cast that can't fail; one that changes nothing has no `how`.
    Cast {
        how: Option<Cast>,
        to: DataType,
        of: Box<Term>,
    },
    Collate(Box<Term>),
    Call(Function, Vec<Term>, DataType),
    Case {
        branches: Vec<(Test, Term)>,
        otherwise: Box<Term>,
        of: DataType,
    },
    Coalesce(Vec<Term>, DataType),
    NullIf(Box<[Term; 2]>, DataType),
    /// `greatest`, `least`: nulls don't count.
    Extreme {
        greatest: bool,
        among: Vec<Term>,
        of: DataType,
    },
    Array(Vec<Term>, DataType),
    Test(Box<Test>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constant {
    pub value: Option<Value>,
    pub of: DataType,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ColumnAt {
    pub at: usize,
    pub name: Arc<str>,
    pub of: DataType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a pattern is matched as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    Like {
        like: Like,
        written: LikeText,
    },
    Regex {
        regex: Regex,
        pattern: String,
        any_case: bool,
    },
    /// `like null`
    Null,
}

/// A `like` as it was written, to print it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LikeText {
    pub pattern: String,
    pub escape: Option<String>,
    pub any_case: bool,
}

/// Operators and functions that answer yes or no, and whose arguments aren't null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    Contains,
    ContainedBy,
    Overlaps,
    HasKey,
    HasAnyKey,
    HasAllKeys,
    StartsWith,
}

/// Operators and functions that make a value of values that aren't null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    Concat,
    JsonAt,
    JsonAtText,
    JsonAtPath,
    JsonAtPathText,
    Length,
    Lower,
    Upper,
    ArrayLength,
    Cardinality,
}

pub const BOOL: DataType = DataType::Scalar(Scalar::Bool);
pub const INT4: DataType = DataType::Scalar(Scalar::Int4);
pub const TEXT: DataType = DataType::Scalar(Scalar::Text(Collation::Deterministic));

impl Constant {
    pub fn null(of: DataType) -> Self {
        Self { value: None, of }
    }
}

impl Term {
    pub fn null(of: DataType) -> Self {
        Term::Constant(Constant::null(of))
    }

    pub fn data_type(&self) -> DataType {
        match self {
            Term::Constant(Constant { of, .. }) | Term::Claim { of, .. } => of.clone(),
            Term::Column(column) => column.of.clone(),
            Term::Cast { to, .. } => to.clone(),
            Term::Collate(inner) => inner.data_type(),
            Term::Call(_, _, of)
            | Term::Case { of, .. }
            | Term::Coalesce(_, of)
            | Term::NullIf(_, of)
            | Term::Extreme { of, .. }
            | Term::Array(_, of) => of.clone(),
            Term::Test(_) => BOOL,
        }
    }

    /// Calls `see` with every term and test right below this one.
    pub fn each_part<'t>(&'t self, see: &mut dyn FnMut(Part<'t>)) {
        match self {
            Term::Constant(_) | Term::Column(_) | Term::Claim { .. } => {}
            Term::Cast { of, .. } | Term::Collate(of) => see(Part::Term(of)),
            Term::Call(_, terms, _)
            | Term::Coalesce(terms, _)
            | Term::Extreme { among: terms, .. }
            | Term::Array(terms, _) => terms.iter().for_each(|term| see(Part::Term(term))),
            Term::NullIf(terms, _) => terms.iter().for_each(|term| see(Part::Term(term))),
            Term::Case { branches, otherwise, .. } => {
                for (test, term) in branches {
                    see(Part::Test(test));
                    see(Part::Term(term));
                }
                see(Part::Term(otherwise));
            }
            Term::Test(test) => see(Part::Test(test)),
        }
    }
}

impl Test {
    /// Calls `see` with every term and test right below this one.
    pub fn each_part<'t>(&'t self, see: &mut dyn FnMut(Part<'t>)) {
        match self {
            Test::Constant(_) | Test::Failed => {}
            Test::Term(term) | Test::IsNull(term) | Test::OneOf { item: term, .. } => {
                see(Part::Term(term))
            }
            Test::And(tests) | Test::Or(tests) => {
                tests.iter().for_each(|test| see(Part::Test(test)))
            }
            Test::Not(test) | Test::Is(_, test) | Test::Whole(test) => see(Part::Test(test)),
            Test::Compare(_, left, right)
            | Test::Distinct { left, right, .. }
            | Test::Any { item: left, array: right }
            | Test::Has(_, left, right) => {
                see(Part::Term(left));
                see(Part::Term(right));
            }
            Test::Like { text, .. } => see(Part::Term(text)),
        }
    }
}

/// A part of a tree.
#[derive(Clone, Copy, Debug)]
pub enum Part<'t> {
    Test(&'t Test),
    Term(&'t Term),
}

impl<'t> Part<'t> {
    pub fn each_part(self, see: &mut dyn FnMut(Part<'t>)) {
        match self {
            Part::Test(test) => test.each_part(see),
            Part::Term(term) => term.each_part(see),
        }
    }

    /// How many nodes it has.
    pub fn size(self) -> usize {
        let mut size = 1;
        self.each_part(&mut |part| size += part.size());
        size
    }

    /// Whether neither the row nor the claims have a say in it.
    pub fn is_closed(self) -> bool {
        if let Part::Term(Term::Column(_) | Term::Claim { .. }) = self {
            return false;
        }
        let mut closed = true;
        self.each_part(&mut |part| closed = closed && part.is_closed());
        closed
    }

    /// Adds the positions of the columns that it reads.
    pub fn columns_into(self, found: &mut std::collections::BTreeSet<usize>) {
        if let Part::Term(Term::Column(column)) = self {
            found.insert(column.at);
        }
        self.each_part(&mut |part| part.columns_into(found));
    }
}
