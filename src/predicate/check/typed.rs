//! An operand with its type, or one that takes its context's.

use serde_json::Value as Given;

use crate::catalog::{Collation, DataType, Scalar};
use crate::predicate::Fault;
use crate::predicate::ast::{BOOL, Part, Term, Test};

#[derive(Clone, Debug)]
pub struct Typed {
    pub at: usize,
    pub operand: Operand,
}

#[derive(Clone, Debug)]
pub enum Operand {
    /// What PostgreSQL calls `unknown`.
    Open(Open),
    Known {
        term: Term,
        of: DataType,
        collation: Derived,
        spelled: Spelled,
    },
}

/// Which of the types that count as text it is: `varchar[]` and `text[]` don't go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelled {
    Text,
    Varchar,
    /// A domain over one of them.
    Unsure,
}

#[derive(Clone, Debug)]
pub enum Open {
    Text(String),
    Null,
    Param(Given),
    Claim(Vec<String>),
}

/// The oid of the collation `C` in every version.
const C_OID: u32 = 950;

/// Where a collation comes from (manual 24.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// The database's, or none at all.
    Default,
    Column(Collation),
    /// A column's own, which isn't the database's.
    Named(Collation, u32),
    /// `collate "C"`
    Explicit,
    Conflict,
}

impl Derived {
    pub fn with(self, other: Self) -> Self {
        use Derived::{Column, Conflict, Default, Explicit, Named};
        match (self, other) {
            (Explicit, _) | (_, Explicit) => Explicit,
            (Conflict, _) | (_, Conflict) => Conflict,
            (Default, derived) | (derived, Default) => derived,
            (one, other) if one == other => one,
            (named @ Named(..), Column(_)) | (Column(_), named @ Named(..)) => named,
            _ => Conflict,
        }
    }
}

/// With the explicit collation of another operand, which may be gone from the tree when that is found constant.
pub fn keep_explicit(derived: Derived, term: Term) -> Term {
    match (derived, &term) {
        (_, Term::Collate(_) | Term::Constant(_)) => term,
        (Derived::Explicit, _) if is_collatable(&term.data_type()) => Term::Collate(Box::new(term)),
        _ => term,
    }
}

fn is_collatable(of: &DataType) -> bool {
    matches!(
        of,
        DataType::Scalar(Scalar::Text(_) | Scalar::Char(_))
            | DataType::Array(Scalar::Text(_) | Scalar::Char(_))
    )
}

impl Typed {
    pub fn text(at: usize, text: &str) -> Self {
        Self { at, operand: Operand::Open(Open::Text(text.to_owned())) }
    }

    pub fn null(at: usize) -> Self {
        Self { at, operand: Operand::Open(Open::Null) }
    }

    pub fn test(at: usize, test: Test) -> Self {
        Self::term(at, Term::Test(Box::new(test)), BOOL)
    }

    /// Of a type without a collation, or with the default one.
    pub fn term(at: usize, term: Term, of: DataType) -> Self {
        Self::collated(at, term, of, Derived::Default)
    }

    pub fn collated(at: usize, term: Term, of: DataType, collation: Derived) -> Self {
        Self { at, operand: Operand::Known { term, of, collation, spelled: Spelled::Text } }
    }

    pub fn spelled_as(mut self, how: Spelled) -> Self {
        if let Operand::Known { spelled, .. } = &mut self.operand {
            *spelled = how;
        }
        self
    }

    pub fn spelled(&self) -> Spelled {
        match &self.operand {
            Operand::Open(_) => Spelled::Unsure,
            Operand::Known { spelled, .. } => *spelled,
        }
    }

    /// With an explicit collation as if it were a column's, as the operand of `case` has it.
    pub fn implied(mut self) -> Self {
        if let Operand::Known { collation: collation @ Derived::Explicit, .. } = &mut self.operand {
            *collation = Derived::Named(Collation::C, C_OID);
        }
        self
    }

    pub fn data_type(&self) -> Option<&DataType> {
        match &self.operand {
            Operand::Open(_) => None,
            Operand::Known { of, .. } => Some(of),
        }
    }

    pub fn derived(&self) -> Derived {
        match &self.operand {
            Operand::Open(_) => Derived::Default,
            Operand::Known { collation, .. } => *collation,
        }
    }

    pub fn size(&self) -> usize {
        match &self.operand {
            Operand::Open(_) => 1,
            Operand::Known { term, .. } => Part::Term(term).size(),
        }
    }

    pub fn reads_a_column(&self) -> bool {
        let mut columns = std::collections::BTreeSet::new();
        if let Operand::Known { term, .. } = &self.operand {
            Part::Term(term).columns_into(&mut columns);
        }
        !columns.is_empty()
    }
}

impl Spelled {
    /// As `format_type` prints the type.
    pub fn of(type_name: &str) -> Self {
        match type_name {
            "text" | "text[]" => Spelled::Text,
            name if name.starts_with("character varying") => Spelled::Varchar,
            _ => Spelled::Unsure,
        }
    }

    /// Of all of these together, whatever is untyped.
    pub fn of_all(typed: &[Typed]) -> Self {
        let known = typed.iter().filter(|one| !one.is_open()).map(Typed::spelled);
        known
            .reduce(|one, other| if one == other { one } else { Spelled::Unsure })
            .unwrap_or(Spelled::Text)
    }
}

/// The type without its collation, which is told apart by itself.
pub fn plain(of: &DataType) -> DataType {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Text(_) => Scalar::Text(Collation::Deterministic),
        Scalar::Char(_) => Scalar::Char(Collation::Deterministic),
        other => other.clone(),
    };
    match of {
        DataType::Scalar(of) => DataType::Scalar(scalar(of)),
        DataType::Array(of) => DataType::Array(scalar(of)),
        DataType::Other => DataType::Other,
    }
}

/// Text can be told equal: the collation is known, and byte by byte.
pub fn check_equality(at: usize, collation: Derived) -> Result<(), Fault> {
    let reason = match collation {
        Derived::Conflict => "the two sides have different collations",
        Derived::Column(Collation::Nondeterministic)
        | Derived::Named(Collation::Nondeterministic, _) => {
            "equality in a nondeterministic collation can't be told outside of the database"
        }
        _ => return Ok(()),
    };
    Err(Fault::new(at, reason).instead("… collate \"C\""))
}

/// Text can be ordered, and its letters' case told: collation C alone.
pub fn check_order(at: usize, collation: Derived, what: &str) -> Result<(), Fault> {
    match collation {
        Derived::Explicit | Derived::Column(Collation::C) | Derived::Named(Collation::C, _) => {
            Ok(())
        }
        Derived::Conflict => check_equality(at, collation),
        _ => {
            let reason = format!("{what} depends on the server's collation");
            Err(Fault::new(at, reason).instead("… collate \"C\""))
        }
    }
}
