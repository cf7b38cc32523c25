//! What rowcast makes of a predicate: refused, or bound and asked for each row.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rowcast::catalog::{DataType, Scalar};
use rowcast::event::{Row, RowText};
use rowcast::identity::Claims;
use rowcast::predicate::{Access, Bound, Cells, Fault, Predicate, Scope, Source, parse};
use serde_json::{Map, Value};

use super::expr::Setting;
use super::grow::Case;
use super::table::Table;

/// A predicate that was accepted.
#[derive(Debug)]
pub struct Accepted {
    pub bound: Bound,
    /// Whether the conditions on the claims alone leave any row possible.
    concerns: bool,
    /// There are claims, which may be in error: these never concern anybody.
    may_fail: bool,
}

/// What is wrong, whatever PostgreSQL says.
pub type Wrong = String;

/// Reads and binds a predicate; the inner error is a refusal.
pub fn read(table: &Table, case: &Case) -> Result<Result<Accepted, Fault>, Wrong> {
    let text = case.expr.text();
    let attempt = catch_unwind(AssertUnwindSafe(|| bind(table, &text, &case.setting)));
    match attempt.map_err(|_| "parse or bind panics".to_owned())? {
        Ok(bound) => Ok(Ok(bound?)),
        Err(fault) => {
            let length = text.chars().count();
            if fault.position < 1 || fault.position > length + 1 {
                return Err(format!("refused at {} of {length}: {fault}", fault.position));
            }
            Ok(Err(fault))
        }
    }
}

fn bind(table: &Table, text: &str, setting: &Setting) -> Result<Result<Accepted, Wrong>, Fault> {
    let visible: BTreeSet<usize> = (0..table.columns.len()).collect();
    let (source, claims) = match setting {
        Setting::Filter(params) => (Source::Filter { visible: &visible, params }, Map::new()),
        Setting::Policy(claims) => (Source::Policy, claims.clone()),
    };
    let predicate = parse(text, &Scope { columns: &table.columns, source })?;
    let concerns = predicate.concerns(&Claims::new(claims.clone()));
    let may_fail = !claims.is_empty();
    Ok(bind_twice(&predicate, &claims).map(|bound| Accepted { bound, concerns, may_fail }))
}

fn bind_twice(predicate: &Predicate, claims: &Map<String, Value>) -> Result<Bound, Wrong> {
    let one = predicate.bind(&Claims::new(claims.clone()));
    let two = predicate.bind(&Claims::new(claims.clone()));
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    if one != two || hasher.hash_one(&one) != hasher.hash_one(&two) {
        return Err("equal claims make unequal bounds".to_owned());
    }
    if let Some(read) = one.columns().iter().find(|at| !predicate.columns().contains(at)) {
        return Err(format!("the bound reads column {read}, the predicate doesn't"));
    }
    Ok(one)
}

/// The answer for each row. None: it can't be decided.
pub fn answers(
    accepted: &Accepted,
    rows: &[Cells<'_>],
) -> Result<Vec<Option<Option<bool>>>, Wrong> {
    let access = accepted.bound.access();
    let ask = |row: &Cells<'_>| {
        let answer = accepted.bound.evaluate(row).ok();
        if accepted.bound.holds(row) != (answer == Some(Some(true))) {
            return Err("holds and evaluate differ".to_owned());
        }
        if let Some(constant) = accepted.bound.constant()
            && constant != (answer == Some(Some(true)))
        {
            return Err(format!("constantly {constant}, but {answer:?}"));
        }
        if answer == Some(Some(true)) && !accepted.concerns && !accepted.may_fail {
            return Err("true, but said not to concern these claims".to_owned());
        }
        if answer == Some(Some(true)) && !reaches(&access, row) {
            return Err(format!("true, but its index doesn't find it: {access:?}"));
        }
        Ok(answer)
    };
    let attempt = catch_unwind(AssertUnwindSafe(|| rows.iter().map(ask).collect()));
    attempt.map_err(|_| "evaluate panics".to_owned())?
}

/// Whether an index finds the row.
fn reaches(access: &Access, row: &Cells<'_>) -> bool {
    match access {
        Access::Scan => true,
        Access::Never => false,
        Access::Keys(keys) => {
            keys.iter().any(|(column, key)| row.key(*column).as_ref() == Some(key))
        }
    }
}

/// A row that lacks a column is shown to a predicate that reads it only if it would be, whatever is there: as it
/// is, and with NULL.
pub fn check_lacking(
    accepted: &Accepted,
    table: &Table,
    row: &RowText,
    at: usize,
) -> Result<(), Wrong> {
    let columns = accepted.bound.columns();
    let Some(&lacking) = columns.get(at % columns.len().max(1)) else { return Ok(()) };
    let whole = Row::read(row, &table.columns).expect("PostgreSQL writes JSON");
    let holds = |with: Option<&str>| {
        let values = (0..table.columns.len()).filter_map(|column| {
            let value = if column == lacking { with } else { whole.value(column) };
            let name = Value::String(table.columns[column].name.clone());
            value.map(|value| format!("{name}:{value}"))
        });
        let json = format!("{{{}}}", values.collect::<Vec<_>>().join(","));
        let text = RowText { json, key_only: false };
        let row = Row::read(&text, &table.columns).expect("its parts were JSON");
        accepted.bound.holds(&Cells::new(&row, &table.columns))
    };
    if holds(None) && !(holds(Some("null")) && holds(whole.value(lacking))) {
        let name = &table.columns[lacking].name;
        return Err(format!("true for a row that lacks {name}, on which it depends"));
    }
    Ok(())
}

pub fn is_indexed(accepted: &Accepted) -> bool {
    matches!(accepted.bound.access(), Access::Keys(_))
}

/// Whether the row has `null` in a column of json or jsonb, or within an array of these: nobody can tell from the
/// log whether that is SQL's or JSON's.
pub fn is_unclear(accepted: &Accepted, table: &Table, row: &RowText) -> bool {
    let row = Row::read(row, &table.columns).expect("PostgreSQL writes JSON");
    accepted.bound.columns().iter().any(|&at| {
        let text = row.value(at).unwrap_or("null");
        match &table.columns[at].data_type {
            DataType::Scalar(Scalar::Json | Scalar::Jsonb) => text == "null",
            DataType::Array(Scalar::Json | Scalar::Jsonb) => text.contains("null"),
            _ => false,
        }
    })
}

/// Whether rowcast reads the claims as what the predicate asks for: given as parameters, they would be refused.
pub fn reads_claims(table: &Table, case: &Case) -> bool {
    let Setting::Policy(claims) = &case.setting else { return true };
    let (mut params, mut expr) = (Vec::new(), case.expr.clone());
    expr.claims_to_params(claims, &mut params);
    let case = Case { expr, setting: Setting::Filter(params), is_explicit: false };
    read(table, &case).is_ok_and(|read| read.is_ok())
}
