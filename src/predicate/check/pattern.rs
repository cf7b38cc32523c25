//! `like`, `~` and their kin. The pattern is a constant, so that what it means is known before any row is.

use super::literal::not_a_value;
use super::typed::{Typed, check_equality, check_order, keep_explicit};
use super::{Checked, Checker};
use crate::catalog::{DataType, Scalar};
use crate::predicate::Fault;
use crate::predicate::ast::{Constant, LikeText, Part, Pattern, TEXT, Term, Test};
use crate::predicate::evaluate::NoRow;
use crate::predicate::parse::Syntax;
use crate::predicate::value::{Escape, Like, NotAValue, Regex, Value};

impl Checker<'_> {
    pub fn like(
        &mut self,
        at: usize,
        any_case: bool,
        text: &Syntax,
        pattern: &Syntax,
        escape: Option<&Syntax>,
    ) -> Result<Test, Fault> {
        let escape = escape.map(|escape| self.escape(escape)).transpose()?;
        let kind = PatternKind::Like { escape, any_case };
        self.matched(at, text, pattern, kind)
    }

    pub fn regex(&mut self, at: usize, name: &str, text: &Syntax, pattern: &Syntax) -> Checked {
        let kind = PatternKind::Regex { any_case: name.ends_with('*') };
        let found = self.matched(at, text, pattern, kind)?;
        Ok(Typed::test(at, super::negated(name.starts_with('!'), found)))
    }

    /// `~~` and the like, which are `like` by another name.
    pub fn like_operator(
        &mut self,
        at: usize,
        name: &str,
        text: &Syntax,
        pattern: &Syntax,
    ) -> Checked {
        let found = self.like(at, name.ends_with('*'), text, pattern, None)?;
        Ok(Typed::test(at, super::negated(name.starts_with('!'), found)))
    }

    fn escape(&mut self, escape: &Syntax) -> Result<String, Fault> {
        let typed = self.check(escape)?;
        let at = typed.at;
        check_pattern(&typed)?;
        match self.coerce(typed, &TEXT)? {
            Term::Constant(Constant { value: Some(Value::Text(text)), .. }) => Ok(text.into()),
            _ => Err(Fault::new(at, "the escape character must be a literal")),
        }
    }

    fn matched(
        &mut self,
        at: usize,
        text: &Syntax,
        pattern: &Syntax,
        kind: PatternKind,
    ) -> Result<Test, Fault> {
        let (text, pattern) = (self.check(text)?, self.check(pattern)?);
        check_text(&text)?;
        check_pattern(&pattern)?;
        let collation = text.derived().with(pattern.derived());
        check_equality(at, collation)?;
        if kind.ignores_case() {
            check_order(at, collation, "which letters are the same but for their case")?;
        }
        let pattern_at = pattern.at;
        let pattern = Box::new(self.coerce(pattern, &TEXT)?);
        if !Part::Term(&pattern).is_closed() {
            let reason = "a pattern must be written out: not every one is matched exactly here";
            return Err(Fault::new(pattern_at, reason));
        }
        let pattern = Box::new(
            computed(*pattern).ok_or_else(|| Fault::new(pattern_at, "the pattern has no value"))?,
        );
        let of = text.data_type().cloned().unwrap_or(TEXT);
        let text = keep_explicit(collation, self.coerce(text, &of)?);
        let pattern = kind.read(&pattern).map_err(|error| not_a_value(pattern_at, error))?;
        Ok(Test::Like { text, pattern })
    }
}

fn computed(term: Term) -> Option<Term> {
    let of = term.data_type();
    let value = term.evaluate(&NoRow).ok()?.map(std::borrow::Cow::into_owned);
    Some(Term::Constant(Constant { value, of }))
}

fn check_text(typed: &Typed) -> Result<(), Fault> {
    match typed.data_type() {
        None | Some(DataType::Scalar(Scalar::Text(_) | Scalar::Char(_))) => Ok(()),
        Some(_) => Err(Fault::new(typed.at, "patterns are for text").instead("a cast: …::text")),
    }
}

fn check_pattern(typed: &Typed) -> Result<(), Fault> {
    match typed.data_type() {
        None | Some(DataType::Scalar(Scalar::Text(_))) => Ok(()),
        Some(_) => Err(Fault::new(typed.at, "a pattern is text").instead("a cast: …::text")),
    }
}

/// How a pattern is meant.
enum PatternKind {
    Like { escape: Option<String>, any_case: bool },
    Regex { any_case: bool },
}

impl PatternKind {
    fn ignores_case(&self) -> bool {
        match self {
            PatternKind::Like { any_case, .. } | PatternKind::Regex { any_case } => *any_case,
        }
    }

    /// The pattern that a constant is.
    fn read(self, pattern: &Term) -> Result<Pattern, NotAValue> {
        let Term::Constant(Constant { value: Some(Value::Text(pattern)), .. }) = pattern else {
            return Ok(Pattern::Null);
        };
        let pattern: String = pattern.to_string();
        Ok(match self {
            PatternKind::Like { escape, any_case } => {
                let like = Like::new(&pattern, escape_char(escape.as_deref())?, any_case)?;
                Pattern::Like { like, written: LikeText { pattern, escape, any_case } }
            }
            PatternKind::Regex { any_case } => {
                let regex = Regex::new(&pattern, any_case)?;
                Pattern::Regex { regex, pattern, any_case }
            }
        })
    }
}

fn escape_char(escape: Option<&str>) -> Result<Escape, NotAValue> {
    let Some(escape) = escape else { return Ok(Escape::Char('\\')) };
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (None, _) => Ok(Escape::None),
        (Some(one), None) => Ok(Escape::Char(one)),
        _ => Err(NotAValue::new("the escape must be one character, or none")),
    }
}
