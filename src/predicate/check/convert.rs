//! One type made of another: untyped operands, implicit conversions, casts.

use super::literal::not_a_value;
use super::typed::{Derived, Open, Operand, Spelled, Typed, plain};
use super::{Checked, Checker};
use crate::catalog::{DataType, Scalar};
use crate::predicate::ast::{BOOL, Constant, TEXT, Term, Test};
use crate::predicate::parse::{Name, Syntax, TypeName};
use crate::predicate::value::{self, Value};
use crate::predicate::{Fault, Scope};

impl Checker<'_> {
    pub fn as_test(&self, typed: Typed) -> Result<Test, Fault> {
        match typed.data_type() {
            Some(of) if *of != BOOL => {
                let reason = format!("a condition is expected, this is of type {}", printed(of));
                Err(Fault::new(typed.at, reason))
            }
            _ => Ok(as_test(self.coerce(typed, &BOOL)?)),
        }
    }

    /// As this type, by an implicit conversion.
    pub fn coerce(&self, typed: Typed, to: &DataType) -> Result<Term, Fault> {
        let at = typed.at;
        let (term, of) = match typed.operand {
            Operand::Open(open) => return read(at, open, to),
            Operand::Known { term, of, .. } => (term, of),
        };
        if of == *to {
            return Ok(term);
        }
        convert(at, term, &of, to)
    }

    pub fn cast(&mut self, at: usize, operand: &Syntax, to: &TypeName) -> Checked {
        let typed = self.check(operand)?;
        let spelled = to.built_in.map_or(Spelled::Text, Spelled::of);
        let to = named_type(to, self.scope)?;
        let collation = match &to {
            DataType::Scalar(Scalar::Text(_) | Scalar::Char(_))
            | DataType::Array(Scalar::Text(_) | Scalar::Char(_)) => typed.derived(),
            _ => Derived::Default,
        };
        let (of, term) = match typed.operand {
            Operand::Open(open) => {
                return Ok(Typed::term(at, read(typed.at, open, &to)?, to).spelled_as(spelled));
            }
            // A domain's value is of the type that it is over.
            Operand::Known { term, of: DataType::Other, .. } => (term.data_type(), term),
            Operand::Known { term, of, .. } => (of, term),
        };
        let how = None;
        let term = match of == to {
            true => Term::Cast { how, to: to.clone(), of: Box::new(term) },
            false => convert(typed.at, term, &of, &to)?,
        };
        Ok(Typed::collated(at, term, to, collation).spelled_as(spelled))
    }

    pub fn collate(&mut self, at: usize, operand: &Syntax, collation: &[Name]) -> Checked {
        let typed = self.check(operand)?;
        let is_c = match collation {
            [name] => name.text == "C",
            [schema, name] => schema.text == "pg_catalog" && name.text == "C",
            _ => false,
        };
        if !is_c {
            let reason = "only the collation \"C\" is the same everywhere";
            return Err(Fault::new(at, reason).instead("collate \"C\""));
        }
        let of = typed.data_type().cloned().unwrap_or(TEXT);
        let collatable = matches!(of, DataType::Scalar(Scalar::Text(_) | Scalar::Char(_)));
        if !collatable {
            return Err(Fault::new(at, format!("the type {} has no collation", printed(&of))));
        }
        let term = Term::Collate(Box::new(self.coerce(typed, &of)?));
        Ok(Typed::collated(at, term, of, Derived::Explicit))
    }
}

pub fn as_test(term: Term) -> Test {
    match term {
        Term::Test(test) => *test,
        Term::Constant(Constant { value: None, .. }) => Test::Constant(None),
        Term::Constant(Constant { value: Some(Value::Bool(value)), .. }) => {
            Test::Constant(Some(value))
        }
        term => Test::Term(term),
    }
}

/// What has no type of its own, as its context's.
fn read(at: usize, open: Open, to: &DataType) -> Result<Term, Fault> {
    if *to == DataType::Other {
        return Err(Fault::new(at, "its type isn't clear").instead("a cast of the other operand"));
    }
    let value = match open {
        Open::Claim(path) => return Ok(Term::Claim { path, of: to.clone() }),
        Open::Null => Ok(None),
        Open::Text(text) => value::from_text(&text, to).map(Some),
        Open::Param(given) => value::from_json(&given, to),
    };
    let value = value.map_err(|error| not_a_value(at, error))?;
    Ok(Term::Constant(Constant { value, of: to.clone() }))
}

fn convert(at: usize, term: Term, from: &DataType, to: &DataType) -> Result<Term, Fault> {
    if let Term::Constant(constant) = &term
        && let Some(converted) = convert_constant(at, constant, to)?
    {
        return Ok(Term::Constant(converted));
    }
    match value::cast(from, to) {
        Some(how) => Ok(Term::Cast { how: Some(how), to: to.clone(), of: Box::new(term) }),
        None => Err(no_cast(at, from, to)),
    }
}

fn no_cast(at: usize, from: &DataType, to: &DataType) -> Fault {
    let (from, to) = (printed(from), printed(to));
    Fault::new(at, format!("a cast from {from} to {to} could fail, or isn't exact"))
}

