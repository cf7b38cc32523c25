//! A tree's value for a row, in three-valued logic.
//!
//! What can't be decided is decided where the rest decides it: false and anything is false.

use std::borrow::Cow;

use super::ast::{Comparison, Constant, Function, Pattern, Relation, Term, Test};
use super::parse::Test as IsTest;
use super::set::Set;
use super::value::{self, Array, Value};
use super::{Cells, Undecidable};

/// Where columns' values come from.
pub trait Source {
    fn value(&self, column: usize) -> Result<Option<&Value>, Undecidable>;
}

impl Source for Cells<'_> {
    fn value(&self, column: usize) -> Result<Option<&Value>, Undecidable> {
        self.value(column)
    }
}

/// No row: for what reads none.
pub struct NoRow;

impl Source for NoRow {
    fn value(&self, _column: usize) -> Result<Option<&Value>, Undecidable> {
        Err(Undecidable)
    }
}

type Tested = Result<Option<bool>, Undecidable>;
type Found<'v> = Result<Option<Cow<'v, Value>>, Undecidable>;

impl Test {
    pub fn evaluate(&self, row: &impl Source) -> Tested {
        match self {
            Test::Constant(value) => Ok(*value),
            Test::Failed => Err(Undecidable),
            Test::Term(term) => boolean(term.evaluate(row)?),
            Test::And(tests) => decide(tests, false, row),
            Test::Or(tests) => decide(tests, true, row),
            Test::Whole(test) => test.evaluate(row),
            Test::Not(test) => Ok(test.evaluate(row)?.map(|value| !value)),
            Test::Compare(comparison, left, right) => {
                both(left, right, row, |left, right| comparison.holds(left, right))
            }
            Test::Distinct { not, left, right } => {
                let distinct = differ(&left.evaluate(row)?, &right.evaluate(row)?)?;
                Ok(Some(distinct != *not))
            }
            Test::IsNull(term) => Ok(Some(told(term.evaluate(row)?)?.is_none())),
            Test::Is(test, of) => Ok(Some(is(*test, of.evaluate(row)?))),
            Test::OneOf { item, set, .. } => one_of(item, set, row),
            Test::Any { item, array } => any(item, array, row),
            Test::Like { text, pattern } => matches(text, pattern, row),
            Test::Has(relation, left, right) => {
                both(left, right, row, |left, right| relation.holds(left, right))
            }
        }
    }
}

/// `or` if `decisive`, else `and`.
fn decide(tests: &[Test], decisive: bool, row: &impl Source) -> Tested {
    let mut so_far = Ok(Some(!decisive));
    for test in tests {
        match test.evaluate(row) {
            Ok(Some(value)) if value == decisive => return Ok(Some(decisive)),
            Ok(Some(_)) => {}
            Ok(None) => so_far = so_far.map(|_| None),
            Err(undecidable) => so_far = Err(undecidable),
        }
    }
    so_far
}

fn both(
    left: &Term,
    right: &Term,
    row: &impl Source,
    judge: impl Fn(&Value, &Value) -> Result<bool, Undecidable>,
) -> Tested {
    match (left.evaluate(row)?, right.evaluate(row)?) {
        (Some(left), Some(right)) => judge(&left, &right).map(Some),
        _ => Ok(None),
    }
}

fn boolean(value: Option<Cow<'_, Value>>) -> Tested {
    match value.as_deref() {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(Undecidable),
    }
}

fn differ(
    left: &Option<Cow<'_, Value>>,
    right: &Option<Cow<'_, Value>>,
) -> Result<bool, Undecidable> {
    match (left, right) {
        (Some(left), Some(right)) => Ok(!value::equal(left, right).ok_or(Undecidable)?),
        (None, None) => Ok(false),
        (Some(value), None) | (None, Some(value)) if **value == Value::NullOrJsonNull => {
            Err(Undecidable)
        }
        _ => Ok(true),
    }
}

