//! Columns, `auth` and parameters.

use super::typed::{Derived, Open, Operand, Spelled, Typed, plain};
use super::{Checked, Checker};
use crate::catalog::{Column, DataType, Scalar};
use crate::predicate::ast::{ColumnAt, Term};
use crate::predicate::parse::Name;
use crate::predicate::{Fault, MAX_PARAMS, Source};

impl Checker<'_> {
    pub fn name(&mut self, names: &[Name]) -> Checked {
        match names {
            [name] if name.is_auth() && matches!(self.scope.source, Source::Policy) => {
                let fault = Fault::new(name.at, "auth alone is not a value");
                Err(fault.instead("auth.<claim>, or \"auth\" if a column is meant"))
            }
            [name] => self.column(name),
            [auth, claim @ ..] if auth.is_auth() => self.claim(auth, claim),
            [first, ..] => {
                let fault = Fault::new(first.at, "columns are named without their table");
                Err(fault.instead("the column's name alone"))
            }
            [] => Err(Fault::new(1, "a name is expected")),
        }
    }

    fn column(&self, name: &Name) -> Checked {
        let found = self.scope.columns.iter().enumerate().find(|(at, column)| {
            column.name == name.text
                && match self.scope.source {
                    Source::Policy => true,
                    Source::Filter { visible, .. } => visible.contains(at),
                }
        });
        let Some((position, column)) = found else {
            return Err(Fault::new(name.at, format!("there is no column {:?}", name.text)));
        };
        typed_column(name.at, position, column)
    }

    fn claim(&self, auth: &Name, path: &[Name]) -> Checked {
        if let Source::Filter { .. } = self.scope.source {
            return Err(Fault::new(auth.at, "auth is for policies alone"));
        }
        let path = path.iter().map(|name| name.text.clone()).collect();
        Ok(Typed { at: auth.at, operand: Operand::Open(Open::Claim(path)) })
    }

    pub fn param(&self, at: usize, number: usize) -> Checked {
        let Source::Filter { params, .. } = self.scope.source else {
            return Err(Fault::new(at, "a policy has no parameters"));
        };
        if number > MAX_PARAMS {
            return Err(Fault::new(at, format!("there may be at most {MAX_PARAMS} parameters")));
        }
        match params.get(number - 1) {
            Some(given) => Ok(Typed { at, operand: Operand::Open(Open::Param(given.clone())) }),
            None => Err(Fault::new(at, format!("there is no parameter ${number}"))),
        }
    }
}

fn typed_column(at: usize, position: usize, column: &Column) -> Checked {
    let collation = match &column.data_type {
        DataType::Other => {
            let reason = format!("predicates don't know the type {}", column.type_name);
            return Err(Fault::new(at, reason));
        }
        DataType::Array(Scalar::Json | Scalar::Jsonb) => {
            let reason = "where one of the array's elements ends can't be told from the log";
            return Err(Fault::new(at, reason));
        }
        DataType::Scalar(scalar) | DataType::Array(scalar) => {
            collation_of(scalar, column.collation)
        }
    };
    let of = plain(&column.data_type);
    let name = column.name.as_str().into();
    let term = Term::Column(ColumnAt { at: position, name, of: of.clone() });
    let of = if is_domain_over_enum(column) { DataType::Other } else { of };
    let spelled = Spelled::of(&column.type_name);
    Ok(Typed::collated(at, term, of, collation).spelled_as(spelled))
}

/// PostgreSQL finds no operators for these: enums' are polymorphic.
fn is_domain_over_enum(column: &Column) -> bool {
    match &column.data_type {
        DataType::Scalar(Scalar::Enum(of)) => {
            // Where the search path has it, the schema isn't printed.
            let schema = of.name.strip_suffix(column.type_name.as_str());
            !schema.is_some_and(|schema| schema.is_empty() || schema.ends_with('.'))
        }
        _ => false,
    }
}

fn collation_of(scalar: &Scalar, named: Option<u32>) -> Derived {
    match scalar {
        Scalar::Text(collation) | Scalar::Char(collation) => match named {
            Some(named) => Derived::Named(*collation, named),
            None => Derived::Column(*collation),
        },
        _ => Derived::Default,
    }
}
