//! Claims filled in, and what is constant computed: equal meanings become equal trees where that is cheap.

use std::borrow::Cow;

use super::ast::{Constant, Part, TEXT, Term, Test};
use super::evaluate::NoRow;
use super::fold;
use super::parse::Test as IsTest;
use super::value;
use crate::catalog::DataType;
use crate::identity::Claims;

/// A claim couldn't be converted.
pub struct Failed;

/// The tree for these claims.
pub fn bind(test: &Test, claims: &Claims) -> Test {
    without_failures(bound(test, claims), true)
}

/// The same, with `Failed` where a claim couldn't be converted.
pub fn bound(test: &Test, claims: &Claims) -> Test {
    let all = |tests: &[Test]| tests.iter().map(|test| bound(test, claims)).collect();
    match test {
        Test::And(tests) => fold::and(all(tests)),
        Test::Or(tests) => fold::or(all(tests)),
        Test::Not(test) => fold::not(bound(test, claims)),
        Test::Is(how, test) => fold::is(*how, bound(test, claims)),
        Test::Whole(test) if fails(Part::Test(test), claims) => Test::Failed,
        Test::Whole(test) => bound(test, claims),
        Test::IsNull(Term::Claim { path, of }) if *of == TEXT => {
            Test::Constant(Some(claims.get(path).is_none()))
        }
        atom => bound_atom(atom, claims).unwrap_or(Test::Failed),
    }
}

/// Whether a claim in it can't be converted.
fn fails(part: Part<'_>, claims: &Claims) -> bool {
    if let Part::Term(Term::Claim { path, of }) = part {
        return claim(path, of, claims).is_err();
    }
    let mut failed = false;
    part.each_part(&mut |part| failed = failed || fails(part, claims));
    failed
}

fn bound_atom(test: &Test, claims: &Claims) -> Result<Test, Failed> {
    let of = |term: &Term| bound_term(term, claims);
    let bound = match test {
        Test::Term(term) => match of(term)? {
            Term::Test(test) => return Ok(*test),
            term => Test::Term(term),
        },
        Test::Compare(comparison, left, right) => fold::compare(*comparison, of(left)?, of(right)?),
        Test::Distinct { not, left, right } => {
            Test::Distinct { not: *not, left: of(left)?, right: of(right)? }
        }
        Test::IsNull(term) => Test::IsNull(of(term)?),
        Test::OneOf { item, set, of: of_type } => {
            Test::OneOf { item: of(item)?, set: set.clone(), of: of_type.clone() }
        }
        Test::Any { item, array } => fold::any(of(item)?, of(array)?),
        Test::Like { text, pattern } => Test::Like { text: of(text)?, pattern: pattern.clone() },
        Test::Has(relation, left, right) => Test::Has(*relation, of(left)?, of(right)?),
        other => other.clone(),
    };
    computed(fold::strict(bound))
}

fn computed(test: Test) -> Result<Test, Failed> {
    if matches!(test, Test::Constant(_)) || !Part::Test(&test).is_closed() {
        return Ok(test);
    }
    test.evaluate(&NoRow).map(Test::Constant).map_err(|_| Failed)
}

fn bound_term(term: &Term, claims: &Claims) -> Result<Term, Failed> {
    let of = |term: &Term| bound_term(term, claims);
    let boxed = |term: &Term| of(term).map(Box::new);
    let all = |terms: &[Term]| terms.iter().map(of).collect::<Result<Vec<_>, _>>();
    let bound = match term {
        Term::Constant(_) | Term::Column(_) => return Ok(term.clone()),
        Term::Claim { path, of } => return claim(path, of, claims),
        Term::Cast { how, to, of } => {
            Term::Cast { how: how.clone(), to: to.clone(), of: boxed(of)? }
        }
        Term::Collate(of) => Term::Collate(boxed(of)?),
        Term::Call(function, terms, of) => Term::Call(*function, all(terms)?, of.clone()),
        Term::Case { branches, otherwise, of: of_type } => {
            let branches = branches.iter().map(|(test, term)| match bound(test, claims) {
                Test::Failed => Err(Failed),
                test => Ok((test, of(term)?)),
            });
            let branches = branches.collect::<Result<Vec<_>, _>>()?;
            Term::Case { branches, otherwise: boxed(otherwise)?, of: of_type.clone() }
        }
        Term::Coalesce(terms, of) => Term::Coalesce(all(terms)?, of.clone()),
        Term::NullIf(terms, of_type) => {
            let [left, right] = &**terms;
            Term::NullIf(Box::new([of(left)?, of(right)?]), of_type.clone())
        }
        Term::Extreme { greatest, among, of } => {
            Term::Extreme { greatest: *greatest, among: all(among)?, of: of.clone() }
        }
        Term::Array(terms, of) => Term::Array(all(terms)?, of.clone()),
        Term::Test(test) => Term::Test(Box::new(bound_or_failed(test, claims)?)),
    };
    computed_term(bound)
}

fn bound_or_failed(test: &Test, claims: &Claims) -> Result<Test, Failed> {
    match bound(test, claims) {
        Test::Failed => Err(Failed),
        test => Ok(test),
    }
}

fn computed_term(term: Term) -> Result<Term, Failed> {
    if !Part::Term(&term).is_closed() {
        return Ok(term);
    }
    let of = term.data_type();
    let value = term.evaluate(&NoRow).map_err(|_| Failed)?.map(Cow::into_owned);
    Ok(Term::Constant(Constant { value, of }))
}

fn claim(path: &[String], of: &DataType, claims: &Claims) -> Result<Term, Failed> {
    let value = match claims.get(path) {
        Some(given) => value::from_json(given, of).map_err(|_| Failed)?,
        None => None,
    };
    Ok(Term::Constant(Constant { value, of: of.clone() }))
}

/// What failed becomes what can't make the whole true: false, or true under `not`.
fn without_failures(test: Test, positive: bool) -> Test {
    let all = |tests: Vec<Test>, positive| {
        tests.into_iter().map(|test| without_failures(test, positive)).collect()
    };
    match test {
        Test::Failed => Test::Constant(Some(!positive)),
        Test::And(tests) => fold::and(all(tests, positive)),
        Test::Or(tests) => fold::or(all(tests, positive)),
        Test::Not(test) => fold::not(without_failures(*test, !positive)),
        Test::Is(IsTest::True, test) => fold::is(IsTest::True, without_failures(*test, positive)),
        Test::Is(IsTest::False, test) => {
            fold::is(IsTest::False, without_failures(*test, !positive))
        }
        atom if has_failed(Part::Test(&atom)) => Test::Constant(Some(!positive)),
        atom => atom,
    }
}

fn has_failed(part: Part<'_>) -> bool {
    if let Part::Test(Test::Failed) = part {
        return true;
    }
    let mut failed = false;
    part.each_part(&mut |part| failed = failed || has_failed(part));
    failed
}