/// Whether it is NULL has to be known.
fn told(value: Option<Cow<'_, Value>>) -> Found<'_> {
    match value.as_deref() {
        Some(Value::NullOrJsonNull) => Err(Undecidable),
        _ => Ok(value),
    }
}

fn is(test: IsTest, value: Option<bool>) -> bool {
    match test {
        IsTest::True => value == Some(true),
        IsTest::False => value == Some(false),
        IsTest::Unknown | IsTest::Null => value.is_none(),
    }
}

fn one_of(item: &Term, set: &Set, row: &impl Source) -> Tested {
    let Some(item) = item.evaluate(row)? else { return Ok(None) };
    set.contains(&item).map(Some).ok_or(Undecidable)
}

fn any(item: &Term, array: &Term, row: &impl Source) -> Tested {
    let array = array.evaluate(row)?;
    let Some(Value::Array(array)) = array.as_deref() else {
        return if array.is_none() { Ok(None) } else { Err(Undecidable) };
    };
    if array.elements().is_empty() {
        return Ok(Some(false));
    }
    let Some(item) = item.evaluate(row)? else { return Ok(None) };
    let mut found = Some(false);
    for element in array.elements() {
        match element {
            Some(element) if value::equal(&item, element).ok_or(Undecidable)? => {
                return Ok(Some(true));
            }
            Some(_) => {}
            None => found = None,
        }
    }
    Ok(found)
}

fn matches(text: &Term, pattern: &Pattern, row: &impl Source) -> Tested {
    let text = text.evaluate(row)?;
    let text = match text.as_deref() {
        None => return Ok(None),
        Some(Value::Text(text) | Value::Char(text)) => text,
        Some(_) => return Err(Undecidable),
    };
    match pattern {
        Pattern::Like { like, .. } => Ok(Some(like.matches(text))),
        Pattern::Regex { regex, .. } => Ok(Some(regex.matches(text))),
        Pattern::Null => Ok(None),
    }
}

impl Comparison {
    pub fn holds(self, left: &Value, right: &Value) -> Result<bool, Undecidable> {
        if matches!(self, Comparison::Equal | Comparison::NotEqual) {
            let equal = value::equal(left, right).ok_or(Undecidable)?;
            return Ok(equal == (self == Comparison::Equal));
        }
        let order = value::compare(left, right).ok_or(Undecidable)?;
        Ok(match self {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            _ => order.is_ge(),
        })
    }
}

impl Relation {
    fn holds(self, left: &Value, right: &Value) -> Result<bool, Undecidable> {
        match self {
            Relation::Contains => value::contains(left, right),
            Relation::ContainedBy => value::contains(right, left),
            Relation::Overlaps => value::overlaps(left, right),
            Relation::HasKey => value::has_key(left, right),
            Relation::HasAnyKey => value::has_any_key(left, right),
            Relation::HasAllKeys => value::has_all_keys(left, right),
            Relation::StartsWith => value::starts_with(left, right),
        }
    }
}

impl Term {
    pub fn evaluate<'v>(&'v self, row: &'v impl Source) -> Found<'v> {
        match self {
            Term::Constant(Constant { value, .. }) => Ok(value.as_ref().map(Cow::Borrowed)),
            Term::Column(column) => Ok(row.value(column.at)?.map(Cow::Borrowed)),
            Term::Claim { .. } => Err(Undecidable),
            Term::Cast { how: None, of, .. } | Term::Collate(of) => of.evaluate(row),
            Term::Cast { how: Some(how), of, .. } => match of.evaluate(row)? {
                Some(value) => how.apply(&value).map(|value| Some(Cow::Owned(value))),
                None => Ok(None),
            },
            Term::Call(function, arguments, _) => called(*function, arguments, row),
            Term::Case { branches, otherwise, .. } => {
                for (condition, result) in branches {
                    if condition.evaluate(row)? == Some(true) {
                        return result.evaluate(row);
                    }
                }
                otherwise.evaluate(row)
            }
            Term::Coalesce(terms, _) => {
                for term in terms {
                    if let Some(value) = told(term.evaluate(row)?)? {
                        return Ok(Some(value));
                    }
                }
                Ok(None)
            }
            Term::NullIf(terms, _) => {
                let [left, right] = &**terms;
                let (left, right) = (left.evaluate(row)?, right.evaluate(row)?);
                Ok(if differ(&left, &right)? { left } else { None })
            }
            Term::Extreme { greatest, among, .. } => extreme(*greatest, among, row),
            Term::Array(items, _) => {
                let items = items.iter().map(|item| Ok(item.evaluate(row)?.map(Cow::into_owned)));
                let items = items.collect::<Result<Vec<_>, Undecidable>>()?;
                Ok(Some(Cow::Owned(Value::Array(Array::of(items).into()))))
            }
            Term::Test(test) => Ok(test.evaluate(row)?.map(|value| Cow::Owned(Value::Bool(value)))),
        }
    }
}

fn extreme<'v>(greatest: bool, among: &'v [Term], row: &'v impl Source) -> Found<'v> {
    let mut best: Option<Cow<'v, Value>> = None;
    for term in among {
        let Some(value) = term.evaluate(row)? else { continue };
        let better = match &best {
            None => true,
            Some(best) => {
                let order = value::compare(&value, best).ok_or(Undecidable)?;
                if greatest { order.is_gt() } else { order.is_lt() }
            }
        };
        if better {
            best = Some(value);
        }
    }
    Ok(best)
}

fn called<'v>(function: Function, arguments: &[Term], row: &impl Source) -> Found<'v> {
    let first = arguments.first().ok_or(Undecidable)?.evaluate(row)?;
    let second = arguments.get(1).map(|term| term.evaluate(row)).transpose()?;
    let Some(first) = first else { return Ok(None) };
    let value = match second {
        None => Some(of_one(function, &first)?),
        Some(None) => None,
        Some(Some(second)) => of_two(function, &first, &second)?,
    };
    Ok(value.map(Cow::Owned))
}

fn of_one(function: Function, of: &Value) -> Result<Value, Undecidable> {
    match function {
        Function::Length => value::length(of).map(Value::Int),
        Function::Lower => value::lower(of),
        Function::Upper => value::upper(of),
        Function::Cardinality => value::cardinality(of).map(Value::Int),
        _ => Err(Undecidable),
    }
}

fn of_two(function: Function, left: &Value, right: &Value) -> Result<Option<Value>, Undecidable> {
    match function {
        Function::Concat => value::concat(left, right).map(Some),
        Function::JsonAt => value::json_at(left, right),
        Function::JsonAtText => value::json_at_text(left, right),
        Function::JsonAtPath => value::json_at_path(left, right),
        Function::JsonAtPathText => value::json_at_path_text(left, right),
        Function::ArrayLength => Ok(value::array_length(left, right)?.map(Value::Int)),
        _ => Err(Undecidable),
    }
}