/// A constant's value is known: whether it can be converted is, too.
fn convert_constant(
    at: usize,
    constant: &Constant,
    to: &DataType,
) -> Result<Option<Constant>, Fault> {
    let Some(value) = &constant.value else {
        let has_cast = value::cast(&constant.of, to).is_some() || by_way_of_text(&constant.of, to);
        return Ok(has_cast.then(|| Constant::null(to.clone())));
    };
    if let Some(how) = value::cast(&constant.of, to) {
        let value = how.apply(value).map_err(|_| no_cast(at, &constant.of, to))?;
        return Ok(Some(Constant { value: Some(value), of: to.clone() }));
    }
    if !by_way_of_text(&constant.of, to) {
        return Ok(None);
    }
    let text = value::to_text(value);
    let value = value::from_text(&text, to).map_err(|error| not_a_value(at, error))?;
    Ok(Some(Constant { value: Some(value), of: to.clone() }))
}

/// Whether PostgreSQL's cast does the same as writing and reading does, where reading doesn't fail.
fn by_way_of_text(from: &DataType, to: &DataType) -> bool {
    let (DataType::Scalar(from), DataType::Scalar(to)) = (from, to) else {
        return matches!(from, DataType::Scalar(Scalar::Text(_)))
            && matches!(to, DataType::Array(_));
    };
    match from {
        Scalar::Text(_) => true,
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 | Scalar::Numeric => rank(to).is_some(),
        _ => false,
    }
}

/// Where a number's type is in the order of implicit conversions.
pub fn rank(of: &Scalar) -> Option<u8> {
    Some(match of {
        Scalar::Int2 => 0,
        Scalar::Int4 => 1,
        Scalar::Int8 => 2,
        Scalar::Numeric => 3,
        Scalar::Float4 => 4,
        Scalar::Float8 => 5,
        _ => return None,
    })
}

/// The type that `case`, `coalesce` and the like make of these (manual 10.5).
pub fn common_type(typed: &[Typed]) -> Result<DataType, Fault> {
    let mut common: Option<DataType> = None;
    for one in typed {
        let Some(of) = one.data_type() else { continue };
        common = Some(match common {
            None => of.clone(),
            Some(so_far) if so_far == *of => so_far,
            Some(so_far) => wider(one.at, so_far, of)?,
        });
    }
    Ok(common.unwrap_or(TEXT))
}

fn wider(at: usize, left: DataType, right: &DataType) -> Result<DataType, Fault> {
    if let (DataType::Scalar(one), DataType::Scalar(other)) = (&left, right)
        && let (Some(one), Some(other)) = (rank(one), rank(other))
    {
        return Ok(if one >= other { left } else { right.clone() });
    }
    let (left, right) = (printed(&left), printed(right));
    let fault = Fault::new(at, format!("the types {left} and {right} don't go together"));
    Err(fault.instead(format!("a cast: …::{left}")))
}

/// The type that a cast names.
fn named_type(name: &TypeName, scope: &Scope<'_>) -> Result<DataType, Fault> {
    let scalar = match name.built_in {
        Some(built_in) => match DataType::named(built_in) {
            DataType::Scalar(scalar) => Some(scalar),
            _ => None,
        },
        None => scope.columns.iter().find_map(|column| enum_named(&column.data_type, &name.parts)),
    };
    let Some(scalar) = scalar else {
        let written = name.built_in.map_or_else(|| name.parts.join("."), str::to_owned);
        return Err(Fault::new(name.at, format!("predicates don't know the type {written}")));
    };
    Ok(plain(&match name.is_array {
        true => DataType::Array(scalar),
        false => DataType::Scalar(scalar),
    }))
}

/// The column's enum, if it is called so.
fn enum_named(of: &DataType, parts: &[String]) -> Option<Scalar> {
    let (DataType::Scalar(scalar) | DataType::Array(scalar)) = of else { return None };
    let Scalar::Enum(found) = scalar else { return None };
    let mut own = Vec::new();
    let mut rest = found.name.as_str();
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('"');
        let end = match quoted {
            Some(inner) => closing_quote(inner)? + 2,
            None => rest.find('.').unwrap_or(rest.len()),
        };
        let part = &rest[..end];
        own.push(part.trim_matches('"').replace("\"\"", "\""));
        rest = rest[end..].strip_prefix('.').unwrap_or("");
    }
    own.ends_with(parts).then(|| scalar.clone())
}

fn closing_quote(inner: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = inner[at..].find('"') {
        match inner[at + found + 1..].starts_with('"') {
            true => at += found + 2,
            false => return Some(at + found),
        }
    }
    None
}

/// A type as messages and SQL name it.
pub fn printed(of: &DataType) -> String {
    match of {
        DataType::Scalar(scalar) => scalar_name(scalar).to_owned(),
        DataType::Array(scalar) => format!("{}[]", scalar_name(scalar)),
        DataType::Other => "unknown".to_owned(),
    }
}

fn scalar_name(of: &Scalar) -> &str {
    match of {
        Scalar::Bool => "boolean",
        Scalar::Int2 => "smallint",
        Scalar::Int4 => "integer",
        Scalar::Int8 => "bigint",
        Scalar::Numeric => "numeric",
        Scalar::Float4 => "real",
        Scalar::Float8 => "double precision",
        Scalar::Text(_) => "text",
        Scalar::Char(_) => "bpchar",
        Scalar::Uuid => "uuid",
        Scalar::Date => "date",
        Scalar::Time => "time",
        Scalar::Timestamp => "timestamp",
        Scalar::Timestamptz => "timestamptz",
        Scalar::Interval => "interval",
        Scalar::Bytea => "bytea",
        Scalar::Enum(of) => &of.name,
        Scalar::Json => "json",
        Scalar::Jsonb => "jsonb",
        Scalar::Inet => "inet",
    }
}
